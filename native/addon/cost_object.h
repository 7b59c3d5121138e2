#pragma once

#include <node_api.h>

namespace pagebox::addon {

/// prepareCost(options): a sampler, ready to measure.
napi_value prepare_cost(napi_env env, napi_callback_info info);

}  // namespace pagebox::addon
