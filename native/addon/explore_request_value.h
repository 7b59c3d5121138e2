// What is asked of an exploration, out of JavaScript's values.
#pragma once

#include <node_api.h>

#include <span>

#include "engine/scenario/explore_messages.h"

namespace pagebox::addon {

/// The settings, and the lists of setup and threads; copies, as JavaScript may change its arrays
/// while the job runs. False: they are none.
bool read_explore_request(napi_env env, std::span<const napi_value, 3> args, ExploreRequest& out);

}  // namespace pagebox::addon
