#include "pins/probe.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "pins/pins.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// What the scheme's own words hold before a pin. Not what a kernel would write there:
/// a bit that is set already, or a count that nothing carries into, hides what is
/// written over it.
struct Begin {
  std::uint64_t count = 0, count_mask = 0;  // in the count's word
  bool flag = false;
  bool sets_was_lru = false, was_lru = false;
  bool carries = false;                       // one pin is enough
  std::uint64_t states = 0, states_mask = 0;  // in the count's word
};

/// The descriptors of one folio, and the scheme that is tried on them.
struct Bench {
  std::unique_ptr<Memmap> memmap;
  std::unique_ptr<Zone> zone;
  std::unique_ptr<Pins> pins;
  FillSite site;
  FillRequest request;

  Errc create(const SchemeSpec& scheme, const Layout& layout, PageType type, unsigned order) {
    request = room_request(scheme, type, order);
    if (const Errc error = Memmap::create(layout, FillSite::kPages, FillSite::kPages, memmap);
        error != Errc::kOk)
      return error;
    zone = std::make_unique<Zone>(*memmap, kZoneNormal);
    return Pins::create(scheme, *memmap, *zone, 1, pins);
  }
  /// Afresh each time: a scheme that collides may have broken the LRU lists.
  Errc fill(FillSide side) {
    memmap->reset();
    zone->reset();
    pins->reset();
    return fill_page(*memmap, *zone, site, request, side);
  }
  Pfn pinned_page() const { return described_page(request.setup, site.pfn); }
  /// Gives the scheme's words what they hold before the pin.
  void begin(const Begin& begin) const {
    const Page head = memmap->page(site.pfn);
    const unsigned word_bytes = memmap->shape().word_bytes;
    const bool listed = !begin.flag && pins->frame().isolates && head.test(Flag::kLru);
    const auto set = [&](unsigned offset, std::uint64_t mask, std::uint64_t value) {
      const unsigned word = offset / word_bytes;
      // A first pin takes the page off its list, and needs the links for that.
      if (listed && (word == 1 || word == 2)) return;
      head.set_word(word, (head.word(word) & ~mask) | (value & mask));
    };
    const PinFrame& f = pins->frame();
    set(f.count, begin.count_mask, begin.count);
    if (begin.states_mask != 0) set(f.count, begin.states_mask, begin.states);
    if (f.pinned != 0) set(f.flag_word, f.pinned, begin.flag ? f.pinned : 0);
    if (f.was_lru != 0 && begin.sets_was_lru)
      set(f.was_lru_word, f.was_lru, begin.was_lru ? f.was_lru : 0);
  }
  Bytes read(unsigned tail) const {
    const auto* const at =
        reinterpret_cast<const std::uint8_t*>(memmap->page(site.pfn + tail).at());
    return {at, at + memmap->shape().stride_bytes};
  }
  /// All descriptors that FolioBits looks at, one after the other.
  Bytes read_all(std::span<const unsigned> tails) const {
    Bytes all;
    for (const unsigned tail : tails) {
      const Bytes one = read(tail);
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }
};

/// 1, each power of two, and the largest count: a bit that any count can change
/// is changed by one of these.
std::vector<std::uint32_t> counts(std::uint64_t largest) {
  std::vector<std::uint32_t> all;
  for (std::uint64_t n = 1; n <= largest; n *= 2) all.push_back(static_cast<std::uint32_t>(n));
  all.push_back(static_cast<std::uint32_t>(largest));
  return all;
}

/// With states the pins around a full count, too, are each another event.
std::vector<std::uint32_t> counts(const SchemeSpec& scheme, const Layout& layout, unsigned order) {
  const std::uint64_t largest = max_pins(scheme, layout, order);
  std::vector<std::uint32_t> all = counts(largest);
  if (!scheme.fills()) return all;
  for (const std::uint64_t n : {scheme.full_count() - 1, scheme.full_count()})
    if (n >= 1 && n <= largest) all.push_back(static_cast<std::uint32_t>(n));
  return all;
}

void note_writes(const Bytes& before, const Bytes& now, FolioBits::Writes& writes) {
  const std::size_t stride = before.size() / writes.sets.size();
  for (std::size_t i = 0; i < before.size(); ++i)
    for (unsigned differs = before[i] ^ now[i]; differs != 0; differs &= differs - 1) {
      const auto bit = static_cast<unsigned>(__builtin_ctz(differs));
      auto& seen = (now[i] >> bit & 1) != 0 ? writes.sets : writes.clears;
      seen[i / stride][i % stride * 8 + bit] = true;
    }
}

/// Pins and unpins n, and notes what changes at each. kOk: it was pinned. kPinLimit:
/// what the page holds reads as a full count; another beginning will show the rest.
///
/// `slowly`: one more pin on top, if there is room, and unpins in two steps.
Errc try_count(Bench& bench, std::span<const unsigned> tails, std::uint32_t n, bool referenced,
               bool slowly, FolioBits::Writes& writes) {
  const Bytes before = bench.read_all(tails);
  const Pfn pfn = bench.pinned_page();
  const Errc pinned = referenced ? bench.pins->pin_referenced(pfn, n, 0)
                                 : bench.pins->try_pin_speculative(pfn, n, 0);
  if (pinned != Errc::kOk) return pinned;
  Bytes seen = bench.read_all(tails);
  note_writes(before, seen, writes);
  const auto note = [&] {
    Bytes now = bench.read_all(tails);
    note_writes(seen, now, writes);
    seen = std::move(now);
  };
  if (slowly) {
    if (bench.pins->pin_referenced(pfn, 1, 0) == Errc::kOk) {
      note();
      (void)bench.pins->unpin(pfn, 1, 0);
      note();
    }
    if (n > 1) {
      (void)bench.pins->unpin(pfn, 1, 0);
      note();
      --n;
    }
  }
  // What the page holds counts too: the rest may seem too little to take n from, and a
  // list may be in pieces by now. What it has come to is what is looked at.
  (void)bench.pins->unpin(pfn, n, 0);
  note();
  return Errc::kOk;
}

/// A page that reads as pinned before anybody has pinned it: the flag is somebody else's.
void note_flag(const Bench& bench, FolioBits::Writes& writes) {
  const PinFrame& f = bench.pins->frame();
  const std::uint64_t reading = f.states != nullptr ? f.reads_pinned : f.pinned;
  const unsigned at = f.states != nullptr ? f.count : f.flag_word;
  if (reading == 0) return;
  const unsigned bytes = bench.memmap->shape().word_bytes;
  const Page head = bench.memmap->page(bench.site.pfn);
  for (std::uint64_t set = head.word(at / bytes) & reading; set != 0; set &= set - 1)
    writes.clears[0][at * 8U + static_cast<unsigned>(__builtin_ctzll(set))] = true;
}

/// The count's bits in its word, for a place whose bits are not the scheme's by right.
std::uint64_t count_mask(const SchemeSpec& scheme) {
  if (scheme.place != CountPlace::kWord) return 0;
  return (~std::uint64_t{0} >> (64 - scheme.count_bits)) << scheme.count_shift;
}

/// Beginnings in which every bit that the scheme can write is seen to be written: over
/// zeros and ones, and, where counts are added to what is there, with a carry into each bit.
std::vector<Begin> beginnings(const SchemeSpec& scheme, const FolioBits& bits) {
  std::vector<Begin> all;
  const std::uint64_t mask = count_mask(scheme);
  if (mask == 0) return all;
  const bool has_flag = scheme.pinned.exists();
  const ReadsBefore before = bits.reads_before();
  if (has_flag && before.not_pinned)
    for (const bool ones : {false, true})
      for (const bool was_lru : {false, true})
        all.push_back({ones ? mask : 0, mask, false, scheme.isolates(), was_lru});
  // Over nothing but the states, which any page may have had set.
  if (!has_flag && scheme.has_states() && before.not_pinned)
    all.push_back({0, mask, false, false, false});
  if ((has_flag || scheme.has_states()) && !before.pinned) return all;
  // Where the count itself tells, one of 0 is a page that does not read as pinned.
  const bool may_be_zero = has_flag || !scheme.has_states() || before.not_pinned;
  const std::uint64_t one = std::uint64_t{1} << scheme.count_shift;
  for (unsigned bit = may_be_zero ? 0 : 1; bit < scheme.count_bits; ++bit) {
    const std::uint64_t below = ((std::uint64_t{1} << bit) - 1) << scheme.count_shift;
    all.push_back({below, mask, has_flag, has_flag && bit == 0, true, true});
  }
  all.push_back({mask, mask, has_flag, false, false, true});
  if (!scheme.fills()) return all;
  // Into the lowest bit, and to the largest count.
  for (const std::uint64_t count : {one << 1 & mask, mask & ~one})
    if (count != 0) all.push_back({count, mask, has_flag, false, false, true});
  return all;
}

/// The same over each value that the states can have before.
std::vector<Begin> over_states(const SchemeSpec& scheme, std::vector<Begin> begins) {
  std::uint64_t mask = 0;
  for (const StateBit& state : scheme.states)
    mask |= std::uint64_t{1} << static_cast<unsigned>(state.place.bit);
  if (mask == 0) return begins;
  std::vector<Begin> all;
  for (Begin& begin : begins)
    for (const std::uint64_t states : {std::uint64_t{0}, mask}) {
      begin.states = states;
      begin.states_mask = mask;
      all.push_back(begin);
    }
  return all;
}

/// The bits of the scheme's own words: of what it does in an unlikely beginning, these
/// are looked at.
FolioBits::Writes within_claims(const SchemeSpec& scheme, const FolioBits& bits,
                                const Layout& layout, unsigned order, FolioBits::Writes writes) {
  std::vector<FolioBits::Bits> own = bits.no_writes().sets;
  for (const Claim& claim :
       claims_of(scheme, layout, bits.map(0).type(), order, bits.reads_before()))
    if (const unsigned index = bits.index_of(claim.range.tail); index < own.size())
      for (unsigned i = 0; i < claim.range.bits; ++i) own[index][claim.range.first_bit + i] = true;
  for (std::vector<FolioBits::Bits>* side : {&writes.sets, &writes.clears})
    for (std::size_t tail = 0; tail < own.size(); ++tail)
      for (std::size_t bit = 0; bit < own[tail].size(); ++bit)
        (*side)[tail][bit] = (*side)[tail][bit] && own[tail][bit];
  return writes;
}

void add_writes(FolioBits::Writes& to, const FolioBits::Writes& from) {
  for (std::size_t tail = 0; tail < to.sets.size(); ++tail)
    for (std::size_t bit = 0; bit < to.sets[tail].size(); ++bit) {
      to.sets[tail][bit] = to.sets[tail][bit] || from.sets[tail][bit];
      to.clears[tail][bit] = to.clears[tail][bit] || from.clears[tail][bit];
    }
}

}  // namespace

