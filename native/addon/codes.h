// Names of what crosses the binding as a number or a bit, and limits of calls: exported with
// the tables, so that TypeScript keeps no number of its own.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "addon/names.h"

namespace pagebox::addon {

/// What an address space maps.
enum class Backing : std::uint8_t { kAnon, kFile, kDevice, kHugetlb };
inline constexpr std::array<std::string_view, 4> kBackingNames = {"anon", "file", "device",
                                                                  "hugetlb"};

/// Bit 0 reads, bit 1 writes.
inline constexpr std::array<std::string_view, 4> kProtNames = {"none", "r", "w", "rw"};

/// How pages are taken: bit i is the i-th.
enum class Gup : std::uint8_t { kPin, kWrite, kLongterm, kFast, kForce, kP2pdma };
inline constexpr std::array<std::string_view, 6> kGupNames = {"pin",  "write", "longterm",
                                                              "fast", "force", "p2pdma"};
constexpr bool has(std::uint64_t bits, Gup flag) {
  return (bits >> static_cast<unsigned>(flag) & 1) != 0;
}

/// What a pagemap says of one page, a number each.
enum class PagemapWord : std::uint8_t { kState, kBits, kMapcount, kFlags, kPfn };
inline constexpr std::array<std::string_view, 5> kPagemapWordNames = {"state", "bits", "mapcount",
                                                                      "flags", "pfn"};
/// Bit i of its `bits`.
inline constexpr std::array<std::string_view, 4> kPagemapBitNames = {"softDirty", "exclusive",
                                                                     "file", "uffdWp"};

// Pages of one call.
inline constexpr std::uint64_t kMostRangePages = std::uint64_t{1} << 32;
inline constexpr std::uint64_t kMostHeldPages = std::uint64_t{1} << 24;  // of GUP or a device

}  // namespace pagebox::addon
