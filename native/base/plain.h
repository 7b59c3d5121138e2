// Plain (not atomic) fields that several threads reach, under a lock or a
// protocol. host: the bare member. model: each access is checked against all
// others by happens-before (FastTrack, Flanagan and Freund, PLDI 2009), and an
// unordered pair ends the run as a data race.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "base/env.h"
#include "base/sched.h"

namespace pagebox::inline PAGEBOX_ENV {

#ifdef PAGEBOX_MODEL
/// Memory begins a life: what was known of accesses to it is forgotten.
void memory_born(const void* at, std::size_t size_bytes);
/// Memory was given back: until it is born again, a checked access to it ends the
/// run as a use after free.
void memory_dead(const void* at, std::size_t size_bytes);
#else
inline void memory_born(const void*, std::size_t) {}
inline void memory_dead(const void*, std::size_t) {}
#endif

/// A field of type T. Outside a model run the accesses are bare in both
/// environments. While races are detected an access is no scheduling point:
/// code without data races cannot tell the difference.
template <class T>
class Plain {
 public:
  constexpr Plain() { born(); }
  constexpr Plain(T value) : value_(std::move(value)) {  // NOLINT(google-explicit-constructor)
    born();
  }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;

  T get() const {
    sched_point(Access::kPlainRead, &value_, sizeof(T));
    return value_;
  }
  void set(T value) {
    sched_point(Access::kPlainWrite, &value_, sizeof(T));
    value_ = std::move(value);
  }
  operator T() const { return get(); }  // NOLINT(google-explicit-constructor)
  Plain& operator=(T value) {
    set(std::move(value));
    return *this;
  }
  T operator->() const
    requires std::is_pointer_v<T>
  {
    return get();
  }
  Plain& operator+=(T by) { return *this = static_cast<T>(get() + by); }
  Plain& operator-=(T by) { return *this = static_cast<T>(get() - by); }

 private:
  constexpr void born() const {
    if (!std::is_constant_evaluated()) memory_born(&value_, sizeof(T));
  }
  T value_{};
};

}  // namespace pagebox::inline PAGEBOX_ENV
