// Results of operations as JavaScript has them: the recordings' own format.
#pragma once

#include "addon/js_value.h"
#include "engine/scenario/ops.h"

namespace pagebox::addon {

/// Null for an operation that nobody here executes.
napi_value record_value(const JsValues& js, const OpRecord& record);

}  // namespace pagebox::addon
