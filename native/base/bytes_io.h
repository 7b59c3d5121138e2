// Values as bytes and back. One function names the fields of a type in their order and
// serves writer and reader, so the two cannot differ:
//
//   template <class Io, class T> void fields(Io& io, T& value) {
//     io.number("count", value.count, kMost);
//     io.text("name", value.name);
//   }
//
// A number is 8 bytes, the lowest first; a text or a list begins with its length. The
// reader believes no length: it is held against what is left.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

class BytesWriter {
 public:
  /// Integers, enums and booleans.
  template <class T>
  void number(const char* /*name*/, const T& value, std::uint64_t /*max*/ = ~std::uint64_t{0}) {
    put(static_cast<std::uint64_t>(value));
  }
  template <class T>
  void signed_number(const char* /*name*/, const T& value) {
    put(static_cast<std::uint64_t>(std::int64_t{value}));
  }
  void real(const char* /*name*/, const double& value) { put(std::bit_cast<std::uint64_t>(value)); }
  void text(const char* /*name*/, const std::string& value) {
    put(value.size());
    const auto* bytes = reinterpret_cast<const std::byte*>(value.data());
    bytes_.insert(bytes_.end(), bytes, bytes + value.size());
  }
  template <class List, class Each>
  void list(const char* /*name*/, const List& values, Each each) {
    put(values.size());
    for (const auto& value : values) each(*this, value);
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  void put(std::uint64_t value) {
    for (unsigned i = 0; i < 8; ++i) bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
  std::vector<std::byte> bytes_;
};

/// After the first fault all reads give nothing, and why() says what it was.
class BytesReader {
 public:
  explicit BytesReader(std::span<const std::byte> bytes) : left_(bytes) {}

  template <class T>
  void number(const char* name, T& value, std::uint64_t max = ~std::uint64_t{0}) {
    const std::uint64_t found = get(name);
    if (!ok()) return;
    if (found > max)
      return fail(name, std::to_string(found) + " is more than " + std::to_string(max));
    value = static_cast<T>(found);
    if (static_cast<std::uint64_t>(value) != found)
      fail(name, std::to_string(found) + " does not fit");
  }
  template <class T>
  void signed_number(const char* name, T& value) {
    const auto found = static_cast<std::int64_t>(get(name));
    if (!ok()) return;
    value = static_cast<T>(found);
    if (std::int64_t{value} != found) fail(name, std::to_string(found) + " does not fit");
  }
  void real(const char* name, double& value) { value = std::bit_cast<double>(get(name)); }
  void text(const char* name, std::string& value) {
    const std::uint64_t size = get(name);
    if (!ok()) return;
    if (size > left_.size()) return cut_short(name);
    value.assign(reinterpret_cast<const char*>(left_.data()), size);
    left_ = left_.subspan(size);
  }
  template <class List, class Each>
  void list(const char* name, List& values, Each each) {
    const std::uint64_t size = get(name);
    if (!ok()) return;
    // Each element takes at least a number.
    if (size > left_.size() / 8) return cut_short(name);
    if constexpr (requires { values.resize(size); }) {
      values.resize(size);
    } else if (size != values.size()) {
      return fail(name, std::to_string(size) + " of them, not " + std::to_string(values.size()));
    }
    for (auto& value : values) {
      each(*this, value);
      if (!ok()) return;
    }
  }

  bool ok() const { return why_.empty(); }
  const std::string& why() const { return why_; }
  void fail(const char* name, const std::string& what) {
    if (why_.empty()) why_ = std::string(name) + ": " + what;
    left_ = {};
  }
  /// Nothing may be left.
  void end() {
    if (ok() && !left_.empty()) fail("end", std::to_string(left_.size()) + " bytes too many");
  }

 private:
  void cut_short(const char* name) {
    fail(name, "cut short, " + std::to_string(left_.size()) + " bytes are left");
  }
  std::uint64_t get(const char* name) {
    if (!ok()) return 0;
    if (left_.size() < 8) {
      cut_short(name);
      return 0;
    }
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i) value |= static_cast<std::uint64_t>(left_[i]) << (8 * i);
    left_ = left_.subspan(8);
    return value;
  }
  std::span<const std::byte> left_;
  std::string why_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
