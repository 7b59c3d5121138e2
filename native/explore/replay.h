// One schedule again, step by step, and the search for a shorter one that ends as badly.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <span>
#include <string>

#include "explore/explore.h"

namespace pagebox::inline PAGEBOX_ENV {

struct Replayed {
  Finding finding;  // clean ones too, with trace, choices and steps
  std::uint64_t switches = 0;
  bool differs = false;  // the choices were not of this program
};

/// Program `settings.first_run` (settings.schedules_each is 1) under these choices.
/// kInval as explore(); kIntr: told to stop before it ended.
Errc replay(const ExploreSettings& settings, std::span<const FiberId> choices, Replayed& out,
            std::string* reason = nullptr);

/// The choices are made as far as they can be, so they may be another program's: what comes
/// out differs from nothing. Then the fewest switches, and of those the fewest choices, that
/// no single change makes fewer: an end of the schedule that is left to itself, a turn that
/// waits for the next one of the same thread, a turn left out. The outcome and the invariant
/// stay what they were at first. Runs 2^16 schedules at most; told to stop, it keeps what it
/// has.
Errc shrink_schedule(const ExploreSettings& settings, std::span<const FiberId> choices,
                     Replayed& out, std::string* reason = nullptr);

}  // namespace pagebox::inline PAGEBOX_ENV
