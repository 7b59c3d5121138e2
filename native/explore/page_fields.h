// What descriptors say when a schedule is over, by the names of fields: part of an outcome.
#pragma once

#include "base/env.h"

#include <span>
#include <string>
#include <vector>

#include "engine/box/sandbox.h"
#include "engine/scenario/explore_messages.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Of each page that a process maps, by where, and of those that were set up by hand, by number.
/// Names that the layout does not have, or not in pages of that type, have no value.
std::vector<PageFields> fields_of(Sandbox& sandbox, std::span<const std::string> names);

}  // namespace pagebox::inline PAGEBOX_ENV
