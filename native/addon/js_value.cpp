#include "addon/js_value.h"

namespace pagebox::addon {

napi_value JsValues::text(std::string_view text) const {
  napi_value value = nullptr;
  napi_create_string_utf8(env_, text.data(), text.size(), &value);
  return value;
}

napi_value JsValues::number(double number) const {
  napi_value value = nullptr;
  napi_create_double(env_, number, &value);
  return value;
}

napi_value JsValues::big(std::uint64_t number) const {
  napi_value value = nullptr;
  napi_create_bigint_uint64(env_, number, &value);
  return value;
}

napi_value JsValues::boolean(bool value) const {
  napi_value result = nullptr;
  napi_get_boolean(env_, value, &result);
  return result;
}

napi_value JsValues::null() const {
  napi_value value = nullptr;
  napi_get_null(env_, &value);
  return value;
}

napi_value JsValues::undefined() const {
  napi_value value = nullptr;
  napi_get_undefined(env_, &value);
  return value;
}

napi_value JsValues::object() const {
  napi_value value = nullptr;
  napi_create_object(env_, &value);
  return value;
}

napi_value JsValues::array(std::size_t length) const {
  napi_value value = nullptr;
  napi_create_array_with_length(env_, length, &value);
  return value;
}

// napi_set_property runs setters that someone put on Object.prototype; defining
// an own property does not.
void JsValues::set(napi_value object, const char* key, napi_value value) const {
  const napi_property_descriptor property = {
      key, nullptr, nullptr, nullptr, nullptr, value, napi_default_jsproperty, nullptr};
  napi_define_properties(env_, object, 1, &property);
}

void JsValues::set(napi_value array, std::size_t index, napi_value value) const {
  napi_set_element(env_, array, static_cast<std::uint32_t>(index), value);
}

}  // namespace pagebox::addon
