#pragma once

#include <node_api.h>

namespace pagebox::addon {

/// startRaceOps(settings, setup, threads | null): as startRace, on a machine of its own.
napi_value start_race_ops(napi_env env, napi_callback_info info);

}  // namespace pagebox::addon
