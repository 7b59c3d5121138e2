// The seam between the model's scheduler and who decides: one method a
// decision, as in Shuttle (Apache-2.0 in Rust; semantics only).
#pragma once

#include <cstdint>
#include <span>

#include "base/env.h"
#include "base/sched.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Fibers of a run are numbered from 0 in the order they were begun.
using FiberId = std::uint8_t;
inline constexpr FiberId kNoFiber = 0xff;
/// Sets of fibers are one word.
inline constexpr unsigned kMaxFibers = 64;
using FiberSet = std::uint64_t;
constexpr FiberSet fiber_bit(FiberId fiber) { return FiberSet{1} << fiber; }

/// What a fiber does when it is chosen next.
struct PendingAccess {
  const void* at = nullptr;  ///< for conflicts and reports; never decide by its value
  std::uint32_t bytes = 0;
  Access access = Access::kYield;

  bool writes() const {
    return access == Access::kStore || access == Access::kRmw || access == Access::kCas ||
           access == Access::kPlainWrite || access == Access::kLock;
  }
};

/// A decision to be made; at least two fibers can go on.
struct Choice {
  FiberSet runnable = 0;
  /// Who ran last. Leaving it is a preemption if it is in `runnable` (it is not when
  /// it has ended, sleeps, or said cpu_relax()).
  FiberId current = kNoFiber;
  std::uint64_t step = 0;                  ///< scheduling points passed in this run
  std::span<const PendingAccess> pending;  ///< by fiber
};

struct RunOutcome;

class Strategy {
 public:
  virtual ~Strategy() = default;
  /// Before a run. False: nothing is left to be explored, do not run.
  virtual bool begin(std::uint64_t run) = 0;
  /// A fiber of `choice.runnable`. A function of what the strategy was told in this
  /// run and of its own seed, so that the run can be repeated.
  virtual FiberId next_fiber(const Choice& choice) = 0;
  /// After the run.
  virtual void end(const RunOutcome&) {}
};

}  // namespace pagebox::inline PAGEBOX_ENV
