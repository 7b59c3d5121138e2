// What a descriptor stands for. The type decides which meaning of each word is
// live; a layout says which types exist in it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class PageType : std::uint8_t {
  kFree,
  kAnon,
  kFile,
  kSlab,
  kCompoundHead,  // head of an anonymous huge folio
  kTail,          // first tail: page[1]
  kSecondTail,    // page[2]
  kPageTable,
  kDevicePrivateAnon,
  kDevicePrivateFile,
  kDevicePublicAnon,
  kDevicePublicFile,
  kDeviceCoherent,
  kFsdax,
  kDevdax,
  kP2pdma,
};
inline constexpr unsigned kPageTypes = 16;

inline constexpr std::array<std::string_view, kPageTypes> kPageTypeNames = {"free",
                                                                            "anon",
                                                                            "file",
                                                                            "slab",
                                                                            "compound-head",
                                                                            "tail",
                                                                            "second-tail",
                                                                            "page-table",
                                                                            "device-private-anon",
                                                                            "device-private-file",
                                                                            "device-public-anon",
                                                                            "device-public-file",
                                                                            "device-coherent",
                                                                            "fsdax",
                                                                            "devdax",
                                                                            "p2pdma"};

/// A set of page types, one bit each.
struct PageTypeSet {
  std::uint32_t bits = 0;
  constexpr bool has(PageType type) const {
    return (bits >> static_cast<unsigned>(type) & 1U) != 0;
  }
  constexpr PageTypeSet operator|(PageTypeSet other) const { return {bits | other.bits}; }
  constexpr PageTypeSet operator&(PageTypeSet other) const { return {bits & other.bits}; }
  constexpr PageTypeSet operator~() const { return {~bits & ((1U << kPageTypes) - 1)}; }
};
template <class... Types>
constexpr PageTypeSet types(Types... list) {
  return {((1U << static_cast<unsigned>(list)) | ... | 0U)};
}

inline constexpr PageTypeSet kZoneDeviceTypes =
    types(PageType::kDevicePrivateAnon, PageType::kDevicePrivateFile, PageType::kDevicePublicAnon,
          PageType::kDevicePublicFile, PageType::kDeviceCoherent, PageType::kFsdax,
          PageType::kDevdax, PageType::kP2pdma);
/// Types whose `_mapcount` counts mappings.
inline constexpr PageTypeSet kMappedTypes =
    types(PageType::kAnon, PageType::kFile, PageType::kCompoundHead) | kZoneDeviceTypes;
/// Types whose pages a compound page is made of, in every era.
inline constexpr PageTypeSet kCompoundTypes =
    types(PageType::kAnon, PageType::kFile, PageType::kSlab, PageType::kCompoundHead,
          PageType::kTail, PageType::kSecondTail);
/// Types that are anonymous memory.
inline constexpr PageTypeSet kAnonTypes =
    types(PageType::kAnon, PageType::kCompoundHead, PageType::kDevicePrivateAnon,
          PageType::kDevicePublicAnon, PageType::kDeviceCoherent);
/// Smallest order of the folio that a page of this type belongs to.
constexpr unsigned min_order(PageType type) {
  if (type == PageType::kSecondTail) return 2;
  return type == PageType::kCompoundHead || type == PageType::kTail ? 1 : 0;
}
/// A `_mapcount` below this is a page type (PAGE_MAPCOUNT_RESERVE): counts of mappings, and
/// underflows of them, lie above.
inline constexpr std::int32_t kTypedBelow = -128;
/// Types that can sit on an LRU list.
inline constexpr PageTypeSet kLruTypes =
    types(PageType::kAnon, PageType::kFile, PageType::kCompoundHead);

}  // namespace pagebox::inline PAGEBOX_ENV
