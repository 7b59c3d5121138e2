// The seam between the core and the explorer. In the host environment the
// functions below are nothing, or a futex. In the model they hand control to
// the scheduler that owns the running fiber; outside a run they do nothing, so
// a box can be built and audited without scheduling points. Loops that wait do so
// through base/retry.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

/// What a fiber is about to do. A kCas has read when the fiber goes on, and has
/// written only if sched_wrote() follows.
enum class Access : std::uint8_t {
  kLoad,
  kStore,
  kRmw,
  kAdd,      ///< a kRmw that adds, and nobody looks at what was there before
  kAddLook,  ///< one that looks at some bits, and may add to the others
  kCas,
  kPlainRead,
  kPlainWrite,
  kBytesRead,  ///< contents of whole frames: which of their bytes does not count
  kBytesWrite,
  kLock,  ///< cannot happen before the lock is free
  kUnlock,
  kWait,
  kYield
};

/// Whole frames from the one that `at` lies in, whichever bytes of them it is
/// about.
constexpr bool is_contents(Access access) {
  return access == Access::kBytesRead || access == Access::kBytesWrite;
}

#ifdef PAGEBOX_MODEL
/// A function for each kind of access: most of a run is this.
template <Access access>
void sched_point_of(const void* at, std::size_t bytes, std::uint64_t bits);
/// Tells the explorer what the running fiber is about to do; may switch fibers. `bits`:
/// of the word, which the access neither looks beyond nor changes others of. `access` is a
/// constant where it is called.
[[gnu::always_inline]] inline void sched_point(Access access, const void* at, std::size_t bytes,
                                               std::uint64_t bits = ~std::uint64_t{0}) {
  switch (access) {
    case Access::kLoad: return sched_point_of<Access::kLoad>(at, bytes, bits);
    case Access::kStore: return sched_point_of<Access::kStore>(at, bytes, bits);
    case Access::kRmw: return sched_point_of<Access::kRmw>(at, bytes, bits);
    case Access::kAdd: return sched_point_of<Access::kAdd>(at, bytes, bits);
    case Access::kAddLook: return sched_point_of<Access::kAddLook>(at, bytes, bits);
    case Access::kCas: return sched_point_of<Access::kCas>(at, bytes, bits);
    case Access::kPlainRead: return sched_point_of<Access::kPlainRead>(at, bytes, bits);
    case Access::kPlainWrite: return sched_point_of<Access::kPlainWrite>(at, bytes, bits);
    case Access::kBytesRead: return sched_point_of<Access::kBytesRead>(at, bytes, bits);
    case Access::kBytesWrite: return sched_point_of<Access::kBytesWrite>(at, bytes, bits);
    case Access::kLock: return sched_point_of<Access::kLock>(at, bytes, bits);
    case Access::kUnlock: return sched_point_of<Access::kUnlock>(at, bytes, bits);
    case Access::kWait: return sched_point_of<Access::kWait>(at, bytes, bits);
    case Access::kYield: return sched_point_of<Access::kYield>(at, bytes, bits);
  }
}
/// The same, but done already, in the step that the running fiber is in: no
/// other fiber goes on.
void sched_touched(Access access, const void* at, std::size_t bytes);
/// The step looks at what nobody changes as long as it is there.
void sched_looked(const void* at, std::size_t bytes);
/// The compare-and-swap that the running fiber announced has succeeded.
void sched_wrote(const void* at, std::size_t bytes);
/// The running fiber sleeps until `wake(at)`, unless `*at != expected` already.
void wait_on(const std::uint32_t* at, std::uint32_t expected);
/// Outside a run nobody wakes anybody, and nobody needs time.
inline constexpr unsigned kSleepMs = 1, kNapMs = 1;
inline bool sleep_on(const std::uint32_t*, std::uint32_t) { return false; }
inline void nap() {}
/// The running fiber has tried something in vain and begins again; or, not in vain, goes on.
/// Where all that can go on do nothing else, they keep each other from it: the run ends.
void tried_again();
void got_on();
/// Wakes every fiber that sleeps on `at`.
void wake(const std::uint32_t* at);
inline void wake_one(const std::uint32_t* at) { wake(at); }
/// The running fiber goes on as soon as `*at` is 0, and makes it 1 in the same step. False:
/// outside a run; nothing was done.
bool take_lock(std::uint32_t* at);
/// `*at`, which was 0, is not any more: who would take the lock has to wait.
void lock_taken(const std::uint32_t* at);
/// Makes it 0 in one step, and lets who waits for it go on. False: outside a run.
bool give_lock(std::uint32_t* at);
/// A spin loop's hint: the fiber cannot go on before another has run.
void cpu_relax();
/// sched_yield: another may go on here.
inline void yield_turn() { sched_point(Access::kYield, nullptr, 0); }
#else
[[gnu::always_inline]] inline void sched_point(Access, const void*, std::size_t,
                                               std::uint64_t = ~std::uint64_t{0}) {}
[[gnu::always_inline]] inline void sched_touched(Access, const void*, std::size_t) {}
[[gnu::always_inline]] inline void sched_looked(const void*, std::size_t) {}
[[gnu::always_inline]] inline void sched_wrote(const void*, std::size_t) {}
/// Sleeps while `*at == expected`; may return early.
void wait_on(const std::uint32_t* at, std::uint32_t expected);
/// Wakes every thread that sleeps on `at`, or one of them.
void wake(const std::uint32_t* at);
void wake_one(const std::uint32_t* at);
/// sched_yield: another may go on here.
void yield_turn();
inline constexpr unsigned kSleepMs = 50, kNapMs = 1;
/// As wait_on(), for kSleepMs at most; false: nobody woke it in that time.
bool sleep_on(const std::uint32_t* at, std::uint32_t expected);
/// Leaves the core to others for kNapMs.
void nap();
inline void cpu_relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}
#endif

/// The step that goes on copies from or to `at`. What others reach are whole
/// pages: frames, the swap area.
inline void sched_copied([[maybe_unused]] Access access, [[maybe_unused]] const void* at) {
#ifdef PAGEBOX_MODEL
  constexpr std::size_t kBytes = 4096;
  if (reinterpret_cast<std::uintptr_t>(at) % kBytes == 0) sched_touched(access, at, kBytes);
#endif
}

/// For loops that wait for a short call of another thread, which ends whatever any
/// memory holds: `SpinWait wait; while (…) wait.pause();` All others ask a Retry.
class SpinWait {
 public:
  /// cpu_relax(); on the host, after a while, the core is left to others: who is waited
  /// for may have lost its own.
  void pause() {
    cpu_relax();
#ifndef PAGEBOX_MODEL
    if (++spins_ % 128 == 0) yield_turn();
#endif
  }

 private:
#ifndef PAGEBOX_MODEL
  unsigned spins_ = 0;
#endif
};

}  // namespace pagebox::inline PAGEBOX_ENV
