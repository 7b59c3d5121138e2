// A sequence count: readers run without a lock and try again when a writer was
// there meanwhile (kernel: seqcount_t). Writers exclude each other by a lock of
// their own.
//
// The words it protects are themselves atomic: written with release, read with
// acquire order, or stronger. That orders the count against the words without
// fences, which TSan does not understand.
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/env.h"
#include "base/retry.h"

namespace pagebox::inline PAGEBOX_ENV {

class SeqCount {
 public:
  /// Spins while a writer is inside.
  std::uint32_t read_begin() const {
    for (Retry retry("a sequence count", &value_, Retry::Until::kHolder);;) {
      const std::uint32_t seen = value_.load(std::memory_order_acquire);  // pairs with write_end()
      // Given up, it is odd: read_retry() finds it unchanged, as nobody writes any more.
      if ((seen & 1) == 0 || !retry.pause()) return seen;
    }
  }
  /// True: what was read since read_begin() may be torn.
  bool read_retry(std::uint32_t begun) const {
    // Acquire loads of the protected words come before this one.
    return value_.load(std::memory_order_relaxed) != begun;  // pairs with write_begin()
  }
  /// The count as it is, odd while a writer is inside.
  std::uint32_t peek() const { return value_.load(); }

  void write_begin() {
    // Release stores of the protected words come after this one.
    value_.store(own() + 1, std::memory_order_relaxed);  // pairs with read_retry()
  }
  void write_end() {
    value_.store(own() + 1, std::memory_order_release);  // pairs with read_begin()
  }

 private:
  // Only the writer writes, so reading its own word is no shared access.
  std::uint32_t own() const { return __atomic_load_n(value_.address(), __ATOMIC_RELAXED); }
  Atomic<std::uint32_t> value_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
