#pragma once

#include <node_api.h>

namespace pagebox::addon {

/// startRace(box, settings): begins a race in a thread of its own.
napi_value start_race(napi_env env, napi_callback_info info);

}  // namespace pagebox::addon
