// Explorations: what JavaScript asks for, through the door to the model, and back.
#pragma once

#include <node_api.h>

#include "addon/js_value.h"

namespace pagebox::addon {

/// (settings, setup: Float64Array | null, threads: Float64Array[] | null) -> a job that
/// explores. settings.what: "scenario", "random" or "pins".
napi_value start_explore(napi_env env, napi_callback_info info);

/// Their limits by name: { min, max, otherwise }.
napi_value explore_limits_value(const JsValues& js);
}  // namespace pagebox::addon
