// Scenarios from and to JavaScript.
#pragma once

#include <node_api.h>

namespace pagebox::addon {

/// The vocabulary: operations with their fields and results, names, slots of a row.
napi_value scenario_tables(napi_env env, napi_callback_info info);
/// ({ scheme, layout, hugePages }, rows: Float64Array) -> { results, audit },
/// of a machine that exists for this call.
napi_value run_scenario(napi_env env, napi_callback_info info);

}  // namespace pagebox::addon
