// Values against the limits of explorations, in words.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <string>

#include "engine/scenario/explore_messages.h"

namespace pagebox::inline PAGEBOX_ENV {

inline bool holds(const ExploreLimit& limit, std::uint64_t value) {
  return value >= limit.min && value <= limit.max;
}

/// "maxSteps: 1 to 1099511627776".
inline std::string allowed(const ExploreLimit& limit) {
  return std::string(limit.name) + ": " + std::to_string(limit.min) + " to " +
         std::to_string(limit.max);
}

}  // namespace pagebox::inline PAGEBOX_ENV
