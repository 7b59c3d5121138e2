#include "page/fill.h"

#include <optional>

#include "page/device_type.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t low_bits(unsigned bits) { return bits >= 64 ? ~0ULL : (1ULL << bits) - 1; }
constexpr std::uint64_t pattern(FillSide side) {
  return side == FillSide::kFirst ? 0x5555555555555555 : 0xaaaaaaaaaaaaaaaa;
}

/// Flags whose value follows from what the page is, on every type.
constexpr Flag kStructuralFlags[] = {Flag::kLru, Flag::kHead, Flag::kSlab, Flag::kReserved};
/// Flags that a tail may have of its own: the rest is the head's.
constexpr Flag kTailFlags[] = {Flag::kHwpoison};
/// Of page[1], where v6.12 keeps the folio's has_hwpoisoned, large_rmappable and
/// partially_mapped.
constexpr Flag kFirstTailFlags[] = {Flag::kActive, Flag::kWorkingset, Flag::kReclaim};
/// Flags that choose the LRU list.
constexpr Flag kListFlags[] = {Flag::kActive, Flag::kUnevictable, Flag::kSwapBacked};

template <std::size_t N>
bool among(Flag flag, const Flag (&list)[N]) {
  for (const Flag each : list)
    if (each == flag) return true;
  return false;
}

/// Whether the layout left such a page no room for its mapping: then only
/// PG_swapbacked tells anonymous memory from files.
bool has_no_mapping(const Layout& layout, PageType type) {
  for (const Field& field : layout.fields)
    if (field.kind == FieldKind::kMapping && field.types.has(type) && field.contested) return true;
  return false;
}

bool is_variable(const Layout& layout, Flag flag, PageType type) {
  if (type == PageType::kFree) return false;  // freeing leaves none
  if (type == PageType::kTail && among(flag, kFirstTailFlags))
    return find_field(layout, "_flags_1") != nullptr;
  if (type == PageType::kTail || type == PageType::kSecondTail)
    return flag == layout.anon_exclusive_flag || among(flag, kTailFlags);
  if (flag == Flag::kSwapBacked && has_no_mapping(layout, type)) return false;
  return !among(flag, kStructuralFlags);
}

/// What a fill needs to know of the field's surroundings.
struct Filler {
  const Memmap& memmap;
  const FillSite& site;
  const FillRequest& request;
  FillSide side;
  PageType type;

  const AddressMap& addresses() const { return memmap.addresses(); }
  Pfn neighbour(bool next) const {
    return site.neighbours[(side == FillSide::kFirst ? 0U : 2U) + (next ? 0U : 1U)];
  }

  std::uint64_t object(ObjectKind kind) const {
    if (kind == ObjectKind::kPage) return addresses().of_page(neighbour(true));
    const std::uint64_t objects = addresses().objects_per_kind();
    if (kind == ObjectKind::kDevPagemap)
      return addresses().of_object(
          kind, pagemap_index(device_memory(type), pattern(side) & (objects / 8 - 1)));
    return addresses().of_object(kind, pattern(side) & (objects - 1));
  }

  /// The value to write; none: the field stays as setup_page() left it.
  std::optional<std::uint64_t> value(const Field& field) const {
    switch (field.kind) {
      case FieldKind::kListNext: return addresses().of_page(neighbour(true)) + field.offset_bytes;
      case FieldKind::kListPrev:
        return addresses().of_page(neighbour(false)) + field.offset_bytes -
               memmap.shape().word_bytes;
      case FieldKind::kPointer: return object(field.object);
      case FieldKind::kMapping:
        return kAnonTypes.has(type) ? object(ObjectKind::kAnonVma) | kMappingAnon
                                    : object(ObjectKind::kAddressSpace);
      case FieldKind::kCount: return pattern(side);
      case FieldKind::kMapcount:
        if (request.keep_mapcount) return std::nullopt;
        return pattern(side) & low_bits(field.bits - 1U);  // negative would be a page type
      case FieldKind::kLock: return pattern(side) & 1;     // free, or held
      default: return std::nullopt;
    }
  }
};

void fill_flags(Page page, const Layout& layout, PageType type, FillSide side) {
  std::uint64_t word = page.flags();
  const std::uint64_t mask = flag_bits(layout, type).variable;
  word = (word & ~mask) | (pattern(side) & mask);
  for (const HighField& field : high_fields(layout)) {
    std::uint64_t value = pattern(side);
    if (field.name == "lru_gen")
      value = side == FillSide::kFirst ? 3 : 4;  // generations are 1 to 4
    else if (field.name != "last_cpupid" && field.name != "lru_refs" && field.name != "kasan_tag")
      continue;  // where the page lies does not change
    const std::uint64_t bits = low_bits(field.bits) << field.shift;
    word = (word & ~bits) | (value << field.shift & bits);
  }
  page.set_flags(word);
}

