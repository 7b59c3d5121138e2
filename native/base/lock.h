// Locks, built on atomics and on wait_on/wake alone, so that one source serves
// both environments. No lock lies in a descriptor, whose words a scheme may have counted
// over. No lock is recursive.
//
// A lock is waited for as long as it is held, which is not for ever: its holder's own
// loops end (base/retry.h). The exception, told to the run: where nobody else goes on, who
// waits goes on without it.
#pragma once

#include <cstdint>

#include "base/asymmetric_barrier.h"
#include "base/atomic.h"
#include "base/env.h"
#include "base/retry.h"

namespace pagebox::inline PAGEBOX_ENV {

/// An all-zero SpinLock is unlocked. In a run of the model to take it is one step, that
/// cannot happen while it is held: who waits makes no schedules. Sleeps in the host environment
/// after a short spin, since threads of a race may outnumber the cores.
///
/// To unlock is a plain store and a look for sleepers: who is about to sleep says so first, and
/// pays for the barrier between the two (base/asymmetric_barrier.h). A locked instruction costs as
/// much as all the rest of a short critical section.
class SpinLock {
 public:
  bool try_lock() {
    std::uint32_t expected = kFree;
    if (!word_.compare_exchange(expected, kHeld)) return false;
#ifdef PAGEBOX_MODEL
    lock_taken(word_.address());
#endif
    return true;
  }
  void lock() {
#ifdef PAGEBOX_MODEL
    if (take_lock(word_.writable())) return;
#endif
    if (!try_lock()) lock_slow();
  }
  void unlock() {
#ifdef PAGEBOX_MODEL
    if (give_lock(word_.writable())) return;
#endif
    barrier_.announce(word_, kFree);
    if (sleeps_.load(atomics::kRelaxed) != 0) [[unlikely]]
      wake_next();
  }
  bool is_locked() const { return word_.load() != kFree; }
#ifdef PAGEBOX_MODEL
  /// For checks of the core's own: no step.
  bool is_held() const { return *word_.address() != kFree; }
#endif

 private:
  static constexpr std::uint32_t kFree = 0, kHeld = 1;
  void lock_slow();
  void wake_next();
  static AsymmetricBarrier barrier_;  // of all locks
  Atomic<std::uint32_t> word_;
  Atomic<std::uint32_t> sleeps_;  // somebody may; slept on
};

/// A sleeping lock: the same words, another promise (may be held across waits).
using Mutex = SpinLock;

/// mmap_lock: many readers or one writer. Who waits looks for a while before it sleeps, as for a
/// SpinLock; a writer that sleeps stops new readers.
class RwLock {
 public:
  void lock_shared() {
    if (!try_lock_shared()) lock_shared_slow();
  }
  bool try_lock_shared() {
    // In the model, so that readers do not see each other.
    if constexpr (kModel) return word_.add_unless(1, kWriter | kWaiting) == 0;
    std::uint32_t seen = word_.load();  // spares readers a failing compare-and-swap
    while ((seen & (kWriter | kWaiting)) == 0) {
      if (word_.compare_exchange(seen, seen + 1)) return true;
    }
    return false;
  }
  void unlock_shared() {
    // In the model, so that readers do not see each other: while nobody waits, nobody asks
    // who is the last.
    if (kModel && word_.add_unless(~std::uint32_t{0}, kWriter | kWaiting) == 0) return;
    if (word_.fetch_sub(1) == (kWaiting | 1)) wake(word_.address());  // the last, who is waited for
  }
  void lock();
  bool try_lock();
  void unlock();
  bool is_locked_exclusive() const { return (word_.load() & kWriter) != 0; }

 private:
  static constexpr std::uint32_t kWriter = 1U << 31, kWaiting = 1U << 30;
  void lock_shared_slow();
  Atomic<std::uint32_t> word_;
};

template <class Lock>
class [[nodiscard]] Guard {
 public:
  explicit Guard(Lock& lock) : lock_(lock) { lock_.lock(); }
  ~Guard() { lock_.unlock(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  Lock& lock_;
};

template <class Lock>
class [[nodiscard]] SharedGuard {
 public:
  explicit SharedGuard(Lock& lock) : lock_(lock) { lock_.lock_shared(); }
  ~SharedGuard() { lock_.unlock_shared(); }
  SharedGuard(const SharedGuard&) = delete;
  SharedGuard& operator=(const SharedGuard&) = delete;

 private:
  Lock& lock_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
