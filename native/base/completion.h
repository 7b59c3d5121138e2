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
    for (Retry retry(what, at); done_.load() == 0;)
      if (!retry.wait_on(done_.address(), 0)) return false;
    return true;
  }
  bool is_done() const { return done_.load() != 0; }
  /// Wakes all who wait; who waits later does not sleep. The last touch of the
  /// object is the store: a waiter may destroy it at once.
  void complete_all() {
    const std::uint32_t* at = done_.address();
    done_.store(1);
    wake(at);
  }
  /// Only when nobody waits.
  void reinit() { done_.store(0); }

 private:
  Atomic<std::uint32_t> done_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
