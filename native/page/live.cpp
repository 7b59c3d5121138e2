#include "page/live.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace pagebox::inline PAGEBOX_ENV {

void LiveMap::claim(LiveField field, BitUse use) {
  const auto index = static_cast<std::int16_t>(fields_.size());
  const unsigned first = field.offset_bytes * 8U + field.shift;
  for (unsigned bit = first; bit < first + field.bits && bit < bits(); ++bit) {
    const bool differs = value(bit, FillSide::kFirst) != value(bit, FillSide::kSecond);
    owner_[bit] = index;
    use_[bit] = use == BitUse::kFixed && differs ? BitUse::kVariable : use;
  }
  fields_.push_back(std::move(field));
}

/// page->flags: a flag or a high field each; what is left of the word is free.
void LiveMap::claim_flags(const Layout& layout, const Field& field) {
  const auto claim_bits = [&](std::string_view name, unsigned shift, unsigned bits) {
    claim({"flags." + std::string(name), 0, static_cast<std::uint8_t>(shift),
           static_cast<std::uint8_t>(bits), field.kind},
          BitUse::kFixed);
  };
  const std::uint64_t live = flag_bits(layout, type_).live;
  for (const FlagBit& flag : layout.flags)
    if ((live >> flag.bit & 1) != 0)
      claim_bits(kFlagNames[static_cast<unsigned>(flag.flag)], flag.bit, 1);
  for (const NamedFlagBit& flag : layout.other_flags)
    if ((live >> flag.bit & 1) != 0) claim_bits(flag.name, flag.bit, 1);
  for (const HighField& high : high_fields(layout)) claim_bits(high.name, high.shift, high.bits);
}

void LiveMap::claim_all(const Layout& layout, unsigned tail, bool on_lru) {
  for (const Field& field : layout.fields) {
    if (field.types.has(type_) && field.contested) contested_.push_back(field.name);
    if (!is_live(field, type_, on_lru) || !is_live_in_tail(layout, field, tail, type_)) continue;
    if (field.kind == FieldKind::kFlags) {
      claim_flags(layout, field);
      continue;
    }
    const BitUse use = field.kind == FieldKind::kRefcount   ? BitUse::kShared
                       : field.kind == FieldKind::kPincount ? BitUse::kClaimable
                                                            : BitUse::kFixed;
    claim({field.name, field.offset_bytes, field.shift, field.bits, field.kind}, use);
  }
  if (const Field pins = pincount_of_later_tail(layout); tail > 2)
    claim({pins.name, pins.offset_bytes, pins.shift, pins.bits, pins.kind}, BitUse::kClaimable);
  // Every lockless reader asks it of every page (facts: GUP-fast).
  const unsigned tail_bit = layout.word_bytes * 8U;
  if (use(tail_bit) == BitUse::kFree)
    claim({"PageTail", layout.word_bytes, 0, 1, FieldKind::kConstant}, BitUse::kFixed);
}

Result<LiveMap> LiveMap::create(const Layout& layout, const FillRequest& request, unsigned tail,
                                const FillSite& site) {
  Result<std::vector<LiveMap>> maps = of_folio(layout, request, {&tail, 1}, site);
  if (!maps) return maps.error;
  return std::move(maps.value.front());
}

Result<std::vector<LiveMap>> LiveMap::of_folio(const Layout& layout, const FillRequest& request,
                                               std::span<const unsigned> tails,
                                               const FillSite& site) {
  const std::vector<unsigned> known = tails_of_interest(layout, request.setup.order);
  for (const unsigned tail : tails)
    if (std::ranges::count(known, tail) == 0) return Errc::kInval;
  std::unique_ptr<Memmap> memmap;
  if (const Errc error = Memmap::create(layout, FillSite::kPages, FillSite::kPages, memmap);
      error != Errc::kOk)
    return error;
  Zone zone(*memmap, kZoneNormal);

  std::vector<LiveMap> maps(tails.size());
  for (const FillSide side : {FillSide::kFirst, FillSide::kSecond}) {
    if (const Errc error = fill_page(*memmap, zone, site, request, side); error != Errc::kOk)
      return error;
    for (std::size_t i = 0; i < tails.size(); ++i) {
      const auto* const at =
          reinterpret_cast<const std::uint8_t*>(memmap->page(site.pfn + tails[i]).at());
      maps[i].words_[side == FillSide::kFirst ? 0 : 1].assign(at, at + layout.stride_bytes);
    }
  }
  for (std::size_t i = 0; i < tails.size(); ++i) {
    maps[i].type_ = filled_type(request.setup, tails[i]);
    maps[i].use_.assign(layout.stride_bytes * 8U, BitUse::kFree);
    maps[i].owner_.assign(layout.stride_bytes * 8U, -1);
    maps[i].claim_all(layout, tails[i], request.setup.on_lru);
  }
  return maps;
}

std::vector<std::uint8_t> LiveMap::mask(BitUse use) const {
  std::vector<std::uint8_t> bytes(use_.size() / 8);
  for (unsigned bit = 0; bit < bits(); ++bit)
    if (use_[bit] == use) bytes[bit / 8] |= static_cast<std::uint8_t>(1U << bit % 8);
  return bytes;
}

}  // namespace pagebox::inline PAGEBOX_ENV
