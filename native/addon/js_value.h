// Building JavaScript values. A failed Node-API call leaves an empty value, and
// an exception pending if the engine has one: nothing here throws.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace pagebox::addon {

class JsValues {
 public:
  explicit JsValues(napi_env env) : env_(env) {}

  napi_env env() const { return env_; }
  napi_value text(std::string_view text) const;
  napi_value number(double number) const;
  napi_value number(std::uint64_t number) const {
    return this->number(static_cast<double>(number));
  }
  napi_value number(int number) const { return this->number(static_cast<double>(number)); }
  napi_value number(unsigned number) const { return this->number(static_cast<double>(number)); }
  napi_value big(std::uint64_t number) const;
  napi_value boolean(bool value) const;
  napi_value null() const;
  napi_value undefined() const;
  napi_value object() const;
  napi_value array(std::size_t length = 0) const;
  void set(napi_value object, const char* key, napi_value value) const;
  void set(napi_value array, std::size_t index, napi_value value) const;

  /// Each element of a range as `make(element)`.
  template <class Range, class Make>
  napi_value list(const Range& range, Make make) const {
    napi_value result = array();
    std::size_t i = 0;
    for (const auto& each : range) {
      napi_handle_scope scope = nullptr;
      napi_open_handle_scope(env_, &scope);
      set(result, i++, make(each));
      napi_close_handle_scope(env_, scope);
    }
    return result;
  }
  template <class Range>
  napi_value texts(const Range& range) const {
    return list(range, [this](std::string_view each) { return text(each); });
  }
  /// The names of a set of bits.
  template <class Names>
  napi_value names_of(const Names& names, std::uint32_t bits) const {
    napi_value list = array();
    std::size_t n = 0;
    for (std::size_t i = 0; i < names.size(); ++i)
      if ((bits >> i & 1U) != 0) set(list, n++, text(names[i]));
    return list;
  }

 private:
  napi_env env_;
};

/// Properties in the order in which they are added: `JsObject(js).text("name", n).value()`.
class JsObject {
 public:
  explicit JsObject(const JsValues& js) : js_(js), object_(js.object()) {}

  JsObject& set(const char* key, napi_value value) {
    js_.set(object_, key, value);
    return *this;
  }
  JsObject& text(const char* key, std::string_view value) { return set(key, js_.text(value)); }
  template <class Number>
  JsObject& number(const char* key, Number value) {
    return set(key, js_.number(value));
  }
  JsObject& big(const char* key, std::uint64_t value) { return set(key, js_.big(value)); }
  JsObject& boolean(const char* key, bool value) { return set(key, js_.boolean(value)); }
  napi_value value() const { return object_; }

 private:
  const JsValues& js_;
  napi_value object_;
};

}  // namespace pagebox::addon
