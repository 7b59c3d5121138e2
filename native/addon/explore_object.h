#pragma once

#include <node_api.h>

namespace pagebox::addon {

/// startExplore(options): begins an exploration of pins, in the model half of the
/// addon, in a thread of its own.
napi_value start_explore(napi_env env, napi_callback_info info);

}  // namespace pagebox::addon
