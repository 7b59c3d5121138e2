// One schedule again, step by step, and the search for a shorter one that ends as badly.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <span>
#include <string>

#include "explore/explore.h"

namespace pagebox::inline PAGEBOX_ENV {

class Subject;

struct Replayed {
  Finding finding;  // clean ones too, with trace, choices and steps
  std::uint64_t switches = 0;
  std::uint64_t skipped = 0;  // steps before the first that is told: the last 2^13 are
  bool differs = false;       // the choices were not of this program
};

/// One more schedule of a subject, with all that is written down of it: of its steps the last
/// `most_steps`.
Errc replay_on(Subject& subject, std::uint64_t run, std::span<const FiberId> choices,
               std::size_t most_steps, Replayed& out, std::string* reason);
inline constexpr std::size_t kEveryStep = ~std::size_t{0};

/// Program `settings.first_run` (settings.schedules_each is 1) under these choices.
/// kInval as explore(); kIntr: told to stop before it ended.
Errc replay(const ExploreSettings& settings, std::span<const FiberId> choices, Replayed& out,
            std::string* reason = nullptr);

/// The choices are made as far as they can be, so they may be another program's: what comes
/// out differs from nothing. Then the fewest switches, and of those the fewest choices, that
/// no single change makes fewer: an end of the schedule that is left to itself, a turn that
/// waits for the next one of the same thread, a turn left out. The outcome and the invariant
/// stay what they were at first. Runs 2^16 schedules and 2^25
/// steps at most; told to stop, it keeps what it
/// has.
Errc shrink_schedule(const ExploreSettings& settings, std::span<const FiberId> choices,
                     Replayed& out, std::string* reason = nullptr);

}  // namespace pagebox::inline PAGEBOX_ENV
