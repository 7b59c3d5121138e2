#pragma once

#include <node_api.h>

namespace pagebox::addon {

/// tables(): everything that is declared in C++ and that TypeScript must not repeat.
napi_value tables(napi_env env, napi_callback_info info);

// Checks of what a user declares: a list of problems, empty if there are none.
napi_value check_layout_value(napi_env env, napi_callback_info info);
napi_value check_scheme_value(napi_env env, napi_callback_info info);
/// The declaration with what follows from it filled in.
napi_value layout_facts(napi_env env, napi_callback_info info);
napi_value scheme_facts(napi_env env, napi_callback_info info);
/// placedScheme(scheme, layout): the same, with every bit where it lies in that layout.
napi_value placed_scheme(napi_env env, napi_callback_info info);

}  // namespace pagebox::addon
