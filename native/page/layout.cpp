#include "page/layout.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "page/layout_table.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

Field make_field(const FieldRow& row, PageTypeSet types) {
  return {.name = std::string(row.name),
          .offset_bytes = row.offset_bytes,
          .shift = row.shift,
          .bits = row.bits,
          .kind = row.kind,
          .types = types,
          .meaning = std::string(row.meaning),
          .contested = row.contested,
          .object = row.object};
}

Kconfig make_kconfig(const KconfigRow& row) {
  return {.name = std::string(row.name),
          .section_bits = row.section_bits,
          .node_bits = row.node_bits,
          .zone_bits = row.zone_bits,
          .last_cpupid_bits = row.last_cpupid_bits,
          .lru_gen_bits = row.lru_gen_bits,
          .memcg = row.memcg,
          .lru_refs_bits = row.lru_refs_bits,
          .align_bytes = row.align_bytes,
          .kasan_tag_bits = 0,
          .zone_normal = row.zone_normal,
          .zone_device = row.zone_device};
}

Layout make_layout(const LayoutTable& table) {
  Layout layout;
  layout.name = table.name;
  layout.summary = table.summary;
  layout.word_bytes = table.word_bytes;
  layout.stride_bytes = table.stride_bytes;
  layout.kconfig = make_kconfig(table.kconfig);
  layout.era = {.kernel = std::string(table.era.kernel),
                .rules = rules_at_hand(rules_of(table.era.kernel)),
                .buddy_type = table.era.buddy_type,
                .table_type = table.era.table_type,
                .slab_type = table.era.slab_type,
                .hugetlb_type = table.era.hugetlb_type};
  layout.types = table.types;
  layout.compound_types = table.compound_types;
  layout.flags.assign(table.flags.begin(), table.flags.end());
  for (const NamedFlagRow& row : table.other_flags)
    layout.other_flags.push_back({std::string(row.name), row.bit});
  layout.compound_head = table.compound_head;
  layout.pincount = table.pincount;
  layout.mapcount_offset = static_cast<std::uint16_t>(6U * table.word_bytes);
  layout.refcount_offset = static_cast<std::uint16_t>(layout.mapcount_offset + 4U);
  layout.order_offset = table.order_offset;
  const unsigned memcg_offset = layout.refcount_offset + 4U;
  for (const auto& rows : {table.common, table.own}) {
    for (const FieldRow& row : rows) {
      const PageTypeSet types = row.types & table.types;
      if (types.bits == 0 || (row.offset_bytes >= memcg_offset && !table.kconfig.memcg)) continue;
      layout.fields.push_back(make_field(row, types));
    }
  }
  if (!table.counter) return layout;
  layout = with_own_counter(layout);
  layout.name = table.name;
  return layout;
}

std::vector<Layout> make_all() {
  std::vector<Layout> all;
  for (const auto& family : {layouts_4_20(), layouts_6_12(), layouts_7_2()})
    for (const LayoutTable& table : family) all.push_back(make_layout(table));
  return all;
}

}  // namespace

const std::vector<Layout>& builtin_layouts() {
  // Never destroyed: threads of a run may outlive static destruction.
  static const auto* const all = new std::vector<Layout>(make_all());
  return *all;
}

const Layout* find_layout(std::string_view name) {
  for (const Layout& layout : builtin_layouts())
    if (layout.name == name) return &layout;
  return nullptr;
}

const Field* find_field(const Layout& layout, std::string_view name) {
  for (const Field& field : layout.fields)
    if (field.name == name) return &field;
  return nullptr;
}

bool is_of_later_tails(const Layout& layout, const Field& field) {
  const bool second = layout.types.has(PageType::kSecondTail);
  return field.types.has(PageType::kTail) && (!second || field.types.has(PageType::kSecondTail));
}

Field pincount_of_later_tail(const Layout& layout) {
  const PincountPlace& place = layout.pincount;
  if (place.tail < 3) return {};
  return {.name = "_pincount",
          .offset_bytes = place.offset_bytes,
          .shift = place.shift,
          .bits = place.bits,
          .kind = FieldKind::kPincount,
          .types = types(PageType::kTail, PageType::kSecondTail),
          .meaning = "pins of the folio",
          .contested = false,
          .object = {}};
}

