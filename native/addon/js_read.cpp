#include "addon/js_read.h"

#include <cmath>

namespace pagebox::addon {

napi_value JsRead::property(const char* key) {
  napi_value value = nullptr;
  napi_valuetype type = napi_undefined;
  if (object_ == nullptr || napi_typeof(env_, object_, &type) != napi_ok || type != napi_object ||
      napi_get_named_property(env_, object_, key, &value) != napi_ok) {
    ok_ = false;
    napi_get_undefined(env_, &value);
  }
  return value;
}

std::string JsRead::text_of(napi_value value) {
  std::size_t length = 0;
  if (napi_get_value_string_utf8(env_, value, nullptr, 0, &length) != napi_ok) {
    ok_ = false;
    return {};
  }
  std::string text(length, '\0');
  // Writes a zero behind the text, where std::string has one.
  napi_get_value_string_utf8(env_, value, text.data(), length + 1, &length);
  return text;
}

bool JsRead::boolean(const char* key) {
  bool value = false;
  if (napi_get_value_bool(env_, property(key), &value) != napi_ok) ok_ = false;
  return value;
}

double JsRead::number(const char* key) {
  double value = 0;
  if (napi_get_value_double(env_, property(key), &value) != napi_ok || std::isnan(value)) {
    ok_ = false;
    return 0;
  }
  return value;
}

std::uint64_t JsRead::integer(const char* key, std::uint64_t max) {
  const double value = number(key);
  if (!(value >= 0) || value > static_cast<double>(max) || value != std::floor(value)) {
    ok_ = false;
    return 0;
  }
  return static_cast<std::uint64_t>(value);
}

std::int64_t JsRead::signed_integer(const char* key, std::int64_t min, std::int64_t max) {
  const double value = number(key);
  if (!(value >= static_cast<double>(min)) || value > static_cast<double>(max) ||
      value != std::floor(value)) {
    ok_ = false;
    return 0;
  }
  return static_cast<std::int64_t>(value);
}

std::uint64_t JsRead::big(const char* key) {
  std::uint64_t value = 0;
  bool lossless = false;
  if (napi_get_value_bigint_uint64(env_, property(key), &value, &lossless) != napi_ok || !lossless)
    ok_ = false;
  return value;
}

bool JsRead::has(const char* key) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env_, property(key), &type);
  return type != napi_undefined;
}

bool JsRead::is_text(const char* key) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env_, property(key), &type);
  return type == napi_string;
}

}  // namespace pagebox::addon
