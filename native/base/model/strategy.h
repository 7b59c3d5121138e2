// The seam between the model's scheduler and who decides: one method a
// decision, as in Shuttle (Apache-2.0 in Rust; semantics only).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

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
  /// Of the word; an access to others of its bits does not meet this one. Of a kAddLook
  /// those that it looks at.
  std::uint64_t bits = ~std::uint64_t{0};

  bool writes() const {
    return access == Access::kStore || access == Access::kRmw || access == Access::kAdd ||
           access == Access::kAddLook || access == Access::kCas || access == Access::kPlainWrite ||
           access == Access::kLock || access == Access::kUnlock || access == Access::kBytesWrite;
  }
};

/// A step that was executed.
struct Step {
  FiberId fiber = kNoFiber;
  PendingAccess what;
  std::uint64_t number = 0;  ///< of steps of this run that were told, from 0
  /// A scheduling point lies before it. All others, accesses to Plain fields
  /// and what else one step touches, follow the one that their fiber has passed
  /// last without anybody else between.
  bool at_point = false;
  /// It has written; of a kCas not known before.
  bool wrote = false;
  /// Where, as a number that is the same in every schedule and every process; 0: outside the
  /// machine's memory. Names: explore/places.h.
  std::uint64_t place = 0;
  /// The word at its place just before and after, where there is one of up to 8
  /// bytes; of frames their first.
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
struct Pilot;  // explore/strategies/pilot.h

/// What a run that ends counts as.
enum class Visit : std::uint8_t {
  kDraw,      ///< one of many that may come again
  kSchedule,  ///< one of all
  kClass,     ///< for all that are equivalent to it
  kNone,      ///< nothing: it only says how to go on, or counts elsewhere
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  /// Of who decides in the run that has begun: as explore/strategies/by_name.h knows it.
  virtual std::string_view name() const { return ""; }
  virtual Visit visits() const { return Visit::kDraw; }
  /// Run `run` draws by what a pilot has measured; learn() is called before it begins.
  virtual bool wants_pilot(std::uint64_t /*run*/) const { return false; }
  virtual void learn(const Pilot&) {}
  /// What a run has at one place lies elsewhere in the next, as its machine is made anew: no
  /// address of the one says anything of the other.
  virtual void places_move() {}
  /// Before a run. False: nothing is left to be explored, do not run.
  virtual bool begin(std::uint64_t run) = 0;
  /// A fiber of `choice.runnable`. A function of what the strategy was told in this
  /// run and of its own seed, so that the run can be repeated.
  /// Asked only where there is a choice. kAbandon: this run is not worth going on.
  virtual FiberId next_fiber(const Choice& choice) = 0;
  static constexpr FiberId kAbandon = 0xfe;
  /// Whether executed() is to be called in the run that has begun.
  virtual bool wants_steps() const { return false; }
  /// Of that run: so many choices are made first which it knows all of, as they were made in an
  /// earlier one. Nothing is told up to the choice after them; of that one's step on all is.
  virtual std::size_t quiet_choices() const { return 0; }
  /// Every step of every fiber, accesses to Plain fields among them, in their order, where
  /// there was a choice and where not. False: abandon the run.
  virtual bool executed(const Step&) { return true; }
  /// Whether passed() is to be called in the run that has begun.
  virtual bool wants_points() const { return false; }
  /// Every scheduling point as a fiber goes on from it, where there was a choice and where not:
  /// much less than each step. Before what it announced there is done.
  virtual void passed(FiberId, const PendingAccess&) {}
  /// What else decides who can go on, in its order between steps, to who wants steps. `by`,
  /// at its last step, wakes all that sleep on `at`: these; or has begun `child`.
  virtual void woke(FiberId /*by*/, const void* /*at*/, FiberSet /*sleepers*/) {}
  virtual void begun(FiberId /*by*/, FiberId /*child*/) {}
  /// Memory was given back; what touches it from now on is lost.
  virtual void died(FiberId /*by*/, const void* /*at*/, std::size_t /*bytes*/) {}
  /// How much of all that it means to visit lies behind it: 0 to 1, as it looks now. Below
  /// 0: it cannot say.
  virtual double explored() const { return -1; }
  /// All schedules of at most so many preemptions lie behind it.
  virtual std::optional<std::uint32_t> bound_done() const { return std::nullopt; }
  /// begin() has said that nothing is left, and nothing was left out.
  virtual bool is_complete() const { return false; }
  /// What it remembers of runs, about: explorations are bounded by memory too.
  virtual std::uint64_t held_bytes() const { return 0; }
  /// After the run.
  virtual void end(const RunOutcome&) {}
};

}  // namespace pagebox::inline PAGEBOX_ENV
