// Atomic access to words of shared memory. Descriptors are raw bytes whose
// words are read at 32 and at 64 bits, so the operations take addresses; the
// class Atomic<T> is the same for ordinary members.
//
// host: one locked instruction each. model: each call is a scheduling point,
// told to the explorer before it happens (base/sched.h); exploration is
// sequentially consistent, the order argument is ignored there.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "base/env.h"
#include "base/sched.h"

namespace pagebox::inline PAGEBOX_ENV {

template <class T>
concept AtomicWord = (std::is_integral_v<T> || std::is_enum_v<T> || std::is_pointer_v<T>) &&
                     (sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8);

namespace atomics {

inline constexpr auto kRelaxed = std::memory_order_relaxed;
inline constexpr auto kAcquire = std::memory_order_acquire;
inline constexpr auto kRelease = std::memory_order_release;
inline constexpr auto kSeqCst = std::memory_order_seq_cst;

template <AtomicWord T>
[[gnu::always_inline]] inline T load(const T* at, std::memory_order order = kSeqCst) {
  sched_point(Access::kLoad, at, sizeof(T));
  return __atomic_load_n(at, static_cast<int>(order));
}

template <AtomicWord T>
[[gnu::always_inline]] inline void store(T* at, T value, std::memory_order order = kSeqCst) {
  sched_point(Access::kStore, at, sizeof(T));
  __atomic_store_n(at, value, static_cast<int>(order));
}

template <AtomicWord T>
[[gnu::always_inline]] inline T exchange(T* at, T value) {
  sched_point(Access::kRmw, at, sizeof(T));
  return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);
}

/// Each returns the value before.
template <AtomicWord T>
[[gnu::always_inline]] inline T fetch_add(T* at, T value) {
  sched_point(Access::kRmw, at, sizeof(T));
  return __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);
}
template <AtomicWord T>
[[gnu::always_inline]] inline T fetch_sub(T* at, T value) {
  sched_point(Access::kRmw, at, sizeof(T));
  return __atomic_fetch_sub(at, value, __ATOMIC_SEQ_CST);
}
template <AtomicWord T>
[[gnu::always_inline]] inline T fetch_or(T* at, T value) {
  sched_point(Access::kRmw, at, sizeof(T));
  return __atomic_fetch_or(at, value, __ATOMIC_SEQ_CST);
}
template <AtomicWord T>
[[gnu::always_inline]] inline T fetch_and(T* at, T value) {
  sched_point(Access::kRmw, at, sizeof(T));
  return __atomic_fetch_and(at, value, __ATOMIC_SEQ_CST);
}

/// The same where nobody looks at what was there before: two of them in either order are
/// one schedule.
template <AtomicWord T>
[[gnu::always_inline]] inline void add(T* at, T value) {
  sched_point(Access::kAdd, at, sizeof(T));
  __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);
}
template <AtomicWord T>
[[gnu::always_inline]] inline void sub(T* at, T value) {
  sched_point(Access::kAdd, at, sizeof(T));
  __atomic_fetch_sub(at, value, __ATOMIC_SEQ_CST);
}

// For words that hold several fields: each looks at the bits of `bits` alone, so that
// accesses to other bits of the word do not meet it. They return those bits as they were.
template <AtomicWord T>
[[gnu::always_inline]] inline T load_bits(const T* at, T bits, std::memory_order order = kSeqCst) {
  sched_point(Access::kLoad, at, sizeof(T), bits);
  return __atomic_load_n(at, static_cast<int>(order)) & bits;
}
template <AtomicWord T>
[[gnu::always_inline]] inline T set_bits(T* at, T bits) {
  sched_point(Access::kRmw, at, sizeof(T), bits);
  return __atomic_fetch_or(at, bits, __ATOMIC_SEQ_CST) & bits;
}
template <AtomicWord T>
[[gnu::always_inline]] inline T clear_bits(T* at, T bits) {
  sched_point(Access::kRmw, at, sizeof(T), bits);
  return __atomic_fetch_and(at, static_cast<T>(~bits), __ATOMIC_SEQ_CST) & bits;
}

/// On failure `expected` holds what was found. Never fails spuriously.
template <AtomicWord T>
[[gnu::always_inline]] inline bool compare_exchange(T* at, T& expected, T desired) {
  sched_point(Access::kCas, at, sizeof(T));
  const bool done = __atomic_compare_exchange_n(at, &expected, desired, false, __ATOMIC_SEQ_CST,
                                                __ATOMIC_SEQ_CST);
  if (done) sched_wrote(at, sizeof(T));
  return done;
}

/// A full barrier (the kernel's smp_mb).
inline void fence() { std::atomic_thread_fence(std::memory_order_seq_cst); }

}  // namespace atomics

template <AtomicWord T>
class Atomic {
 public:
  constexpr Atomic() = default;
  constexpr explicit Atomic(T value) : value_(value) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(std::memory_order order = atomics::kSeqCst) const { return atomics::load(&value_, order); }
  void store(T value, std::memory_order order = atomics::kSeqCst) {
    atomics::store(&value_, value, order);
  }
  T exchange(T value) { return atomics::exchange(&value_, value); }
  T fetch_add(T value) { return atomics::fetch_add(&value_, value); }
  T fetch_sub(T value) { return atomics::fetch_sub(&value_, value); }
  void add(T value) { atomics::add(&value_, value); }
  void sub(T value) { atomics::sub(&value_, value); }
  T fetch_or(T value) { return atomics::fetch_or(&value_, value); }
  T fetch_and(T value) { return atomics::fetch_and(&value_, value); }
  bool compare_exchange(T& expected, T desired) {
    return atomics::compare_exchange(&value_, expected, desired);
  }
  /// The word itself, for wait_on() and wake().
  const T* address() const { return &value_; }

 private:
  T value_{};
};

}  // namespace pagebox::inline PAGEBOX_ENV
