// What a race says of each operation, for JavaScript.
#pragma once

#include <span>
#include <string_view>

#include "addon/js_value.h"
#include "engine/race/race.h"

namespace pagebox::addon {

/// The operations that ran; `names` by their places in `results`.
napi_value op_results_value(const JsValues& js, std::span<const OpResult> results,
                            std::span<const std::string_view> names);

}  // namespace pagebox::addon
