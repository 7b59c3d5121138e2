// The kernel's struct completion with complete_all: an event that happens once.
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/env.h"
#include "base/retry.h"

namespace pagebox::inline PAGEBOX_ENV {

class Completion {
 public:
  /// False: given up, it has not happened. `what` and `at`: see Retry.
  bool wait(const char* what = "an event", const void* at = nullptr) const {
    for (Retry retry(what, at);;) {
      std::uint32_t seen = done_.load();
      if (seen == kDone) return true;
      if (!kModel && seen == kPending && !done_.compare_exchange(seen, kAwaited)) continue;
      if (!retry.wait_on(done_.address(), kModel ? kPending : kAwaited)) return false;
    }
  }
  bool is_done() const { return done_.load() == kDone; }
  /// Wakes all who wait; who waits later does not sleep. The last touch of the
  /// object is the store: a waiter may destroy it at once. On the host nobody is woken where
  /// nobody waits, since that is a system call; in the model it is no step.
  void complete_all() {
    const std::uint32_t* at = done_.address();
    if constexpr (kModel) {
      done_.store(kDone);
      wake(at);
    } else if (done_.exchange(kDone) == kAwaited) {
      wake(at);
    }
  }
  /// Only when nobody waits.
  void reinit() { done_.store(kPending); }

 private:
  static constexpr std::uint32_t kPending = 0, kDone = 1, kAwaited = 2;
  mutable Atomic<std::uint32_t> done_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
