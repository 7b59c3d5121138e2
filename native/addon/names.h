// The words of TypeScript for enumerations that have none in the core.
#pragma once

#include <array>
#include <string_view>

#include "engine/measure/cost.h"
#include "page/layout.h"
#include "page/object_kind.h"
#include "page/zone.h"

namespace pagebox::addon {

inline constexpr unsigned kFieldKinds = 13;
inline constexpr std::array<std::string_view, kFieldKinds> kFieldKindNames = {
    "flags",    "list-next", "list-prev", "page-ref", "pointer", "mapping", "count",
    "mapcount", "refcount",  "pincount",  "poison",   "lock",    "constant"};
static_assert(static_cast<unsigned>(FieldKind::kConstant) == kFieldKinds - 1);

inline constexpr std::array<std::string_view, kObjectKinds> kObjectKindNames = {
    "lru-anchor", "address-space", "anon-vma",        "dev-pagemap", "driver-data", "slab-cache",
    "mm",         "buffer-head",   "page-table-lock", "mem-cgroup",  "slab-object", "page"};

inline constexpr std::array<std::string_view, 3> kCostLoopNames = {"scheme", "limit", "none"};

/// By DaxKind.
inline constexpr std::array<std::string_view, 3> kDaxKindNames = {"fsdax", "devdax",
                                                                  "fsdax-limited"};
inline constexpr std::string_view kP2pdmaName = "p2pdma";

/// The index of a name; -1: none.
template <class Names>
int index_of(const Names& names, std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<int>(i);
  return -1;
}

}  // namespace pagebox::addon