Result<RoomCell> probe(const SchemeSpec& scheme, const Layout& layout, PageType type,
                       unsigned order) {
  RoomCell cell = room_without_probe(scheme, layout, type, order);
  if (cell.kind == CellKind::kImpossible || !scheme_fits(scheme, layout)) return cell;
  cell = {};

  const Layout own = layout_for(scheme, layout);
  Bench bench;
  if (const Errc error = bench.create(scheme, own, type, order); error != Errc::kOk) return error;
  const Result<FolioBits> bits = FolioBits::create(scheme, own, type, order);
  if (!bits) return bits.error;
  FolioBits::Writes writes = bits.value.no_writes();
  const std::vector<std::uint32_t> tried = counts(scheme, own, order);

  bool pinned = false;
  for (const FillSide side : {FillSide::kFirst, FillSide::kSecond}) {
    bool referenced = false;
    for (const bool slowly : {false, true}) {
      if (slowly && !scheme.fills()) break;
      for (const std::uint32_t n : tried) {
        if (const Errc error = bench.fill(side); error != Errc::kOk) return error;
        note_flag(bench, writes);
        referenced = !referenced;
        const Errc error = try_count(bench, bits.value.tails(), n, referenced, slowly, writes);
        // Where what the page holds is a full count, that nobody can pin it is the finding.
        if (error == Errc::kOk || error == Errc::kPinLimit) pinned = true;
        if (error == Errc::kRefused || error == Errc::kAgain || error == Errc::kNoMem) {
          cell.kind = CellKind::kRefused;
          return cell;
        }
      }
    }
  }
  FolioBits::Writes forced = bits.value.no_writes();
  const SchemeSpec at = placed(scheme, own);
  for (const Begin& begin : over_states(at, beginnings(at, bits.value)))
    for (const std::uint32_t n : tried) {
      if (begin.carries && n != 1) break;
      if (const Errc error = bench.fill(FillSide::kFirst); error != Errc::kOk) return error;
      bench.begin(begin);
      if (try_count(bench, bits.value.tails(), n, true, false, forced) == Errc::kOk) pinned = true;
    }
  add_writes(writes, within_claims(scheme, bits.value, own, order, std::move(forced)));
  if (!pinned) return Errc::kCorrupt;
  // Memory has room; that its declaration leaves such pages out is for the box to hold to.
  if (!scheme.types.has(type) && types_of_place(scheme.place).has(type))
    return room_without_probe(scheme, layout, type, order);
  cell.collisions = bits.value.collisions(writes);
  cell.kind = cell.collisions.empty() ? CellKind::kFits : CellKind::kCollides;
  return cell;
}

}  // namespace pagebox::inline PAGEBOX_ENV
