#include "pins/claims.h"

#include <algorithm>
#include <bit>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

BitRange word_bits(const Layout& layout, unsigned word, unsigned bit, unsigned bits) {
  return {0, static_cast<std::uint16_t>(word * layout.word_bytes * 8 + bit),
          static_cast<std::uint8_t>(bits)};
}

BitRange counter_at(unsigned tail, unsigned offset_bytes) {
  return {static_cast<std::uint8_t>(tail), static_cast<std::uint16_t>(offset_bytes * 8), 32};
}

/// Shared or owned by right: any change may be seen there.
Claim by_right(std::string_view name, BitRange range) {
  return {name, range, true, range.all(), range.all()};
}

/// The bits that counts from 1 to the largest have set.
std::uint64_t bits_of_counts(const SchemeSpec& scheme) {
  return ~std::uint64_t{0} >> std::countl_zero(scheme.max_pins);
}

Claim flag_claim(std::string_view name, BitRange range, bool written) {
  const std::uint64_t changes = written ? 1 : 0;
  return {name, range, false, changes, changes};
}

void claim_word(const SchemeSpec& scheme, const Layout& layout, PageType type,
                std::vector<Claim>& claims) {
  const bool packed = scheme.protocol == Protocol::kPackedWord;
  const BitRange count =
      word_bits(layout, scheme.count_word, scheme.count_shift, scheme.count_bits);
  // A plain add carries into any bit; the others store the count whole first.
  const std::uint64_t sets =
      scheme.protocol == Protocol::kAdd ? count.all() : count.all() & bits_of_counts(scheme);
  claims.push_back({"count", count, false, sets, count.all()});
  if (scheme.pinned.exists())
    claims.push_back(flag_claim("pinned",
                                word_bits(layout, static_cast<unsigned>(scheme.pinned.word),
                                          static_cast<unsigned>(pinned_bit(scheme, layout)), 1),
                                true));
  if (!scheme.was_lru.exists()) return;
  Claim was_lru = flag_claim("was-LRU",
                             word_bits(layout, static_cast<unsigned>(scheme.was_lru.word),
                                       static_cast<unsigned>(scheme.was_lru.bit), 1),
                             kLruTypes.has(type));
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
  std::vector<Claim> claims = {by_right("_refcount", counter_at(0, layout.refcount_offset))};
  const PincountPlace& place = layout.pincount;
  switch (scheme.place) {
    case CountPlace::kWord: claim_word(scheme, layout, type, claims); break;
    case CountPlace::kMapcount:
      claims.push_back(by_right("_mapcount", counter_at(0, layout.mapcount_offset)));
      break;
    case CountPlace::kCounter:
      claims.push_back(by_right("count", counter_at(0, layout.counter_offset)));
      break;
    case CountPlace::kTail:
      if (place.tail != 0 && order >= std::max(1U, unsigned{place.min_order}))
        claims.push_back(by_right("count", counter_at(place.tail, place.offset_bytes)));
      break;
    default: break;
  }
  return claims;
}

}  // namespace pagebox::inline PAGEBOX_ENV
