#include "page/needs.h"

#include <array>
#include <optional>
#include <span>
#include <string_view>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

using enum PageType;

constexpr PageTypeSet kUser = types(kAnon, kFile, kCompoundHead),
                      kTails = types(kTail, kSecondTail);
constexpr PageTypeSet kMachineTypes = kUser | kTails | types(kFree, kPageTable);

/// Where a field must lie.
enum class At : std::uint8_t {
  kOnePlace,  // wherever the layout puts it: the same on all of the types
  kWord1,     // where every lockless reader looks for it
  kMapcount,
  kRefcount,
  kOrder,
  kAnywhere
};

struct FieldNeed {
  PageTypeSet types;                      // on each of these that the layout has
  std::array<std::string_view, 2> names;  // one of them
  At at = At::kOnePlace;
  std::uint8_t bits = 0;  // 0: a word
  std::string_view why;
};

// Code reaches these by the offsets of the shape.
constexpr FieldNeed kMmFields[] = {
    {kUser, {"lru.next"}, At::kOnePlace, 0, "LRU lists"},
    {kUser, {"lru.prev"}, At::kOnePlace, 0, "LRU lists"},
    {kUser, {"mapping"}, At::kOnePlace, 0, "the reverse map"},
    {kUser, {"index"}, At::kOnePlace, 0, "the reverse map"},
    {kUser, {"private"}, At::kOnePlace, 0, "swap entries and buffers"},
    {types(kFree), {"buddy_list.next", "free_list.next"}, At::kOnePlace, 0, "free blocks"},
    {types(kFree), {"buddy_list.prev", "free_list.prev"}, At::kOnePlace, 0, "free blocks"},
    {types(kFree), {"buddy_order"}, At::kOnePlace, 0, "free blocks"},
    {types(kFree, kPageTable), {"page_type"}, At::kMapcount, 32, "free blocks and page tables"},
    {kUser | kTails, {"_mapcount"}, At::kMapcount, 32, "mappings"},
    {kMachineTypes, {"_refcount"}, At::kRefcount, 32, "references"},
    {kTails, {"compound_head"}, At::kWord1, 0, "huge pages"},
    {types(kTail), {"_entire_mapcount", "compound_mapcount"}, At::kAnywhere, 32, "huge pages"},
    {types(kTail), {"_folio_order", "compound_order"}, At::kOrder, 8, "huge pages"},
};

constexpr Flag kMmFlags[] = {
    Flag::kLocked,     Flag::kWriteback,  Flag::kReferenced, Flag::kUptodate, Flag::kDirty,
    Flag::kLru,        Flag::kHead,       Flag::kWaiters,    Flag::kActive,   Flag::kWorkingset,
    Flag::kOwnerPriv1, Flag::kReserved,   Flag::kPrivate,    Flag::kReclaim,  Flag::kSwapBacked,
    Flag::kMlocked,    Flag::kUnevictable};

// The word that a sleeper waits on holds the low half of the flags.
constexpr Flag kLowFlags[] = {Flag::kLocked, Flag::kWaiters};
// Of page[1] and of single pages of a folio, whose flags share a word with its order.
constexpr Flag kPerPageFlags[] = {Flag::kReclaim, Flag::kWorkingset, Flag::kOwner2};

constexpr unsigned kMinZoneBits = 2, kFutexBits = 32;

std::string_view name_of(Flag flag) { return kFlagNames[static_cast<unsigned>(flag)]; }
std::string_view name_of(PageType type) { return kPageTypeNames[static_cast<unsigned>(type)]; }
std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out += part;
  return out;
}

int bit_of(const Layout& layout, Flag flag) {
  for (const FlagBit& each : layout.flags)
    if (each.flag == flag) return each.bit;
  return -1;
}

bool is_named(const Field& field, const std::array<std::string_view, 2>& names) {
  return field.name == names[0] || (!names[1].empty() && field.name == names[1]);
}

/// As wide as it must be and aligned, and nobody has taken its room.
bool is_whole(const Layout& layout, const FieldNeed& need, const Field& field) {
  const unsigned bits = need.bits == 0 ? layout.word_bytes * 8U : need.bits;
  return !field.contested && is_named(field, need.names) && field.shift == 0 &&
         field.bits == bits && field.offset_bytes % (bits / 8) == 0;
}

/// Where the need must be met; none: anywhere, or nowhere yet.
std::optional<unsigned> offset_of(const Layout& layout, const FieldNeed& need) {
  switch (need.at) {
    case At::kWord1: return layout.word_bytes;
    case At::kMapcount: return layout.mapcount_offset;
    case At::kRefcount: return layout.refcount_offset;
    case At::kOrder: return layout.order_offset;
    case At::kAnywhere: return std::nullopt;
    case At::kOnePlace: break;
  }
  for (const Field& field : layout.fields)
    if ((field.types & need.types & layout.types).bits != 0 && is_whole(layout, need, field))
      return field.offset_bytes;
  return std::nullopt;
}

bool has_field(const Layout& layout, const FieldNeed& need, PageType type) {
  const auto offset = offset_of(layout, need);
  for (const Field& field : layout.fields)
    if (field.types.has(type) && is_whole(layout, need, field) &&
        (!offset || field.offset_bytes == *offset))
      return true;
  return false;
}

std::string lacks_field(const Layout& layout, std::span<const FieldNeed> needs) {
  for (const FieldNeed& need : needs)
    for (unsigned i = 0; i < kPageTypes; ++i) {
      const auto type = static_cast<PageType>(i);
      if (!need.types.has(type) || !layout.types.has(type) || has_field(layout, need, type))
        continue;
      const std::string bits = std::to_string(need.bits == 0 ? layout.word_bytes * 8U : need.bits);
      const auto offset = offset_of(layout, need);
      const std::string where = offset ? "at byte " + std::to_string(*offset) : "aligned";
      return joined({need.why, " need the field '", need.names[0], "' of ", name_of(type),
                     " pages: ", bits, " bits ", where});
    }
  return {};
}

