// For two sides that each write a word of their own and then look at the other's: at least
// one has to see the other. That takes a full barrier between write and look on both sides, or,
// where one side is rare, none on the frequent one and a call of the system on the rare one
// (membarrier(2), private expedited: a full barrier in every running thread of the process).
//
// Why that is enough: the rare side writes, has the system do it, and looks. Of a frequent side
// that wrote before the barrier in its thread, the write is seen; one that had not written by
// then looks after it, and sees. Only the compiler must keep its two accesses in order.
//
// The model has barriers on both sides: it is sequentially consistent, and knows no system.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/atomic.h"
#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

#ifdef PAGEBOX_MODEL
inline bool register_system_barrier() { return false; }
inline bool system_barrier() { return false; }
#else
/// False: the system has none for us (an old kernel, a filter). The first time in a process of
/// several threads takes up to some 20 ms, then a microsecond.
bool register_system_barrier();
/// False: it is refused, though it was registered.
bool system_barrier();
#endif

class AsymmetricBarrier {
 public:
  enum class Payer : std::uint8_t {
    kRare,  ///< where the system allows it, else both
    kBoth,
  };
  explicit AsymmetricBarrier(Payer wanted = Payer::kRare)
      : rare_pays_(wanted == Payer::kRare && register_system_barrier()) {}

  bool rare_pays() const { return rare_pays_; }
  /// The frequent side's write; its look comes next.
  [[gnu::always_inline]] void announce(Atomic<std::uint32_t>& own, std::uint32_t value) const {
    if (rare_pays_) [[likely]] {
      own.store(value, atomics::kRelease);
      std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
      own.store(value);
    }
  }
  /// On the rare side, between its write (sequentially consistent) and its looks.
  void pay() {
    if (!rare_pays_) return;
    paid_.fetch_add(1);
    // A filter may have come since: what was written before is seen after a nap all the same,
    // which is thousands of times what a store takes to leave its core.
    if (!system_barrier()) nap();
  }
  /// How often the rare side has.
  std::uint64_t paid() const { return paid_.load(atomics::kRelaxed); }

 private:
  const bool rare_pays_;
  Atomic<std::uint64_t> paid_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
