// A device's page table for one process: page -> (frame, access).
#pragma once

#include <cstdint>
#include <map>

#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class MirrorAccess : std::uint8_t { kRead, kWrite, kAtomic };

struct MirrorEntry {
  Pfn pfn;
  MirrorAccess access = MirrorAccess::kRead;
};

/// Callers hold the mirror's lock.
class MirrorTable {
 public:
  /// Null: no entry.
  const MirrorEntry* find(std::uint64_t address) const {
    const auto at = entries_.find(address / kPageBytes);
    return at == entries_.end() ? nullptr : &at->second;
  }
  void set(std::uint64_t address, MirrorEntry entry) {
    entries_.insert_or_assign(address / kPageBytes, entry);
  }
  void erase(std::uint64_t address) { entries_.erase(address / kPageBytes); }
  /// [start, end) and the page at `end`: the kernel's test driver takes the end of a
  /// range for its last page, and recordings show it.
  void erase_range(std::uint64_t start, std::uint64_t end) {
    entries_.erase(entries_.lower_bound(start / kPageBytes),
                   entries_.upper_bound(end / kPageBytes));
  }
  void clear() { entries_.clear(); }
  std::uint64_t size() const { return entries_.size(); }
  const std::map<std::uint64_t, MirrorEntry>& entries() const { return entries_; }

 private:
  std::map<std::uint64_t, MirrorEntry> entries_;  // by page number
};

}  // namespace pagebox::inline PAGEBOX_ENV
