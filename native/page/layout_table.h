// The built-in layouts as constant tables: what layouts_*.cpp declare and
// layout.cpp turns into Layout.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "page/layout.h"

namespace pagebox::inline PAGEBOX_ENV {

struct FieldRow {
  std::string_view name;
  std::uint16_t offset_bytes = 0;
  std::uint8_t shift = 0, bits = 0;
  FieldKind kind = FieldKind::kCount;
  PageTypeSet types;
  std::string_view meaning;
  bool contested = false;
  ObjectKind object = ObjectKind::kDriverData;
};

struct KconfigRow {
  std::string_view name;
  std::uint8_t section_bits = 0, node_bits = 0, zone_bits = 0, last_cpupid_bits = 0,
               lru_gen_bits = 0, lru_refs_bits = 0, align_bytes = 0;
  bool memcg = true;
  std::uint8_t zone_normal = 2, zone_device = 4;
};

struct EraRow {
  std::string_view kernel;  // the name of its rules too
  std::uint32_t buddy_type = 0, table_type = 0, slab_type = 0, hugetlb_type = 0;
};

struct NamedFlagRow {
  std::string_view name;
  std::uint8_t bit = 0;
};

struct LayoutTable {
  std::string_view name, summary;
  std::uint8_t word_bytes = 8;
  std::uint16_t stride_bytes = 64;
  KconfigRow kconfig;
  EraRow era;
  PageTypeSet types, compound_types;
  std::span<const FlagBit> flags;
  /// Rows that the family shares, and rows that make this layout. A row for types
  /// that the layout does not have, or for memcg where its Kconfig has none, is left out.
  std::span<const FieldRow> common, own;
  PincountPlace pincount;
  std::uint16_t order_offset = 0;
  std::span<const NamedFlagRow> other_flags = {};  // NOLINT(readability-redundant-member-init)
  CompoundHead compound_head = CompoundHead::kAddress;
  bool counter = false;  // the table describes the layout before with_own_counter()
};

/// In words, so that one table serves 8- and 4-byte words.
template <unsigned W>
constexpr FieldRow word(unsigned n, std::string_view name, FieldKind kind, PageTypeSet types,
                        std::string_view meaning, ObjectKind object = ObjectKind::kDriverData) {
  return {name, static_cast<std::uint16_t>(n * W), 0, W * 8, kind, types, meaning, false, object};
}
constexpr FieldRow contested(FieldRow row) {
  row.contested = true;
  return row;
}

inline constexpr PageTypeSet kAllTypes = {(1U << kPageTypes) - 1};
inline constexpr PageTypeSet kTailTypes = types(PageType::kTail, PageType::kSecondTail);

/// Each family's tables, in the order of `pagebox layout`.
std::span<const LayoutTable> layouts_4_20();
std::span<const LayoutTable> layouts_6_12();
std::span<const LayoutTable> layouts_7_2();

}  // namespace pagebox::inline PAGEBOX_ENV
