// Explorations: what JavaScript asks for, through the door to the model, and back.
#pragma once

#include <node_api.h>

#include "addon/js_value.h"

namespace pagebox::addon {

/// (settings, setup: Float64Array | null, threads: Float64Array[] | null) -> a job that
/// explores. settings.what: "scenario", "random" or "pins".
/// The empty fiber loop, for benchmarks: { threads, points, schedules }, on the calling thread.
napi_value empty_fibers(napi_env env, napi_callback_info info);
/// What explorations that were joined are worth: { guarantee, missedAtMost, estimate }.
napi_value explore_guarantee(napi_env env, napi_callback_info info);
napi_value start_explore(napi_env env, napi_callback_info info);

/// Their limits by name: { min, max, otherwise }.
napi_value explore_limits_value(const JsValues& js);
}  // namespace pagebox::addon