/// prev, page, next on the list that the page's flags ask for.
Errc link_between(Memmap& memmap, Zone& zone, Page page, Pfn next, Pfn prev, PageType type) {
  const PageType like = type == PageType::kFile ? PageType::kFile : PageType::kAnon;
  for (const Pfn pfn : {next, prev}) {
    const PageSetup setup{.type = like, .order = 0, .mapcount = 1, .on_lru = false};
    if (const Errc error = setup_page(memmap, zone, pfn, setup); error != Errc::kOk) return error;
    for (const Flag flag : kListFlags) {
      if (page.test(flag))
        memmap.page(pfn).set(flag);
      else
        memmap.page(pfn).clear(flag);
    }
  }
  const Guard guard(zone.lru_lock());
  for (const Page each : {memmap.page(next), page, memmap.page(prev)})
    if (const Errc error = zone.add(each, Zone::kind_of(page)); error != Errc::kOk) return error;
  return Errc::kOk;
}

}  // namespace

FlagBits flag_bits(const Layout& layout, PageType type) {
  FlagBits bits;
  for (const FlagBit& flag : layout.flags) {
    const std::uint64_t bit = 1ULL << flag.bit;
    // Where page[1] keeps the order in place of the low flags.
    if (type == PageType::kTail && layout.order_offset == 0 && flag.bit < 8) continue;
    bits.live |= bit;
    if (is_variable(layout, flag.flag, type)) bits.variable |= bit;
  }
  for (const NamedFlagBit& flag : layout.other_flags) {
    if (type == PageType::kTail && layout.order_offset == 0 && flag.bit < 8) continue;
    bits.live |= 1ULL << flag.bit;
    // Whose it is nobody says, so any page but a free one or a tail may have it.
    if (type != PageType::kFree && type != PageType::kTail && type != PageType::kSecondTail)
      bits.variable |= 1ULL << flag.bit;
  }
  return bits;
}

PageType filled_type(const PageSetup& setup, unsigned tail) {
  if (tail == 1) return PageType::kTail;
  if (tail >= 2) return PageType::kSecondTail;
  const bool of_tail = setup.type == PageType::kTail || setup.type == PageType::kSecondTail;
  return of_tail ? PageType::kCompoundHead : setup.type;
}

std::vector<unsigned> tails_of_interest(const Layout& layout, unsigned order) {
  std::vector<unsigned> tails = {0};
  for (unsigned tail = 1; tail <= 2 && tail < 1U << order; ++tail) tails.push_back(tail);
  const PincountPlace& place = layout.pincount;
  if (place.tail > 2 && place.exists_in(order)) tails.push_back(place.tail);
  return tails;
}

bool is_live_in_tail(const Layout& layout, const Field& field, unsigned tail, PageType type) {
  return tail < 3 || type != PageType::kSecondTail || is_of_later_tails(layout, field);
}

bool is_live(const Field& field, PageType type, bool on_lru) {
  if (!field.types.has(type) || field.contested) return false;
  const bool list = field.kind == FieldKind::kListNext || field.kind == FieldKind::kListPrev;
  return !list || !kLruTypes.has(type) || on_lru;
}

Errc fill_page(Memmap& memmap, Zone& zone, const FillSite& site, const FillRequest& request,
               FillSide side) {
  for (const Pfn neighbour : site.neighbours) {
    if (neighbour.value >= memmap.pages()) return Errc::kInval;
    if (const Errc error = clear_page(memmap, zone, neighbour); error != Errc::kOk) return error;
  }
  PageSetup setup = request.setup;
  setup.on_lru = false;
  if (const Errc error = setup_page(memmap, zone, site.pfn, setup); error != Errc::kOk)
    return error;

  const Layout& layout = memmap.layout();
  for (const unsigned tail : tails_of_interest(layout, setup.order)) {
    const PageType type = filled_type(setup, tail);
    const Page page = memmap.page(site.pfn + tail);
    const Filler filler{memmap, site, request, side, type};
    fill_flags(page, layout, type, side);
    for (const Field& field : layout.fields) {
      if (!is_live(field, type, false) || !is_live_in_tail(layout, field, tail, type)) continue;
      if (const auto value = filler.value(field)) put_field(page, field, *value);
    }
  }
  const PageType type = filled_type(setup, 0);
  if (!request.setup.on_lru || !kLruTypes.has(type)) return Errc::kOk;
  const unsigned first = side == FillSide::kFirst ? 0 : 2;
  return link_between(memmap, zone, memmap.page(site.pfn), site.neighbours[first],
                      site.neighbours[first + 1], type);
}

}  // namespace pagebox::inline PAGEBOX_ENV
