// How a schedule came out: as the run ended, or what was found after a clean end.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class Outcome : std::uint8_t {
  kClean,
  kViolation,     ///< an audit row
  kLeak,          ///< all have exited, and something is not back where it came from
  kDeadlock,      ///< nobody can go on, someone who is no daemon sleeps
  kLivelock,      ///< only spin loops go round
  kLimit,         ///< max_steps
  kDataRace,      ///< two unordered accesses to a Plain field, one a write
  kUseAfterFree,  ///< an access to memory that was freed
  kAssertion,     ///< PAGEBOX_CHECK
  kStopped,       ///< RunLimits::stop
  kAbandoned,     ///< the strategy gave it up: another schedule stands for it
};
inline constexpr std::array<std::string_view, 11> kOutcomeNames = {
    "clean",     "violation",      "leak",      "deadlock", "livelock", "limit",
    "data race", "use after free", "assertion", "stopped",  "abandoned"};
inline constexpr unsigned kOutcomes = kOutcomeNames.size();
/// Those that a schedule which counts can have: all but the last two.
inline constexpr unsigned kCountedOutcomes = kOutcomes - 2;
static_assert(static_cast<unsigned>(Outcome::kStopped) == kCountedOutcomes);

constexpr std::string_view outcome_name(Outcome outcome) {
  return kOutcomeNames[static_cast<unsigned>(outcome)];
}

}  // namespace pagebox::inline PAGEBOX_ENV
