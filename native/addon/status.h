// What a call returns when it did not succeed; lib/native/status.ts has the
// same numbers. Positive ones are the core's Errc.
#pragma once

#include <node_api.h>

#include <string_view>

#include "addon/js_value.h"
#include "base/errc.h"

namespace pagebox::addon {

inline constexpr int kBadFirst = -1, kBadSecond = -2;  // arguments, by place
inline constexpr int kClosedBox = -100, kBusyBox = -101;
inline constexpr int kSigsegv = -200, kSigbus = -201;  // what an access gets

/// Success is undefined: it costs nothing to return.
inline napi_value status(napi_env env, int code) {
  napi_value value = nullptr;
  napi_create_int32(env, code, &value);
  return value;
}
inline napi_value status(napi_env env, Errc code) {
  return code == Errc::kOk ? nullptr : status(env, static_cast<int>(code));
}

/// What a failed creation returns.
inline napi_value failure(napi_env env, int code, std::string_view reason) {
  const JsValues js(env);
  return JsObject(js).number("status", code).text("reason", reason).value();
}
inline napi_value failure(napi_env env, Errc code, std::string_view reason) {
  return failure(env, static_cast<int>(code), reason);
}

}  // namespace pagebox::addon
