#include "page/shape.h"

#include <algorithm>
#include <bit>
#include <string_view>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Offset of the first field of one of the names that such a page has; 0: none.
std::uint16_t offset_of(const Layout& layout, PageTypeSet types,
                        std::initializer_list<std::string_view> names) {
  for (const Field& field : layout.fields)
    if (!field.contested && (field.types & types).bits != 0 &&
        std::find(names.begin(), names.end(), field.name) != names.end())
      return field.offset_bytes;
  return 0;
}

/// The same of a whole, aligned word.
std::uint16_t word_of(const Layout& layout, PageTypeSet types,
                      std::initializer_list<std::string_view> names) {
  for (const Field& field : layout.fields)
    if (!field.contested && (field.types & types).bits != 0 && field.shift == 0 &&
        field.bits == layout.word_bytes * 8U && field.offset_bytes % layout.word_bytes == 0 &&
        std::find(names.begin(), names.end(), field.name) != names.end())
      return field.offset_bytes;
  return 0;
}

std::uint16_t or_else(std::uint16_t offset, std::uint16_t other) {
  return offset != 0 ? offset : other;
}

constexpr PageTypeSet kUserPages = types(PageType::kAnon, PageType::kFile, PageType::kCompoundHead);
constexpr PageTypeSet kStandIns =
    types(PageType::kDevicePrivateAnon, PageType::kDevicePrivateFile, PageType::kDevicePublicAnon,
          PageType::kDevicePublicFile, PageType::kDeviceCoherent, PageType::kFsdax);

}  // namespace

Shape shape_of(const Layout& layout) {
  Shape shape;
  shape.stride_bytes = layout.stride_bytes;
  shape.word_bytes = layout.word_bytes;
  shape.anon_exclusive = layout.era.rules.has(Rule::kAnonExclusive);
  shape.mapcount = layout.mapcount_offset;
  shape.refcount = layout.refcount_offset;
  shape.counter = layout.counter_offset;
  shape.order = layout.order_offset;
  shape.pincount = layout.pincount.offset_bytes;
  shape.pincount_tail = layout.pincount.tail;
  shape.pincount_min_order = layout.pincount.min_order;
  shape.pincount_mask = (~0U >> (32U - layout.pincount.bits)) << layout.pincount.shift;
  shape.zone_device_base = layout.era.rules.has(Rule::kDaxFreeAtZero) ? 0 : 1;
  shape.private_base = layout.era.rules.has(Rule::kHmmFreeAtZero) ? 0 : 1;
  shape.buddy_type = layout.era.buddy_type;
  shape.table_type = layout.era.table_type;
  shape.slab_type = layout.era.slab_type;
  shape.hugetlb_type = layout.era.hugetlb_type;
  shape.flag_bit.fill(-1);
  for (const FlagBit& flag : layout.flags) {
    shape.flag_bit[static_cast<unsigned>(flag.flag)] = static_cast<std::int8_t>(flag.bit);
    shape.flag_mask[static_cast<unsigned>(flag.flag)] = 1ULL << flag.bit;
    if (flag.flag != Flag::kHwpoison) shape.life_flags |= 1ULL << flag.bit;
  }
  const auto exclusive = static_cast<unsigned>(layout.anon_exclusive_flag);
  shape.flag_bit[kFlags] = shape.flag_bit[exclusive];
  shape.flag_mask[kFlags] = shape.flag_mask[exclusive];
  for (const NamedFlagBit& flag : layout.other_flags) shape.life_flags |= 1ULL << flag.bit;
  shape.compound_head_is_mask = layout.compound_head == CompoundHead::kMask;
  shape.zone_normal = layout.kconfig.zone_normal;
  shape.zone_device = layout.kconfig.zone_device;
  if (std::has_single_bit(shape.stride_bytes))
    shape.stride_shift = static_cast<std::uint8_t>(std::countr_zero(shape.stride_bytes));
  for (const HighField& field : high_fields(layout)) {
    if (field.name == "zone") {
      shape.zone_shift = field.shift;
      shape.zone_bits = field.bits;
      shape.zone_mask = ((1ULL << field.bits) - 1) << field.shift;
      if (shape.zone_device >> field.bits == 0)
        shape.device_zone = std::uint64_t{shape.zone_device} << field.shift;
    } else if (field.name == "node") {
      shape.node_shift = field.shift;
      shape.node_bits = field.bits;
    } else if (field.name == "section") {
      shape.section_shift = field.shift;
      shape.section_bits = field.bits;
    } else if (field.name == "last_cpupid") {
      shape.initial_flags |= ((1ULL << field.bits) - 1) << field.shift;
    }
  }
  const PageTypeSet tail = types(PageType::kTail), second = types(PageType::kSecondTail),
                    table = types(PageType::kPageTable);
  shape.large_mapcount = offset_of(layout, tail, {"_large_mapcount"});
  shape.entire_mapcount = offset_of(layout, tail, {"_entire_mapcount", "compound_mapcount"});
  shape.nr_pages_mapped = offset_of(layout, tail, {"_nr_pages_mapped"});
  shape.folio_nr_pages = offset_of(layout, tail, {"_folio_nr_pages"});
  shape.compound_dtor = offset_of(layout, tail, {"compound_dtor"});
  shape.deferred_list = offset_of(layout, second, {"_deferred_list.next", "deferred_list.next"});
  shape.pgmap = offset_of(layout, kZoneDeviceTypes, {"pgmap"});
  shape.driver_data = offset_of(layout, kZoneDeviceTypes, {"zone_device_data", "hmm_data"});
  shape.mapping = word_of(layout, kUserPages, {"mapping"});
  shape.index = word_of(layout, kUserPages, {"index"});
  shape.private_word = word_of(layout, kUserPages, {"private"});
  shape.tail_mapping =
      or_else(word_of(layout, tail | second, {"mapping"}), or_else(shape.mapping, shape.word(3)));
  const PageTypeSet free = types(PageType::kFree);
  shape.lru = {or_else(word_of(layout, kUserPages, {"lru.next"}), shape.word(1)),
               or_else(word_of(layout, kUserPages, {"lru.prev"}), shape.word(2))};
  shape.free_list = {
      or_else(word_of(layout, free, {"buddy_list.next", "free_list.next"}), shape.word(1)),
      or_else(word_of(layout, free, {"buddy_list.prev", "free_list.prev"}), shape.word(2))};
  shape.buddy_order = or_else(word_of(layout, free, {"buddy_order"}), shape.word(5));
  shape.device_mapping = offset_of(layout, kStandIns, {"mapping"});
  shape.device_index = offset_of(layout, kStandIns, {"index"});
  shape.device_private = offset_of(layout, kStandIns, {"private"});
  shape.pmd_huge_pte = offset_of(layout, table, {"pmd_huge_pte"});
  shape.pt_mm = offset_of(layout, table, {"pt_mm"});
  shape.ptl = offset_of(layout, table, {"ptl"});
  shape.memcg = offset_of(layout, types(PageType::kAnon), {"memcg_data", "mem_cgroup"});
  return shape;
}

}  // namespace pagebox::inline PAGEBOX_ENV
