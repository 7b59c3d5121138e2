// A page frame number: its own type, so that it is never mixed up with a count,
// a byte offset or a sandbox address.
#pragma once

#include <compare>
#include <cstdint>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

inline constexpr std::uint64_t kPageBytes = 4096;
inline constexpr unsigned kPageShift = 12;

struct Pfn {
  std::uint64_t value = 0;
  auto operator<=>(const Pfn&) const = default;
  Pfn operator+(std::uint64_t pages) const { return {value + pages}; }
  std::uint64_t operator-(Pfn other) const { return value - other.value; }
};

}  // namespace pagebox::inline PAGEBOX_ENV
