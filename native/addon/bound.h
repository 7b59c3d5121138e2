// Plain functions whose data pointer is a C++ object: the call needs no `this`,
// no unwrap and no type tag, which halves what a method of a wrapped object
// costs. Each function holds a reference to the object.
#pragma once

#include <node_api.h>

#include <array>
#include <exception>
#include <memory>
#include <new>

#include "addon/js_value.h"

namespace pagebox::addon {

/// What a bound function has: the arguments that were given, the others undefined.
template <class Object, std::size_t kArgs>
struct BoundCall {
  napi_env env;
  std::size_t given = kArgs;
  napi_value args[kArgs == 0 ? 1 : kArgs];
  Object* object = nullptr;

  BoundCall(napi_env env, napi_callback_info info) : env(env) {
    void* data = nullptr;
    napi_get_cb_info(env, info, &given, args, nullptr, &data);
    object = static_cast<Object*>(data);
  }
};

/// The arguments of a plain function, undefined where none was given.
template <std::size_t kArgs>
std::array<napi_value, kArgs> arguments(napi_env env, napi_callback_info info) {
  std::size_t given = kArgs;
  std::array<napi_value, kArgs> args{};
  napi_get_cb_info(env, info, &given, args.data(), nullptr, nullptr);
  return args;
}

/// The object of a bound function that looks at no argument.
template <class Object>
Object& bound_object(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  return *static_cast<Object*>(data);
}

/// Runs the body of a callback; an exception of the standard library becomes one of
/// JavaScript's, since none may cross into the engine.
template <class Body>
napi_value guarded(napi_env env, Body body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, "ERR_PAGEBOX_MEMORY", "out of memory");
  } catch (const std::exception& error) {
    napi_throw_error(env, "ERR_PAGEBOX_INTERNAL", error.what());
  } catch (...) {
    napi_throw_error(env, "ERR_PAGEBOX_INTERNAL", "unknown exception");
  }
  return nullptr;
}

/// Adds a function bound to `object` as property `name` of `to`. The function; null: no
/// memory, and an exception pending.
template <class Object>
napi_value add_bound(const JsValues& js, napi_value to, const char* name, napi_callback callback,
                     const std::shared_ptr<Object>& object) {
  auto held = std::make_unique<std::shared_ptr<Object>>(object);
  napi_value function = nullptr;
  if (napi_create_function(js.env(), name, NAPI_AUTO_LENGTH, callback, object.get(), &function) !=
      napi_ok)
    return nullptr;
  const auto release = [](napi_env, void* data, void*) {
    delete static_cast<std::shared_ptr<Object>*>(data);
  };
  if (napi_add_finalizer(js.env(), function, held.get(), release, nullptr, nullptr) != napi_ok)
    return nullptr;
  (void)held.release();
  js.set(to, name, function);
  return function;
}

}  // namespace pagebox::addon
