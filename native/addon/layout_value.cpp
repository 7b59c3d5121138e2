#include "addon/layout_value.h"

#include "addon/by_name.h"
#include "addon/names.h"

namespace pagebox::addon {

napi_value page_types(const JsValues& js, PageTypeSet set) {
  napi_value list = js.array();
  std::size_t n = 0;
  for (unsigned i = 0; i < kPageTypes; ++i)
    if (set.has(static_cast<PageType>(i))) js.set(list, n++, js.text(kPageTypeNames[i]));
  return list;
}

PageTypeSet read_page_types(JsRead& from, const char* key) {
  PageTypeSet set;
  from.texts(key, [&](const std::string& name) {
    const int type = index_of(kPageTypeNames, name);
    if (type < 0) return from.fail();
    set = set | types(static_cast<PageType>(type));
  });
  return set;
}

namespace {

napi_value field_value(const JsValues& js, const Field& field) {
  return JsObject(js)
      .text("name", field.name)
      .number("offsetBytes", unsigned{field.offset_bytes})
      .number("shift", unsigned{field.shift})
      .number("bits", unsigned{field.bits})
      .text("kind", kFieldKindNames[static_cast<unsigned>(field.kind)])
      .set("types", page_types(js, field.types))
      .text("meaning", field.meaning)
      .boolean("contested", field.contested)
      .text("object", kObjectKindNames[static_cast<unsigned>(field.object)])
      .value();
}

napi_value kconfig_value(const JsValues& js, const Kconfig& kconfig) {
  return JsObject(js)
      .text("name", kconfig.name)
      .number("sectionBits", unsigned{kconfig.section_bits})
      .number("nodeBits", unsigned{kconfig.node_bits})
      .number("zoneBits", unsigned{kconfig.zone_bits})
      .number("lastCpupidBits", unsigned{kconfig.last_cpupid_bits})
      .number("lruGenBits", unsigned{kconfig.lru_gen_bits})
      .number("lruRefsBits", unsigned{kconfig.lru_refs_bits})
      .boolean("memcg", kconfig.memcg)
      .number("alignBytes", unsigned{kconfig.align_bytes})
      .number("kasanTagBits", unsigned{kconfig.kasan_tag_bits})
      .number("zoneNormal", unsigned{kconfig.zone_normal})
      .number("zoneDevice", unsigned{kconfig.zone_device})
      .value();
}

napi_value era_value(const JsValues& js, const Era& era) {
  return JsObject(js)
      .text("kernel", era.kernel)
      .number("zoneDeviceBase", era.rules.has(Rule::kDaxFreeAtZero) ? 0 : 1)
      .number("privateBase", era.rules.has(Rule::kHmmFreeAtZero) ? 0 : 1)
      .boolean("anonExclusive", era.rules.has(Rule::kAnonExclusive))
      .number("buddyType", era.buddy_type)
      .number("tableType", era.table_type)
      .number("slabType", era.slab_type)
      .number("hugetlbType", era.hugetlb_type)
      .value();
}

constexpr std::array<std::string_view, 2> kCompoundHeadNames = {"address", "mask"};
constexpr std::array<std::string_view, 2> kByteOrderNames = {"little", "big"};

/// Those with a meaning here first, as they were declared.
napi_value flags_value(const JsValues& js, const Layout& layout) {
  std::vector<NamedFlagBit> all;
  all.reserve(layout.flags.size() + layout.other_flags.size());
  for (const FlagBit& flag : layout.flags)
    all.push_back({std::string(kFlagNames[static_cast<unsigned>(flag.flag)]), flag.bit});
  all.insert(all.end(), layout.other_flags.begin(), layout.other_flags.end());
  return js.list(all, [&](const NamedFlagBit& flag) {
    return JsObject(js).text("name", flag.name).number("bit", unsigned{flag.bit}).value();
  });
}

template <std::size_t N>
unsigned read_name(JsRead& from, const char* key, const std::array<std::string_view, N>& names) {
  const int index = index_of(names, from.text(key));
  if (index < 0) from.fail();
  return index < 0 ? 0 : static_cast<unsigned>(index);
}

Field read_field(JsRead& from) {
  Field field;
  field.name = from.text("name");
  field.offset_bytes = static_cast<std::uint16_t>(from.integer("offsetBytes", 0xffff));
  field.shift = static_cast<std::uint8_t>(from.integer("shift", 0xff));
  field.bits = static_cast<std::uint8_t>(from.integer("bits", 0xff));
  const int kind = index_of(kFieldKindNames, from.text("kind"));
  const int object = index_of(kObjectKindNames, from.text("object"));
  if (kind < 0 || object < 0) {
    from.fail();
    return field;
  }
  field.kind = static_cast<FieldKind>(kind);
  field.object = static_cast<ObjectKind>(object);
  field.types = read_page_types(from, "types");
  field.meaning = from.text("meaning");
  field.contested = from.boolean("contested");
  return field;
}

template <class Number>
void read_number(JsRead& from, const char* key, Number& to) {
  to = static_cast<Number>(from.integer(key, std::uint64_t{static_cast<Number>(-1)}));
}

}  // namespace

napi_value layout_value(const JsValues& js, const Layout& layout) {
  return JsObject(js)
      .text("name", layout.name)
      .text("summary", layout.summary)
      .number("wordBytes", unsigned{layout.word_bytes})
      .number("strideBytes", unsigned{layout.stride_bytes})
      .set("kconfig", kconfig_value(js, layout.kconfig))
      .set("era", era_value(js, layout.era))
      .set("types", page_types(js, layout.types))
      .set("compoundTypes", page_types(js, layout.compound_types))
      .set("flags", flags_value(js, layout))
      .text("anonExclusiveFlag", kFlagNames[static_cast<unsigned>(layout.anon_exclusive_flag)])
      .text("compoundHead", kCompoundHeadNames[static_cast<unsigned>(layout.compound_head)])
      .text("byteOrder", kByteOrderNames[static_cast<unsigned>(layout.byte_order)])
      .set("fields",
           js.list(layout.fields, [&](const Field& field) { return field_value(js, field); }))
      .set("pincount", JsObject(js)
                           .number("tail", unsigned{layout.pincount.tail})
                           .number("offsetBytes", unsigned{layout.pincount.offset_bytes})
                           .number("minOrder", unsigned{layout.pincount.min_order})
                           .number("shift", unsigned{layout.pincount.shift})
                           .number("bits", unsigned{layout.pincount.bits})
                           .value())
      .number("mapcountOffsetBytes", unsigned{layout.mapcount_offset})
      .number("refcountOffsetBytes", unsigned{layout.refcount_offset})
      .number("counterOffsetBytes", unsigned{layout.counter_offset})
      .number("orderOffsetBytes", unsigned{layout.order_offset})
      .set("highFields", js.list(high_fields(layout),
                                 [&](const HighField& field) {
                                   return JsObject(js)
                                       .text("name", field.name)
                                       .number("shift", unsigned{field.shift})
                                       .number("bits", unsigned{field.bits})
                                       .value();
                                 }))
      .number("freeFlagBits", free_flag_bits(layout))
      .number("lowestFreeFlagBit", lowest_free_flag_bit(layout))
      .number("ownCounterStrideBytes", unsigned{with_own_counter(layout).stride_bytes})
      .value();
}

Layout read_layout(JsRead& from) {
  Layout layout;
  layout.name = from.text("name");
  layout.summary = from.text("summary");
  read_number(from, "wordBytes", layout.word_bytes);
  read_number(from, "strideBytes", layout.stride_bytes);
  from.object("kconfig", [&](JsRead& kconfig) {
    layout.kconfig.name = kconfig.text("name");
    read_number(kconfig, "sectionBits", layout.kconfig.section_bits);
    read_number(kconfig, "nodeBits", layout.kconfig.node_bits);
    read_number(kconfig, "zoneBits", layout.kconfig.zone_bits);
    read_number(kconfig, "lastCpupidBits", layout.kconfig.last_cpupid_bits);
    read_number(kconfig, "lruGenBits", layout.kconfig.lru_gen_bits);
    read_number(kconfig, "lruRefsBits", layout.kconfig.lru_refs_bits);
    read_number(kconfig, "alignBytes", layout.kconfig.align_bytes);
    read_number(kconfig, "kasanTagBits", layout.kconfig.kasan_tag_bits);
    read_number(kconfig, "zoneNormal", layout.kconfig.zone_normal);
    read_number(kconfig, "zoneDevice", layout.kconfig.zone_device);
    layout.kconfig.memcg = kconfig.boolean("memcg");
  });
  from.object("era", [&](JsRead& era) {
    layout.era.kernel = era.text("kernel");
    layout.era.rules = rules_of("v6.12")
                           .with(Rule::kDaxFreeAtZero, era.integer("zoneDeviceBase", 1) == 0)
                           .with(Rule::kHmmFreeAtZero, era.integer("privateBase", 1) == 0)
                           .with(Rule::kAnonExclusive, era.boolean("anonExclusive"));
    read_number(era, "buddyType", layout.era.buddy_type);
    read_number(era, "tableType", layout.era.table_type);
    read_number(era, "slabType", layout.era.slab_type);
    read_number(era, "hugetlbType", layout.era.hugetlb_type);
  });
  layout.types = read_page_types(from, "types");
  layout.compound_types = read_page_types(from, "compoundTypes");
  from.objects("flags", [&](JsRead& flag) {
    const std::string name = flag.text("name");
    const int index = index_of(kFlagNames, name);
    const auto bit = static_cast<std::uint8_t>(flag.integer("bit", 63));
    if (index < 0)
      layout.other_flags.push_back({name, bit});
    else
      layout.flags.push_back({static_cast<Flag>(index), bit});
  });
  layout.anon_exclusive_flag = static_cast<Flag>(read_name(from, "anonExclusiveFlag", kFlagNames));
  layout.compound_head =
      static_cast<CompoundHead>(read_name(from, "compoundHead", kCompoundHeadNames));
  layout.byte_order = static_cast<ByteOrder>(read_name(from, "byteOrder", kByteOrderNames));
  from.objects("fields", [&](JsRead& field) { layout.fields.push_back(read_field(field)); });
  from.object("pincount", [&](JsRead& place) {
    read_number(place, "tail", layout.pincount.tail);
    read_number(place, "offsetBytes", layout.pincount.offset_bytes);
    read_number(place, "minOrder", layout.pincount.min_order);
    read_number(place, "shift", layout.pincount.shift);
    read_number(place, "bits", layout.pincount.bits);
  });
  read_number(from, "mapcountOffsetBytes", layout.mapcount_offset);
  read_number(from, "refcountOffsetBytes", layout.refcount_offset);
  read_number(from, "counterOffsetBytes", layout.counter_offset);
  read_number(from, "orderOffsetBytes", layout.order_offset);
  return layout;
}

bool read_layout_ref(napi_env env, napi_value value, Layout& out) {
  return read_named(env, value, out, find_layout, read_layout,
                    [](const Layout& layout) { return check_layout(layout); });
}

Layout read_layout_ref(JsRead& from, const char* key) {
  Layout layout;
  if (!read_layout_ref(from.env(), from.property(key), layout)) from.fail();
  return layout;
}

}  // namespace pagebox::addon
