#pragma once

#include <node_api.h>

namespace pagebox::addon {

// room(scheme, layout, type, order) and the same of probe().
napi_value room_value(napi_env env, napi_callback_info info);
napi_value probe_value(napi_env env, napi_callback_info info);

}  // namespace pagebox::addon
