// Entry of the addon.
#include <napi.h>

#include "base/env.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("abi", Napi::Number::New(env, 1));
  return exports;
}

}  // namespace

NODE_API_MODULE(pagebox, init)
