// How many vmas lock a folio, for those that any does; see mlock.cpp.
#pragma once

#include <cstdint>
#include <map>

#include "base/atomic.h"
#include "base/plain.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Callers hold lru_lock, but for any().
class MlockCounts {
 public:
  std::uint32_t of(Pfn pfn) const {
    mark_.read();
    const auto at = counts_.find(pfn.value);
    return at == counts_.end() ? 0 : at->second;
  }
  void set(Pfn pfn, std::uint32_t count) {
    mark_.write();
    if (count == 0)
      counts_.erase(pfn.value);
    else
      counts_[pfn.value] = count;
    if (any() == counts_.empty()) any_.store(counts_.empty() ? 0 : 1);
  }
  /// False: no folio has a count. Without the lock this says only that of folios that
  /// nobody else can lock or unlock now, which is all that freeing one asks.
  bool any() const { return any_.load() != 0; }

 private:
  [[no_unique_address]] PlainMark mark_;           // of counts_
  std::map<std::uint64_t, std::uint32_t> counts_;  // by pfn
  Atomic<std::uint32_t> any_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
