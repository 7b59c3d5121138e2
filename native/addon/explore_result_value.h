// What an exploration came to, as JavaScript gets it.
#pragma once

#include <string>
#include <vector>

#include "addon/js_value.h"
#include "engine/scenario/explore_messages.h"

namespace pagebox::addon {

/// What the model told, as it came.
struct Explored {
  std::vector<ExploreFinding> first;
  std::vector<ExploreCount> outcomes;
  std::vector<ExploreSeen> seen;
  ExploreSummary summary;
  std::string refused;
};

napi_value explored_value(const JsValues& js, const Explored& explored, double seconds);

}  // namespace pagebox::addon
