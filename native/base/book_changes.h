// How often a book of the sandbox (book_lock.h) has changed, for who keeps what he found there.
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Written under the book's lock, read without; no scheduling point of the model.
class BookChanges {
 public:
  void add() {
    if constexpr (kModel)
      ++plain_;
    else
      count_.fetch_add(1);
  }
  std::uint64_t count() const {
    if constexpr (kModel) return plain_;
    return count_.load(atomics::kAcquire);
  }

 private:
  std::uint64_t plain_ = 0;
  Atomic<std::uint64_t> count_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
