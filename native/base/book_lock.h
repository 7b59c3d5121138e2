// Guards the sandbox's own books (which processes there are), which the code
// under test never reads. On the host a lock; in the model nothing, since fibers
// switch at scheduling points only and a lock would be one more: so no section
// contains a scheduling point, and what it guards is no checked plain field.
#pragma once

#include "base/lock.h"

namespace pagebox::inline PAGEBOX_ENV {

class BookLock {
 public:
  void lock() {
    if constexpr (!kModel) lock_.lock();
  }
  void unlock() {
    if constexpr (!kModel) lock_.unlock();
  }

 private:
  SpinLock lock_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
