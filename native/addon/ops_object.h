// Races and explorations of scenarios.
#pragma once

#include <node_api.h>

namespace pagebox::addon {

/// startRaceOps(settings, setup, threads | null): as startRace, on a machine of its own.
napi_value start_race_ops(napi_env env, napi_callback_info info);
/// startExploreOps(settings, setup, threads | null): in the model half of the addon.
napi_value start_explore_ops(napi_env env, napi_callback_info info);

}  // namespace pagebox::addon
