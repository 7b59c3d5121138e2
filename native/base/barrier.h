// A barrier for the threads of a run, used round after round. Who is told to give
// up no longer waits: it serves when a thread could not be begun.
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

class Barrier {
 public:
  explicit Barrier(unsigned threads) : threads_(threads) {}

  /// False: abandoned, now or earlier.
  bool wait() {
    const std::uint32_t phase = phase_.load();
    if (phase == kAbandoned) return false;
    if (arrived_.fetch_add(1) + 1 == threads_) {
      arrived_.store(0);
      std::uint32_t expected = phase;
      const bool kept = phase_.compare_exchange(expected, (phase + 1) & ~kAbandoned);
      wake(phase_.address());
      return kept;
    }
    while (phase_.load() == phase) wait_on(phase_.address(), phase);
    return phase_.load() != kAbandoned;
  }
  void abandon() {
    phase_.store(kAbandoned);
    wake(phase_.address());
  }

 private:
  static constexpr std::uint32_t kAbandoned = 1U << 31;
  const unsigned threads_;
  Atomic<std::uint32_t> arrived_, phase_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
