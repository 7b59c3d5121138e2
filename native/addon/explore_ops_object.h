#pragma once

#include <node_api.h>

namespace pagebox::addon {

/// startExploreOps(settings, setup, threads | null): in the model half of the addon.
napi_value start_explore_ops(napi_env env, napi_callback_info info);

}  // namespace pagebox::addon
