// A word that one thread at a time writes, under a lock of its own, while others
// read it without that lock and live with either value: the kernel's READ_ONCE
// and WRITE_ONCE. Not for counters: |= and &= are a read and a write.
#pragma once

#include "base/atomic.h"
#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

template <AtomicWord T>
class Once {
 public:
  constexpr Once(T value = T{}) : value_(value) {}  // NOLINT(google-explicit-constructor)
  Once(const Once& other) : value_(other) {}
  Once& operator=(const Once& other) { return *this = static_cast<T>(other); }
  Once& operator=(T value) {
    // Relaxed: the value stands for itself, nothing is published with it.
    atomics::store(&value_, value, atomics::kRelaxed);
    return *this;
  }
  Once& operator|=(T bits) { return *this = static_cast<T>(*this) | bits; }
  Once& operator&=(T bits) { return *this = static_cast<T>(*this) & bits; }
  operator T() const {  // NOLINT(google-explicit-constructor)
    return atomics::load(&value_, atomics::kRelaxed);
  }

 private:
  T value_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
