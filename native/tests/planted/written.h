// Scenarios for faults that random operations do not meet: each is the shortest that shows one.
#pragma once

#include <string_view>

#include "engine/scenario/scenario_ops.h"

namespace pagebox::testing {

struct Written {
  ScenarioOps ops;
  std::uint64_t pages = 256;  // of RAM
  bool huge_pages = false;
};

/// Ends the program: no such scenario.
Written written_scenario(std::string_view name);

}  // namespace pagebox::testing
