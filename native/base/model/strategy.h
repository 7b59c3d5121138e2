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

/// A step that was executed.
struct Step {
  FiberId fiber = kNoFiber;
  PendingAccess what;
  std::uint64_t number = 0;  ///< of steps of this run that were told, from 0
  /// Where, as a number that is the same in every schedule and every process; 0: outside the
  /// machine's memory. Names: explore/places.h.
  std::uint64_t place = 0;
  /// The word at its place just before and after, where there is one of up to 8 bytes.
  bool has_values = false;
  std::uint64_t before = 0, after = 0;
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
  /// Asked only where there is a choice. kAbandon: this run is not worth going on.
  virtual FiberId next_fiber(const Choice& choice) = 0;
  static constexpr FiberId kAbandon = 0xfe;
  /// Whether executed() is to be called in the run that has begun.
  virtual bool wants_steps() const { return false; }
  /// Every step of every fiber, accesses to Plain fields among them, in their order, where
  /// there was a choice and where not. False: abandon the run.
  virtual bool executed(const Step&) { return true; }
  /// begin() has said that nothing is left, and nothing was left out.
  virtual bool is_complete() const { return false; }
  /// What it remembers of runs, about: explorations are bounded by memory too.
  virtual std::uint64_t held_bytes() const { return 0; }
  /// After the run.
  virtual void end(const RunOutcome&) {}
};

}  // namespace pagebox::inline PAGEBOX_ENV
