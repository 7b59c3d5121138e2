// Reading plain objects that TypeScript has checked and copied. What is wrong
// all the same is remembered and read as zero: the caller asks ok() once.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <string>

namespace pagebox::addon {

class JsRead {
 public:
  JsRead(napi_env env, napi_value object) : env_(env), object_(object) {}

  bool ok() const { return ok_; }
  napi_env env() const { return env_; }

  std::string text(const char* key) { return text_of(property(key)); }
  bool boolean(const char* key);
  /// An integer in [0, max].
  std::uint64_t integer(const char* key, std::uint64_t max);
  /// As integer(), but from `min`, which may be below 0.
  std::int64_t signed_integer(const char* key, std::int64_t min, std::int64_t max);
  double number(const char* key);
  std::uint64_t big(const char* key);
  bool is_text(const char* key);
  bool has(const char* key);

  /// Calls each(JsRead) for the elements of an array of objects.
  template <class Each>
  void objects(const char* key, Each each) {
    elements(key, [&](napi_value element) {
      JsRead reader(env_, element);
      each(reader);
      ok_ = ok_ && reader.ok();
    });
  }
  /// Calls each(std::string) for the elements of an array of strings.
  template <class Each>
  void texts(const char* key, Each each) {
    elements(key, [&](napi_value element) { each(text_of(element)); });
  }
  /// Calls read(JsRead) for an object.
  template <class Read>
  void object(const char* key, Read read) {
    JsRead reader(env_, property(key));
    read(reader);
    ok_ = ok_ && reader.ok();
  }
  napi_value property(const char* key);
  void fail() { ok_ = false; }

 private:
  std::string text_of(napi_value value);
  template <class Each>
  void elements(const char* key, Each each) {
    napi_value list = property(key);
    std::uint32_t length = 0;
    bool is_array = false;
    napi_is_array(env_, list, &is_array);
    if (!is_array || napi_get_array_length(env_, list, &length) != napi_ok) return fail();
    for (std::uint32_t i = 0; i < length; ++i) {
      napi_value element = nullptr;
      if (napi_get_element(env_, list, i, &element) != napi_ok) return fail();
      each(element);
    }
  }

  napi_env env_;
  napi_value object_;
  bool ok_ = true;
};

}  // namespace pagebox::addon