std::vector<HighField> high_fields(const Layout& layout) {
  const Kconfig& k = layout.kconfig;
  // The order of page-flags-layout.h.
  const std::pair<std::string_view, std::uint8_t> widths[] = {
      {"section", k.section_bits},     {"node", k.node_bits},
      {"zone", k.zone_bits},           {"last_cpupid", k.last_cpupid_bits},
      {"kasan_tag", k.kasan_tag_bits}, {"lru_gen", k.lru_gen_bits},
      {"lru_refs", k.lru_refs_bits}};
  std::vector<HighField> fields;
  unsigned top = layout.word_bytes * 8U;
  for (const auto& [name, bits] : widths) {
    if (bits == 0 || bits > top) continue;
    top -= bits;
    fields.push_back({name, static_cast<std::uint8_t>(top), bits});
  }
  return fields;
}

std::uint64_t used_flag_bits(const Layout& layout) {
  std::uint64_t used = 0;
  for (const FlagBit& flag : layout.flags)
    if (flag.bit < 64) used |= 1ULL << flag.bit;
  for (const NamedFlagBit& flag : layout.other_flags)
    if (flag.bit < 64) used |= 1ULL << flag.bit;
  for (const HighField& field : high_fields(layout))
    used |= ((1ULL << field.bits) - 1) << field.shift;
  if (layout.word_bytes == 4) used |= ~0ULL << 32;
  return used;
}

int lowest_free_flag_bit(const Layout& layout) {
  const int bit = std::countr_one(used_flag_bits(layout));
  return bit < 64 ? bit : -1;
}

unsigned free_flag_bits(const Layout& layout) {
  return static_cast<unsigned>(std::popcount(~used_flag_bits(layout)));
}

/// Whether a descriptor can say that its page is of that type: slab pages and page tables look as
/// others do but for their mark, and one that nobody can tell would be pinned and counted as what
/// it looks like.
static bool has_mark(const Layout& layout, PageType type) {
  // As schemes on `_mapcount` ask it: counts of mappings, and underflows of them, lie above.
  const auto is_type = [](std::uint32_t value) { return static_cast<std::int32_t>(value) < -128; };
  if (type == PageType::kPageTable) return is_type(layout.era.table_type);
  if (type != PageType::kSlab || is_type(layout.era.slab_type)) return true;
  return std::ranges::any_of(layout.flags,
                             [](const FlagBit& each) { return each.flag == Flag::kSlab; });
}

bool has_page(const Layout& layout, PageType type, unsigned order) {
  if (!layout.types.has(type) || order < min_order(type) || !has_mark(layout, type)) return false;
  return order == 0 || layout.compound_types.has(type);
}

std::uint64_t max_pages(const Layout& layout) { return 1ULL << (layout.word_bytes == 4 ? 24 : 32); }

Layout with_own_counter(const Layout& layout) {
  if (layout.counter_offset != 0) return layout;
  const unsigned word = layout.word_bytes;
  const unsigned align = layout.kconfig.align_bytes != 0 ? layout.kconfig.align_bytes
                         : word == 8                     ? 16U
                                                         : 4U;
  const unsigned counter = layout.refcount_offset + 4U;
  const auto round_up = [](unsigned n, unsigned to) { return (n + to - 1) / to * to; };
  // What lay behind `_refcount` moves by the counter and its padding.
  const unsigned shift = round_up(counter + 4, word) - counter;
  Layout wider = layout;
  unsigned end = counter + 4;
  for (Field& field : wider.fields) {
    if (field.offset_bytes >= counter) field.offset_bytes += static_cast<std::uint16_t>(shift);
    end = std::max(end, field.offset_bytes + (field.shift + field.bits + 7U) / 8);
  }
  if (wider.pincount.offset_bytes >= counter)
    wider.pincount.offset_bytes += static_cast<std::uint16_t>(shift);
  wider.counter_offset = static_cast<std::uint16_t>(counter);
  wider.stride_bytes =
      std::max(layout.stride_bytes, static_cast<std::uint16_t>(round_up(end, align)));
  // As the kernel does where the descriptor's size is no power of two.
  if (!std::has_single_bit(wider.stride_bytes)) wider.compound_head = CompoundHead::kAddress;
  wider.fields.push_back({.name = "_dma_pinned_count",
                          .offset_bytes = wider.counter_offset,
                          .bits = 32,
                          .kind = FieldKind::kPincount,
                          .types = layout.types & ~types(PageType::kTail, PageType::kSecondTail),
                          .meaning = "pins, in a field of their own",
                          .contested = false,
                          .object = {}});
  return wider;
}

}  // namespace pagebox::inline PAGEBOX_ENV
