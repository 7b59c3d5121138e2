#include "pins/room.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::string page_text(PageType type, unsigned order) {
  return std::string(kPageTypeNames[static_cast<unsigned>(type)]) + " pages of order " +
         std::to_string(order);
}

void count_bits(const FolioBits& bits, RoomCell& cell) {
  const LiveMap& head = bits.map(0);
  for (unsigned bit = 0; bit < head.bits(); ++bit)
    ++(head.use(bit) == BitUse::kFree ? cell.free_bits : cell.live_bits);
  for (const Claim& claim : cell.claims)
    if (claim.name != "_refcount") cell.claimed_bits += claim.range.bits;
}

void mark_writes(const Claim& claim, unsigned tail, FolioBits::Writes& writes) {
  for (unsigned i = 0; i < claim.range.bits; ++i) {
    const unsigned bit = claim.range.first_bit + i;
    if ((claim.sets >> i & 1) != 0) writes.sets[tail][bit] = true;
    if ((claim.clears >> i & 1) != 0) writes.clears[tail][bit] = true;
  }
}

}  // namespace

FillRequest room_request(const SchemeSpec& scheme, PageType type, unsigned order) {
  FillRequest request;
  request.setup.type = type;
  request.setup.order = order;
  request.keep_mapcount = scheme.place == CountPlace::kMapcount;
  return request;
}

RoomCell room_without_probe(const SchemeSpec& scheme, const Layout& layout, PageType type,
                            unsigned order) {
  RoomCell cell;
  if (!has_page(layout, type, order)) {
    cell.reason = layout.name + " has no " + page_text(type, order);
    return cell;
  }
  cell.kind = CellKind::kRefused;
  if (const Fit fit = scheme_fits(scheme, layout); !fit)
    cell.reason = fit.why;
  else if (type == PageType::kFree)
    cell.reason = "a free page has no reference, and is not pinned";
  else if (!scheme.types.has(type))
    cell.reason = scheme.name + " does not pin " + page_text(type, order);
  else
    cell.kind = CellKind::kFits;
  return cell;
}

Result<FolioBits> FolioBits::create(const SchemeSpec& scheme, const Layout& layout, PageType type,
                                    unsigned order) {
  FolioBits bits;
  const FillRequest request = room_request(scheme, type, order);
  const PageType head_type = filled_type(request.setup, 0);
  bits.isolated_ = scheme.isolates() && kLruTypes.has(head_type);
  const SchemeSpec at = placed(scheme, layout);
  const int word = at.pinned.exists() ? at.pinned.word : at.count_word;
  bits.reading_ = reads_pinned(at);
  bits.first_reading_ = static_cast<unsigned>(word) * layout.word_bytes * 8U;
  bits.tails_ = tails_of_interest(layout, order);
  Result<std::vector<LiveMap>> maps = LiveMap::of_folio(layout, request, bits.tails_);
  if (!maps) return maps.error;
  bits.maps_ = std::move(maps.value);
  bits.by_right_.reserve(bits.tails_.size());
  for (const LiveMap& map : bits.maps_) bits.by_right_.emplace_back(map.bits());
  for (const Claim& claim : claims_of(scheme, layout, head_type, order)) {
    const unsigned index = bits.index_of(claim.range.tail);
    if (!claim.by_right || index == bits.descriptors()) continue;
    for (unsigned i = 0; i < claim.range.bits; ++i)
      bits.by_right_[index][claim.range.first_bit + i] = true;
  }
  return bits;
}

unsigned FolioBits::index_of(unsigned tail) const {
  return static_cast<unsigned>(std::ranges::find(tails_, tail) - tails_.begin());
}

bool FolioBits::protected_bit(unsigned index, unsigned bit) const {
  const LiveMap& map = maps_[index];
  const BitUse use = map.use(bit);
  if ((use != BitUse::kVariable && use != BitUse::kFixed) || by_right_[index][bit]) return false;
  if (index != 0 || !isolated_) return true;
  // Off its list, the page has no links, and PG_lru says so: a declared effect.
  const LiveField& field = *map.owner(bit);
  const bool dead = field.kind == FieldKind::kListNext || field.kind == FieldKind::kListPrev ||
                    field.name == "flags.lru";
  // But a flag that a link can have set says "pinned" of a page that is on its list.
  return !dead || (is_reading(bit) && may_be(index, bit, true));
}

ReadsBefore FolioBits::reads_before() const {
  ReadsBefore before;
  if (reading_ == 0) return before;
  for (unsigned bit = first_reading_; bit < std::min(first_reading_ + 64, maps_[0].bits()); ++bit) {
    if (!is_reading(bit)) continue;
    if (may_be(0, bit, true)) before.pinned = true;
    if (!may_be(0, bit, false)) before.not_pinned = false;
  }
  return before;
}

bool FolioBits::may_be(unsigned index, unsigned bit, bool value) const {
  return maps_[index].value(bit, FillSide::kFirst) == value ||
         maps_[index].value(bit, FillSide::kSecond) == value;
}

FolioBits::Writes FolioBits::no_writes() const {
  const std::vector<Bits> none(descriptors(), Bits(maps_[0].bits()));
  return {none, none};
}

std::vector<Collision> FolioBits::collisions(const Writes& writes) const {
  std::vector<Collision> found;
  for (unsigned index = 0; index < descriptors(); ++index) {
    const LiveField* last = nullptr;
    for (unsigned bit = 0; bit < maps_[index].bits(); ++bit) {
      const bool lost = (writes.sets[index][bit] && may_be(index, bit, false)) ||
                        (writes.clears[index][bit] && may_be(index, bit, true));
      if (!lost || !protected_bit(index, bit)) continue;
      const LiveField* field = maps_[index].owner(bit);
      const auto first = static_cast<std::uint16_t>(field->offset_bytes * 8U + field->shift);
      if (field != last)
        found.push_back(
            {field->name, {static_cast<std::uint16_t>(tails_[index]), first, field->bits}, 0});
      last = field;
      found.back().mask |= std::uint64_t{1} << (bit - first);
    }
  }
  return found;
}

Result<RoomCell> room(const SchemeSpec& scheme, const Layout& layout, PageType type,
                      unsigned order) {
  RoomCell cell = room_without_probe(scheme, layout, type, order);
  if (cell.kind != CellKind::kFits) return cell;
  const Layout own = layout_for(scheme, layout);
  const Result<FolioBits> bits = FolioBits::create(scheme, own, type, order);
  if (!bits) return bits.error;

  const PageType head_type = bits.value.map(0).type();
  cell.claims = claims_of(scheme, own, head_type, order, bits.value.reads_before());
  FolioBits::Writes writes = bits.value.no_writes();
  for (const Claim& claim : cell.claims)
    if (const unsigned index = bits.value.index_of(claim.range.tail);
        index < bits.value.descriptors())
      mark_writes(claim, index, writes);
  cell.collisions = bits.value.collisions(writes);
  if (!cell.collisions.empty()) cell.kind = CellKind::kCollides;
  const std::span<const std::string> contested = bits.value.map(0).contested();
  cell.contested.assign(contested.begin(), contested.end());
  count_bits(bits.value, cell);
  return cell;
}

}  // namespace pagebox::inline PAGEBOX_ENV
