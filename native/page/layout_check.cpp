#include <bit>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "page/folio.h"
#include "page/layout.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

using Problems = std::vector<LayoutProblem>;

struct Range {
  unsigned first = 0, end = 0;  // bits from the descriptor's start
  bool overlaps(Range other) const { return first < other.end && other.first < end; }
};
Range range_of(const Field& field) {
  const unsigned first = field.offset_bytes * 8U + field.shift;
  return {first, first + field.bits};
}

std::string first_type(PageTypeSet set) {
  for (unsigned type = 0; type < kPageTypes; ++type)
    if (set.has(static_cast<PageType>(type))) return std::string(kPageTypeNames[type]);
  return "no page type";
}
std::string number(unsigned n) { return std::to_string(n); }

void check_shape(const Layout& layout, Problems& problems) {
  const unsigned word = layout.word_bytes, stride = layout.stride_bytes;
  if (layout.name.empty()) problems.push_back({"name", "", "is empty"});
  if (word != 4 && word != 8) {
    problems.push_back({"word_bytes", "", "is " + number(word) + ", allowed: 4 or 8"});
    return;
  }
  if (stride % word != 0)
    problems.push_back(
        {"stride_bytes", "", "is no multiple of the word's " + number(word) + " bytes"});
  // Flags, five words of unions, and the two counts.
  const unsigned least = 6 * word + 8;
  if (stride < least || stride > 256)
    problems.push_back(
        {"stride_bytes", "", "is " + number(stride) + ", allowed: " + number(least) + " to 256"});
  if (layout.compound_head == CompoundHead::kMask && !std::has_single_bit(stride))
    problems.push_back({"compoundHead", "stride_bytes",
                        "a mask finds heads only where the stride is a power of two"});
  if (layout.types.bits == 0) problems.push_back({"types", "", "is empty"});
  if (!(layout.types & ~PageTypeSet{(1U << kPageTypes) - 1}).bits == 0)
    problems.push_back({"types", "", "names types that do not exist"});
}

void check_field(const Layout& layout, const Field& field, Problems& problems) {
  const unsigned word_bits = layout.word_bytes * 8U;
  const auto add = [&](std::string what) { problems.push_back({field.name, "", std::move(what)}); };
  if (field.name.empty()) add("a field has no name");
  if (field.bits == 0) add("has no bits");
  if (field.bits > word_bits) add("is wider than a word");
  const Range range = range_of(field);
  if (range.end > layout.stride_bytes * 8U)
    return add("ends beyond the stride of " + number(layout.stride_bytes) + " bytes");
  if (range.first / word_bits != (range.end - 1) / word_bits && field.bits != 0)
    add("crosses from one word into the next");
  if ((field.types & layout.types).bits == 0) add("is used by no page type of the layout");

  switch (field.kind) {
    case FieldKind::kFlags:
      if (field.offset_bytes != 0) add("flags lie in word 0");
      break;
    case FieldKind::kPincount: break;  // as narrow as they like
    case FieldKind::kMapcount:
    case FieldKind::kRefcount:
      if (field.shift != 0 || (field.bits != 32 && field.bits != word_bits) ||
          field.offset_bytes % (field.bits / 8U) != 0)
        add("a count is a whole, aligned word of 32 bits (or of the layout's width)");
      break;
    case FieldKind::kListNext:
    case FieldKind::kListPrev:
    case FieldKind::kPageRef:
    case FieldKind::kPointer:
    case FieldKind::kMapping:
      if (field.bits != word_bits || field.shift != 0 ||
          field.offset_bytes % layout.word_bytes != 0)
        add("a pointer fills an aligned word");
      break;
    default: break;
  }

  // Word 1's bit 0 is PageTail for every lockless reader.
  const unsigned tail_bit = word_bits;
  if (range.overlaps({tail_bit, tail_bit + 1})) {
    const bool bit_is_zero = field.kind == FieldKind::kListNext ||
                             field.kind == FieldKind::kListPrev ||
                             field.kind == FieldKind::kPointer;
    if (field.kind == FieldKind::kPageRef) {
      if ((field.types & ~types(PageType::kTail, PageType::kSecondTail)).bits != 0)
        add("compound_head is for tails: on other types bit 0 of word 1 says tail");
    } else if (!bit_is_zero) {
      add("may set bit 0 of word 1, which says tail");
    }
  } else if (field.kind == FieldKind::kPageRef) {
    add("compound_head lies in word 1");
  }
}

