// What a race is run on, and where its threads get their operations from: the two things
// in which races differ. The engine (race.h) has all the rest.
#pragma once

#include "base/env.h"

#include <memory>
#include <span>
#include <string_view>

#include "engine/race/race.h"
#include "engine/scenario/op_source.h"

namespace pagebox::inline PAGEBOX_ENV {

class RaceGround {
 public:
  virtual ~RaceGround() = default;

  virtual std::span<const std::string_view> names() const = 0;
  /// Where a step on pages is counted, and what goes with it; equal: one entry.
  struct Slots {
    unsigned first = 0, second = 0;
  };
  virtual Slots slots_of(PinOp step) const = 0;
  /// Operations that a step counts for, at most.
  virtual unsigned ops_of_step() const = 0;
  /// Rounds end by time where nothing else ends them.
  virtual bool rounds_by_time() const = 0;
  virtual bool stop_requested() const { return false; }

  // By one thread, while no other runs.
  virtual Errc begin_round(std::uint64_t round, LivelockWatch& watch, const StopAsk& overdue) = 0;
  /// `last`: no other round follows. False: not clean.
  virtual Errc end_round(bool last, const StopAsk& stop, RaceResult& result, bool& clean) = 0;
  virtual void end() = 0;

  // Of one thread, in a round.
  virtual OpSource& source(unsigned thread) = 0;
  virtual PageThread& pages(unsigned thread) = 0;
  /// Null: it has steps on pages alone.
  virtual Interpreter* interpreter(unsigned thread) = 0;
  virtual const Memmap& memmap() const = 0;
};

/// Everything is checked. Errors as run_race().
Errc run_race_on(RaceGround& ground, const RaceLimits& limits, RaceControl& control,
                 RaceResult& result);

}  // namespace pagebox::inline PAGEBOX_ENV
