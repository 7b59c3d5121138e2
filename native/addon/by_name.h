// What is either built in, and given by its name, or declared by an object.
#pragma once

#include <string_view>

#include "addon/js_read.h"

namespace pagebox::addon {

/// find(name): the built-in one or null; read(JsRead): the declared one, which
/// check() finds no fault with. False: neither.
template <class T, class Find, class Read, class Check>
bool read_named(napi_env env, napi_value value, T& out, Find find, Read read, Check check) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  if (type == napi_string) {
    char name[128];  // no built-in name is as long
    std::size_t length = 0;
    napi_get_value_string_utf8(env, value, name, sizeof name, &length);
    const T* found = find(std::string_view{name, length});
    if (found == nullptr) return false;
    out = *found;
    return true;
  }
  JsRead from(env, value);
  out = read(from);
  return from.ok() && check(out).empty();
}

}  // namespace pagebox::addon
