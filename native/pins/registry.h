// The built-in schemes, in the order of the design's table.
#pragma once

#include <string_view>
#include <vector>

#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

const std::vector<SchemeSpec>& builtin_schemes();
/// Null if there is none of that name.
const SchemeSpec* find_scheme(std::string_view name);

}  // namespace pagebox::inline PAGEBOX_ENV
