// Plain (not atomic) fields that several threads reach, under a lock or a
// protocol. host: the bare member. model: each access is checked against all
// others by happens-before (FastTrack, Flanagan and Freund, PLDI 2009), and an
// unordered pair ends the run as a data race.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/env.h"
#include "base/sched.h"

namespace pagebox::inline PAGEBOX_ENV {

#ifdef PAGEBOX_MODEL
/// A field begins a life: what was known of accesses there is forgotten.
void field_born(const void* at);
#else
inline void field_born(const void*) {}
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
  Plain& operator++() { return *this += T{1}; }
  Plain& operator--() { return *this -= T{1}; }

 private:
  constexpr void born() const {
    if (!std::is_constant_evaluated()) field_born(&value_);
  }
  T value_{};
};

/// Stands for what is no scalar (trees, several containers that change together): who
/// looks at it says read() first, who changes it write(). host: nothing.
class PlainMark {
 public:
  void read() const { sched_point(Access::kPlainRead, this, 1); }
  void write() { sched_point(Access::kPlainWrite, this, 1); }
#ifdef PAGEBOX_MODEL
  PlainMark() { field_born(this); }
  PlainMark(const PlainMark&) = delete;
  PlainMark& operator=(const PlainMark&) = delete;
#endif
};

/// A vector that is checked as one field, whatever part of it is looked at. Elements
/// change by what it offers; what pointers in it lead to is not its own.
template <class T>
class PlainVector {
 public:
  using const_iterator = typename std::vector<T>::const_iterator;

  bool empty() const { return read().empty(); }
  std::size_t size() const { return read().size(); }
  const T& operator[](std::size_t i) const { return read()[i]; }
  const T& front() const { return read().front(); }
  const T& back() const { return read().back(); }
  const_iterator begin() const { return read().begin(); }
  const_iterator end() const { return values_.end(); }
  auto rbegin() const { return read().rbegin(); }
  operator const std::vector<T>&() const { return read(); }  // NOLINT(google-explicit-constructor)

  PlainVector& operator=(std::vector<T> values) {
    write() = std::move(values);
    return *this;
  }
  /// An element, to be changed at once.
  T& edit(std::size_t i) { return write()[i]; }
  void push_back(T value) { write().push_back(std::move(value)); }
  void insert(const_iterator at, T value) { write().insert(at, std::move(value)); }
  template <class It>
  void append(const It& first, const It& end) {
    auto& values = write();
    values.insert(values.end(), first, end);
  }
  void resize(std::size_t size) { write().resize(size); }
  const_iterator erase(const_iterator at) { return write().erase(at); }
  void erase(const_iterator first, const_iterator end) { write().erase(first, end); }
  void erase_value(const T& value) { std::erase(write(), value); }
  /// How many it erased.
  template <class Fn>
  std::size_t erase_if(Fn&& fn) {
    return std::erase_if(write(), std::forward<Fn>(fn));
  }
  void clear() { write().clear(); }

 private:
  const std::vector<T>& read() const {
    mark_.read();
    return values_;
  }
  std::vector<T>& write() {
    mark_.write();
    return values_;
  }
  [[no_unique_address]] PlainMark mark_;
  std::vector<T> values_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