std::string lacks_flag(const Layout& layout) {
  for (const Flag flag : kMmFlags)
    if (bit_of(layout, flag) < 0)
      return joined({"address spaces need the flag '", name_of(flag), "'"});
  const bool exclusive = layout.era.rules.has(Rule::kAnonExclusive);
  if (exclusive && bit_of(layout, Flag::kOwner2) < 0)
    return "an era, or rules, with anonExclusive needs the flag 'owner_2', which says it";
  if (!exclusive && bit_of(layout, Flag::kOwner2) >= 0)
    return "the flag 'owner_2' says anonExclusive, which the layout's era, or its rules, do not "
           "have";
  for (const Flag flag : kLowFlags)
    if (bit_of(layout, flag) >= static_cast<int>(kFutexBits))
      return joined({"sleepers wait on the low 32 bits of the flags: the flag '", name_of(flag),
                     "' lies above them"});
  const bool order_in_flags = layout.order_offset < layout.word_bytes;
  const unsigned first = layout.order_offset * 8U;
  for (const Flag flag : kPerPageFlags) {
    const int bit = bit_of(layout, flag);
    if (order_in_flags && bit >= static_cast<int>(first) && bit < static_cast<int>(first + 8))
      return joined(
          {"the flag '", name_of(flag), "' of a folio's second page lies over its order"});
  }
  return {};
}

/// A value beside `_mapcount`'s, which counts from -1.
bool is_page_type(std::uint32_t value) { return static_cast<std::int32_t>(value) < -1; }

std::string lacks_page_type(const Layout& layout) {
  const Era& era = layout.era;
  const std::pair<std::string_view, std::uint32_t> all[] = {{"buddyType", era.buddy_type},
                                                            {"tableType", era.table_type},
                                                            {"slabType", era.slab_type},
                                                            {"hugetlbType", era.hugetlb_type}};
  for (const auto& [name, value] : all) {
    const bool needed = name == all[0].first || name == all[1].first;
    if (value == 0 && !needed) continue;
    if (!is_page_type(value))
      return joined({"address spaces need an era.", name, " that no count of mappings can be"});
    for (const auto& [other, same] : all)
      if (name != other && value == same)
        return joined({"era.", name, " and era.", other, " are the same"});
  }
  // Told by its top byte, which is that of -1 for everything before v6.12.
  constexpr unsigned kTop = 24;
  if (era.hugetlb_type != 0)
    for (const std::uint32_t other : {era.buddy_type, era.table_type, era.slab_type, 0xffffffffU})
      if (other >> kTop == era.hugetlb_type >> kTop)
        return "era.hugetlbType needs a top byte of its own";
  return {};
}

std::string lacks_for_mm(const Layout& layout) {
  if (layout.word_bytes != 8) return "address spaces need descriptors of 8-byte words";
  for (unsigned i = 0; i < kPageTypes; ++i) {
    const auto type = static_cast<PageType>(i);
    if (kMachineTypes.has(type) && !layout.types.has(type))
      return joined({"address spaces need ", name_of(type), " pages"});
    if ((kTails | types(kCompoundHead)).has(type) && !layout.compound_types.has(type))
      return joined({"huge pages need compound ", name_of(type), " pages"});
  }
  if (layout.kconfig.zone_bits < kMinZoneBits) return "address spaces need 2 zone bits";
  if (std::string lack = lacks_flag(layout); !lack.empty()) return lack;
  if (std::string lack = lacks_page_type(layout); !lack.empty()) return lack;
  return lacks_field(layout, kMmFields);
}

/// pgmap lies in one place on all pages of devices, and where the layout has room for what
/// such a page stands for, that lies where it lies on the page itself.
std::string lacks_for_devices(const Layout& layout) {
  const Field* pgmap = nullptr;
  for (const Field& field : layout.fields)
    if (field.name == "pgmap" && !field.contested) pgmap = &field;
  for (unsigned i = 0; i < kPageTypes; ++i) {
    const auto type = static_cast<PageType>(i);
    if (!kZoneDeviceTypes.has(type) || !layout.types.has(type)) continue;
    if (pgmap == nullptr || !pgmap->types.has(type))
      return joined({"devices need the field 'pgmap' of ", name_of(type), " pages"});
    if (layout.kconfig.zone_bits < 3) return "devices need 3 zone bits";
    const FieldNeed counts[] = {
        {types(type), {"_mapcount"}, At::kMapcount, 32, "devices"},
        {types(type), {"_refcount"}, At::kRefcount, 32, "devices"},
    };
    if (std::string lack = lacks_field(layout, counts); !lack.empty()) return lack;
  }
  for (const std::string_view name : {"mapping", "index", "private"}) {
    const auto of_user = offset_of(layout, {kUser, {name}, At::kOnePlace, 0, {}});
    for (const Field& field : layout.fields)
      if (field.name == name && !field.contested && (field.types & kZoneDeviceTypes).bits != 0 &&
          of_user && field.offset_bytes != *of_user)
        return joined({"devices need the field '", name, "' of their pages at byte ",
                       std::to_string(*of_user), ", as on other pages"});
  }
  return {};
}

}  // namespace

std::string layout_lacks(const Layout& layout, LayoutUse use) {
  std::string lack = use == LayoutUse::kDevices ? lacks_for_devices(layout) : lacks_for_mm(layout);
  return lack.empty() ? lack : layout.name + ": " + lack;
}

}  // namespace pagebox::inline PAGEBOX_ENV
