// Scenarios from and to JavaScript.
#pragma once

#include <node_api.h>

#include <span>
#include <vector>

#include "addon/js_value.h"
#include "engine/scenario/livelock.h"
#include "engine/scenario/scenario_ops.h"

namespace pagebox::addon {

/// The vocabulary: operations with their fields and results, names, slots of a row.
napi_value scenario_tables(napi_env env, napi_callback_info info);
/// ({ scheme, layout, hugePages }, rows: Float64Array) -> { results, audit },
/// of a machine that exists for this call.
napi_value run_scenario(napi_env env, napi_callback_info info);

/// ({ scheme, layout, pages, seed }, setup: Float64Array, threads: Float64Array[])
/// -> { ran: [{ thread, index, result }], audit, leaks, livelocks }: thread by thread, in order.
napi_value run_threads_in_order(napi_env env, napi_callback_info info);

/// The numbers of a Float64Array; false: it is none, or no whole number of rows.
bool read_numbers(napi_env env, napi_value value, std::span<const double>& out);
bool read_rows(napi_env env, napi_value value, std::vector<Op>& ops);
/// The setup, and an array of lists.
bool read_scenario(napi_env env, napi_value setup, napi_value threads, ScenarioOps& out);
napi_value livelocks_value(const JsValues& js, const std::vector<Livelock>& livelocks);

}  // namespace pagebox::addon