void check_overlaps(const Layout& layout, Problems& problems) {
  for (std::size_t i = 0; i < layout.fields.size(); ++i) {
    for (std::size_t j = i + 1; j < layout.fields.size(); ++j) {
      const Field &a = layout.fields[i], &b = layout.fields[j];
      const PageTypeSet shared = a.types & b.types & layout.types;
      if (shared.bits == 0 || a.contested || b.contested || !range_of(a).overlaps(range_of(b)))
        continue;
      problems.push_back({a.name, b.name, "overlap on " + first_type(shared)});
    }
  }
}

void check_flags(const Layout& layout, Problems& problems) {
  const unsigned word_bits = layout.word_bytes * 8U;
  const Kconfig& k = layout.kconfig;
  const unsigned high = k.section_bits + k.node_bits + k.zone_bits + k.last_cpupid_bits +
                        k.kasan_tag_bits + k.lru_gen_bits + k.lru_refs_bits;
  if (high > word_bits)
    problems.push_back(
        {"kconfig", "", "its high fields need " + number(high) + " bits of " + number(word_bits)});
  std::vector<std::string> seen(word_bits);
  const auto take_bit = [&](const std::string& name, unsigned bit) {
    if (bit >= word_bits) {
      problems.push_back({name, "", "bit " + number(bit) + " lies beyond the word"});
      return;
    }
    if (!seen[bit].empty()) problems.push_back({name, seen[bit], "share bit " + number(bit)});
    seen[bit] = name;
    for (const HighField& field : high_fields(layout))
      if (bit >= field.shift && bit < unsigned{field.shift} + field.bits)
        problems.push_back(
            {name, std::string(field.name), "share bit " + number(bit) + " of page->flags"});
  };
  std::uint32_t flags = 0;
  for (const FlagBit& flag : layout.flags) {
    const auto index = static_cast<unsigned>(flag.flag);
    if (index >= kFlags) {
      problems.push_back({"flags", "", "names a flag that does not exist"});
      continue;
    }
    const std::string name(kFlagNames[index]);
    if ((flags >> index & 1) != 0) problems.push_back({name, "", "is declared twice"});
    flags |= 1U << index;
    take_bit(name, flag.bit);
  }
  std::set<std::string> others;
  for (const NamedFlagBit& flag : layout.other_flags) {
    if (flag.name.empty()) problems.push_back({"flags", "", "a flag has no name"});
    if (!others.insert(flag.name).second) problems.push_back({flag.name, "", "is declared twice"});
    take_bit(flag.name, flag.bit);
  }
  for (const Flag needed : {Flag::kLru, Flag::kHead, Flag::kActive, Flag::kUnevictable,
                            Flag::kSwapBacked, Flag::kUptodate})
    if ((flags >> static_cast<unsigned>(needed) & 1) == 0)
      problems.push_back({std::string(kFlagNames[static_cast<unsigned>(needed)]), "",
                          "every layout needs this flag"});
  const auto zone_fits = [&](const char* name, unsigned zone) {
    const auto bits = static_cast<unsigned>(std::bit_width(zone));
    if (k.zone_bits < bits)
      problems.push_back({"kconfig", name,
                          "is zone " + number(zone) + ": it needs " + number(bits) + " zone bits"});
  };
  if ((layout.types & kZoneDeviceTypes).bits != 0) {
    zone_fits("ZONE_DEVICE", k.zone_device);
    if (k.zone_device == k.zone_normal)
      problems.push_back({"kconfig", "ZONE_DEVICE", "is the zone of RAM"});
  }
}

