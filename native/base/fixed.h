// A field that is set before anybody else can find its object, and stays: whoever looks at it
// needs no order but that which led to the object. host: the bare member. model: to look at it
// once the object was freed ends the run as a use after free, and pointers out of it are not
// followed.
#pragma once

#include <type_traits>
#include <utility>

#include "base/env.h"
#include "base/plain.h"
#include "base/sched.h"

namespace pagebox::inline PAGEBOX_ENV {

template <class T>
class Fixed {
 public:
  constexpr Fixed() { born(); }
  constexpr Fixed(T value) : value_(std::move(value)) {  // NOLINT(google-explicit-constructor)
    born();
  }
  Fixed(const Fixed&) = delete;
  // Before anybody else can find it.
  Fixed& operator=(const Fixed& other) { return *this = other.get(); }
  Fixed& operator=(T value) {
    value_ = std::move(value);
    return *this;
  }

  T get() const {
    sched_looked(&value_, sizeof(T));
    return value_;
  }
  operator T() const { return get(); }  // NOLINT(google-explicit-constructor)
  T operator->() const
    requires std::is_pointer_v<T>
  {
    return get();
  }

 private:
  constexpr void born() const {
    if (!std::is_constant_evaluated()) field_born(&value_);
  }
  T value_{};
};

}  // namespace pagebox::inline PAGEBOX_ENV
