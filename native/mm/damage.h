// What memory management found overwritten in descriptors while it ran: words that it
// had written itself and did not find again. It acts on its own knowledge then, and the
// next audit tells what was there.
#pragma once

#include <cstdint>
#include <vector>

#include "base/atomic.h"
#include "base/lock.h"
#include "base/plain.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

struct Damage {
  Pfn pfn;
  const char* word = "";  // "word 2 (rcu_head.func)"
  std::uint64_t expected = 0, found = 0;
  const char* why = "";
};

class DamageLog {
 public:
  static constexpr std::size_t kKept = 64;

  void add(const Damage& damage) {
    Guard guard(lock_);
    if (rows_.size() < kKept) rows_.push_back(damage);
    total_ += 1;
  }
  /// With nothing running: the first ones, and how many there were in all.
  const std::vector<Damage>& rows() const { return rows_; }
  std::uint64_t total() const { return total_; }

 private:
  SpinLock lock_;
  PlainVector<Damage> rows_;    // lock_
  Plain<std::uint64_t> total_;  // lock_
};

}  // namespace pagebox::inline PAGEBOX_ENV