struct NamedField {
  std::string_view name;
  PageTypeSet types;
  unsigned bits;  // 0: a word
};

// Code reaches these by their names: it takes them for as wide as they are here.
constexpr NamedField kNamed[] = {
    {"_large_mapcount", types(PageType::kTail), 32},
    {"_entire_mapcount", types(PageType::kTail), 32},
    {"compound_mapcount", types(PageType::kTail), 32},
    {"_nr_pages_mapped", types(PageType::kTail), 32},
    {"_folio_nr_pages", types(PageType::kTail), 32},
    {"compound_dtor", types(PageType::kTail), 8},
    {"_deferred_list.next", types(PageType::kSecondTail), 0},
    {"deferred_list.next", types(PageType::kSecondTail), 0},
    {"pgmap", kZoneDeviceTypes, 0},
    {"zone_device_data", kZoneDeviceTypes, 0},
    {"hmm_data", kZoneDeviceTypes, 0},
    {"mapping", kZoneDeviceTypes, 0},
    {"index", kZoneDeviceTypes, 0},
    {"private", kZoneDeviceTypes, 0},
    {"pmd_huge_pte", types(PageType::kPageTable), 0},
    {"ptl", types(PageType::kPageTable), 32},
    {"memcg_data", types(PageType::kAnon), 0},
    {"mem_cgroup", types(PageType::kAnon), 0},
};

void check_named_fields(const Layout& layout, Problems& problems) {
  for (const Field& field : layout.fields) {
    if (field.contested) continue;
    for (const NamedField& named : kNamed) {
      const unsigned bits = named.bits == 0 ? layout.word_bytes * 8U : named.bits;
      if (field.name != named.name || (field.types & named.types & layout.types).bits == 0)
        continue;
      if (field.shift != 0 || field.bits != bits || field.offset_bytes % (bits / 8) != 0)
        problems.push_back({field.name, "",
                            "on " + first_type(field.types & named.types & layout.types) + " is " +
                                number(bits) + " aligned bits"});
    }
    const auto list = field.name.rfind("deferred_list.next");
    if (list == std::string::npos || !field.types.has(PageType::kSecondTail)) continue;
    const std::string prev = field.name.substr(0, list) + "deferred_list.prev";
    bool found = false;
    for (const Field& other : layout.fields)
      found |= other.name == prev && !other.contested && other.types.has(PageType::kSecondTail) &&
               other.bits == layout.word_bytes * 8U && other.shift == 0 &&
               other.offset_bytes == field.offset_bytes + layout.word_bytes;
    if (!found) problems.push_back({prev, field.name, "is not in the word behind"});
  }
}

/// The fields that the core itself reads and writes.
void check_core_fields(const Layout& layout, Problems& problems) {
  const unsigned stride = layout.stride_bytes;
  const auto count_at = [&](const char* name, unsigned offset) {
    if (offset % 4 != 0 || offset + 4 > stride || offset < 6U * layout.word_bytes)
      problems.push_back(
          {name, "",
           "lies at byte " + number(offset) + ": allowed are aligned bytes behind word 5"});
  };
  count_at("mapcount_offset", layout.mapcount_offset);
  count_at("refcount_offset", layout.refcount_offset);
  if (layout.mapcount_offset == layout.refcount_offset)
    problems.push_back({"mapcount_offset", "refcount_offset", "are the same"});
  if (layout.counter_offset != 0) count_at("counter_offset", layout.counter_offset);

  PageTypeSet flags, counts, refs, counters;
  for (const Field& field : layout.fields) {
    // The order of a folio may lie in the low bits of page[1]'s.
    const bool whole = field.shift == 0 && field.bits == layout.word_bytes * 8U;
    if (field.kind == FieldKind::kFlags)
      flags = flags | (whole ? field.types : field.types & types(PageType::kTail));
    if (field.kind == FieldKind::kPincount && field.offset_bytes == layout.counter_offset &&
        field.shift == 0 && field.bits >= 32)
      counters = counters | field.types;
    if (field.kind == FieldKind::kMapcount && field.offset_bytes == layout.mapcount_offset)
      counts = counts | field.types;
    if (field.kind == FieldKind::kRefcount && field.offset_bytes == layout.refcount_offset)
      refs = refs | field.types;
  }
  const PageTypeSet tails = types(PageType::kTail, PageType::kSecondTail);
  const auto need = [&](const char* name, PageTypeSet have, PageTypeSet want) {
    const PageTypeSet missing = want & layout.types & ~have;
    if (missing.bits != 0) problems.push_back({name, "", "missing on " + first_type(missing)});
  };
  need("flags", flags, {(1U << kPageTypes) - 1});
  need("_mapcount", counts, kMappedTypes);
  need("_refcount", refs, ~tails);
  if (layout.counter_offset != 0) need("counter_offset", counters, ~tails);

  if ((layout.types & layout.compound_types & tails).bits != 0) {
    const Field* order = nullptr;
    for (const Field& field : layout.fields)
      if (field.types.has(PageType::kTail) && field.offset_bytes == layout.order_offset &&
          field.shift == 0 && field.bits == 8)
        order = &field;
    if (order == nullptr)
      problems.push_back({"order_offset", "", "names no 8-bit field of the first tail"});
  }
}

