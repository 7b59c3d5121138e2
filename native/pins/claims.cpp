#include "pins/claims.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "pins/states.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

BitRange word_bits(const Layout& layout, unsigned word, unsigned bit, unsigned bits) {
  return {0, static_cast<std::uint16_t>(word * layout.word_bytes * 8 + bit),
          static_cast<std::uint8_t>(bits)};
}

BitRange counter_at(unsigned tail, unsigned offset_bytes, unsigned shift = 0, unsigned bits = 32) {
  return {static_cast<std::uint16_t>(tail), static_cast<std::uint16_t>(offset_bytes * 8 + shift),
          static_cast<std::uint8_t>(bits)};
}

/// Shared or owned by right: any change may be seen there.
Claim by_right(std::string name, BitRange range) {
  return {std::move(name), range, true, range.all(), range.all()};
}

/// The bits that counts from 1 to the largest have set.
std::uint64_t bits_of_counts(const SchemeSpec& scheme) {
  // What the references have room for can be less than what the count has; the pin that crosses
  // them is kept. Where each pin is one reference, the page's own has crossed by the last of them.
  const std::uint64_t largest =
      scheme.fills() ? std::min({scheme.full_count(), scheme.max_pins + 1, kRefcountMax})
                     : scheme.max_pins;
  return ~std::uint64_t{0} >> std::countl_zero(largest);
}

Claim flag_claim(std::string name, BitRange range, bool sets, bool clears) {
  return {std::move(name), range, false, sets ? 1U : 0U, clears ? 1U : 0U};
}

/// What the swaps that can happen do to one bit of the word.
Claim state_claim(std::string name, BitRange range, std::uint64_t bit, const SchemeSpec& scheme,
                  const PinnedPage& page) {
  const PinStates states = pin_states(scheme);
  const std::uint64_t afresh = scheme.isolates() ? own_bits(scheme) : 0;
  bool sets = false, clears = false;
  const auto note = [&](const PinStates::Change& change, std::uint64_t also) {
    sets = sets || (change.sets & bit) != 0;
    clears = clears || ((change.clears | also) & ~change.sets & bit) != 0;
  };
  for (unsigned i = 0; i < states.pin.size(); ++i) {
    if (pin_can_happen(scheme, i, page)) note(states.pin[i], (i & kEnds) != 0 ? afresh : 0);
    if (unpin_can_happen(scheme, i, page)) note(states.unpin[i], 0);
  }
  return flag_claim(std::move(name), range, sets, clears);
}

void claim_states(const SchemeSpec& scheme, const Layout& layout, const BitRange& count,
                  const PinnedPage& page, std::vector<Claim>& claims) {
  const auto claim = [&](std::string name, const FlagPlace& flag) {
    const auto at = static_cast<unsigned>(flag.bit);
    const bool is_flag = &flag == &scheme.pinned;
    Claim made = state_claim(std::move(name), word_bits(layout, scheme.count_word, at, 1),
                             std::uint64_t{1} << at, scheme, page);
    // A flag that is set by somebody else lies, though nothing may ever clear it.
    if (is_flag && page.reads_pinned_before) made.clears = 1;
    if (made.sets != 0 || made.clears != 0) claims.push_back(made);
  };
  // A count of one bit that saturates never goes back; one that somebody else's bit is reads as
  // pinned before anybody has pinned the page, which is a collision whatever a pin writes.
  const bool stays = scheme.at_limit == AtLimit::kSaturate && scheme.count_bits == 1 &&
                     (scheme.pinned.exists() || !page.reads_pinned_before);
  claims.push_back({"count", count, false,
                    page.reads_pinned_before ? count.all() : count.all() & bits_of_counts(scheme),
                    stays ? 0 : count.all()});
  if (scheme.pinned.exists()) claim("pinned", scheme.pinned);
  if (scheme.was_lru.exists()) claim("was-LRU", scheme.was_lru);
  for (const StateBit& state : scheme.states) claim(state.name, state.place);
}

void claim_word(const SchemeSpec& given, const Layout& layout, PageType type,
                const ReadsBefore& before, std::vector<Claim>& claims) {
  const SchemeSpec scheme = placed(given, layout);
  const bool packed = scheme.protocol == Protocol::kPackedWord;
  const BitRange count =
      word_bits(layout, scheme.count_word, scheme.count_shift, scheme.count_bits);
  if (scheme.has_states())
    return claim_states(scheme, layout, count,
                        {kLruTypes.has(type), before.not_pinned, before.pinned}, claims);
  // A plain add carries into any bit; the others store the count whole first. Where the flag
  // can be set without a pin, counts are added to what the word holds.
  const bool adds = scheme.protocol == Protocol::kAdd || before.pinned;
  const std::uint64_t sets = adds ? count.all() : count.all() & bits_of_counts(scheme);
  // A count of one bit that saturates never goes back.
  const bool stays = scheme.at_limit == AtLimit::kSaturate && scheme.count_bits == 1;
  claims.push_back({"count", count, false, sets, stays ? 0 : count.all()});
  if (scheme.pinned.exists())
    claims.push_back(flag_claim("pinned",
                                word_bits(layout, static_cast<unsigned>(scheme.pinned.word),
                                          static_cast<unsigned>(scheme.pinned.bit), 1),
                                true, !stays || before.pinned));
  if (!scheme.was_lru.exists()) return;
  const bool written = kLruTypes.has(type);
  Claim was_lru = flag_claim("was-LRU",
                             word_bits(layout, static_cast<unsigned>(scheme.was_lru.word),
                                       static_cast<unsigned>(scheme.was_lru.bit), 1),
                             written && before.not_pinned, written && !stays);
  // In a packed word it is written with the rest, as 0. Elsewhere a page that is on
  // no LRU needs no such bit.
  if (packed) was_lru.clears = 1;
  if (was_lru.sets != 0 || was_lru.clears != 0) claims.push_back(was_lru);
}

}  // namespace

std::uint64_t BitRange::see(std::uint64_t mask, const BitRange& from) const {
  if (from.tail != tail) return 0;
  const int up = int{from.first_bit} - int{first_bit};
  if (up <= -64 || up >= 64) return 0;
  return (up >= 0 ? mask << up : mask >> -up) & all();
}

std::vector<Claim> claims_of(const SchemeSpec& scheme, const Layout& layout, PageType type,
                             unsigned order) {
  return claims_of(scheme, layout, type, order, {});
}

std::vector<Claim> claims_of(const SchemeSpec& scheme, const Layout& layout, PageType type,
                             unsigned order, const ReadsBefore& before) {
  std::vector<Claim> claims = {by_right("_refcount", counter_at(0, layout.refcount_offset))};
  const PincountPlace& place = layout.pincount;
  switch (scheme.place) {
    case CountPlace::kWord: claim_word(scheme, layout, type, before, claims); break;
    case CountPlace::kMapcount:
      claims.push_back(by_right("_mapcount", counter_at(0, layout.mapcount_offset)));
      break;
    case CountPlace::kCounter:
      claims.push_back(
          by_right("count", counter_at(0, layout.counter_offset, scheme.count_shift,
                                       scheme.count_bits == 0 ? 32U : scheme.count_bits)));
      break;
    case CountPlace::kTail:
      if (place.exists_in(order))
        claims.push_back(by_right(
            "count", counter_at(place.tail, place.offset_bytes, place.shift + scheme.count_shift,
                                scheme.count_bits == 0 ? 32U : scheme.count_bits)));
      break;
    default: break;
  }
  return claims;
}

}  // namespace pagebox::inline PAGEBOX_ENV
