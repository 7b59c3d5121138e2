// Room for up to N values that is not initialised: lists of a batch that a call for
// one page fills with one.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <type_traits>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

template <class T, std::size_t N>
  requires std::is_trivially_copyable_v<T>
class UninitArray {
 public:
  UninitArray() {}  // NOLINT(modernize-use-equals-default): that would be deleted
  UninitArray(const UninitArray&) = delete;
  UninitArray& operator=(const UninitArray&) = delete;

  T& operator[](std::size_t i) { return values_[i]; }
  static constexpr std::size_t size() { return N; }
  /// Those that were written.
  std::span<T> first(std::size_t n) { return std::span(values_).first(n); }

 private:
  union {
    std::array<T, N> values_;
  };
};

}  // namespace pagebox::inline PAGEBOX_ENV