/// No page type has fields there, so that nothing but the place itself declares it.
void check_later_pincount(const Layout& layout, Range range, Problems& problems) {
  const unsigned tail_bit = layout.word_bytes * 8U;
  if (range.overlaps({tail_bit, tail_bit + 1}))
    problems.push_back({"pincount", "", "may set bit 0 of word 1, which says tail"});
  for (const Field& field : layout.fields)
    if (is_of_later_tails(layout, field) && !field.contested && range_of(field).overlaps(range))
      problems.push_back({"pincount", field.name, "overlap in every tail"});
}

void check_pincount(const Layout& layout, Problems& problems) {
  const PincountPlace& place = layout.pincount;
  const auto add = [&](std::string what) { problems.push_back({"pincount", "", std::move(what)}); };
  if (place.tail == 0) return;
  if (place.tail >> kMaxOrder != 0)
    return add("tail is " + number(place.tail) + ", allowed: 0 to " +
               number((1U << kMaxOrder) - 1));
  if (place.offset_bytes % 4 != 0 || place.offset_bytes + 4U > layout.stride_bytes)
    add("is no aligned 32-bit word of the descriptor");
  if (place.bits == 0 || place.shift + place.bits > 32)
    return add("has " + number(place.bits) + " bits from bit " + number(place.shift) +
               " on, allowed: 1 to 32 in all");
  if (place.min_order > kMaxOrder || 1U << place.min_order <= place.tail)
    add("a folio of order " + number(place.min_order) + " has no page[" + number(place.tail) + "]");
  const unsigned first = place.offset_bytes * 8U + place.shift;
  const Range range = {first, first + place.bits};
  if (place.tail > 2) return check_later_pincount(layout, range, problems);
  const auto type = place.tail == 1 ? PageType::kTail : PageType::kSecondTail;
  for (const Field& field : layout.fields) {
    const Range whole = range_of(field);
    if (field.kind == FieldKind::kPincount && field.types.has(type) && whole.first <= range.first &&
        whole.end >= range.end)
      return;
  }
  add("names no field for pins in page[" + number(place.tail) + "]");
}

}  // namespace

std::vector<LayoutProblem> check_layout(const Layout& layout) {
  Problems problems;
  check_shape(layout, problems);
  if (layout.word_bytes != 4 && layout.word_bytes != 8) return problems;
  for (const Field& field : layout.fields) check_field(layout, field, problems);
  check_overlaps(layout, problems);
  check_flags(layout, problems);
  check_named_fields(layout, problems);
  check_core_fields(layout, problems);
  check_pincount(layout, problems);
  return problems;
}

}  // namespace pagebox::inline PAGEBOX_ENV
