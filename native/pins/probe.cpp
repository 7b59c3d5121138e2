#include "pins/probe.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "pins/pins.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

using Bytes = std::vector<std::uint8_t>;

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
  /// The scheme's pinned flag, where the fill's own value has it set.
  void clear_flag() const {
    const PinFrame& f = pins->frame();
    const Page head = memmap->page(site.pfn);
    const unsigned word = f.flag_word / memmap->shape().word_bytes;
    head.set_word(word, head.word(word) & ~f.pinned);
  }
  Bytes read(unsigned tail) const {
    const auto* const at =
        reinterpret_cast<const std::uint8_t*>(memmap->page(site.pfn + tail).at());
    return {at, at + memmap->shape().stride_bytes};
  }
  /// All descriptors that FolioBits looks at, one after the other.
  Bytes read_all(unsigned descriptors) const {
    Bytes all;
    for (unsigned tail = 0; tail < descriptors; ++tail) {
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

void note_changes(const Bytes& before, const Bytes& now, std::vector<FolioBits::Bits>& changed) {
  const std::size_t stride = before.size() / changed.size();
  for (std::size_t i = 0; i < before.size(); ++i)
    for (unsigned differs = before[i] ^ now[i]; differs != 0; differs &= differs - 1)
      changed[i / stride][i % stride * 8 + static_cast<unsigned>(__builtin_ctz(differs))] = true;
}

struct Fill {
  FillSide side = FillSide::kFirst;
  bool clears_flag = false;
};

/// The two complementary fills, and for a scheme whose flag lies in a live bit
/// that may have either value, the one that has it set with the flag cleared: a
/// word that reads as pinned is added to, not stored whole.
std::vector<Fill> fills(const Bench& bench, const FolioBits& bits) {
  std::vector<Fill> all = {{FillSide::kFirst, false}, {FillSide::kSecond, false}};
  const PinFrame& f = bench.pins->frame();
  if (f.pinned == 0) return all;
  const LiveMap& head = bits.map(0);
  const unsigned bit = f.flag_word * 8U + static_cast<unsigned>(__builtin_ctzll(f.pinned));
  if (head.use(bit) != BitUse::kVariable) return all;
  all.push_back({head.value(bit, FillSide::kFirst) ? FillSide::kFirst : FillSide::kSecond, true});
  return all;
}

/// kRefused: the page is not one that this scheme pins. kPinLimit: what the fill
/// holds reads as a full count; the other fill will show the rest.
Errc try_count(Bench& bench, std::uint32_t n, bool referenced,
               std::vector<FolioBits::Bits>& changed) {
  const auto descriptors = static_cast<unsigned>(changed.size());
  const Bytes before = bench.read_all(descriptors);
  const Pfn pfn = bench.pinned_page();
  const Errc pinned = referenced ? bench.pins->pin_referenced(pfn, n, 0)
                                 : bench.pins->try_pin_speculative(pfn, n, 0);
  if (pinned != Errc::kOk) return pinned;
  note_changes(before, bench.read_all(descriptors), changed);
  const Result<bool> unpinned = bench.pins->unpin(pfn, n, 0);
  note_changes(before, bench.read_all(descriptors), changed);
  // What the fill holds counts too: the rest may seem too little to take n from.
  return unpinned.error == Errc::kNotPinned ? Errc::kOk : unpinned.error;
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
  std::vector<FolioBits::Bits> changed = bits.value.unchanged();

  bool pinned = false;
  for (const Fill& fill : fills(bench, bits.value)) {
    bool referenced = false;
    for (const std::uint32_t n : counts(max_pins(scheme, own, order))) {
      if (const Errc error = bench.fill(fill.side); error != Errc::kOk) return error;
      if (fill.clears_flag) bench.clear_flag();
      referenced = !referenced;
      const Errc error = try_count(bench, n, referenced, changed);
      if (error == Errc::kOk) {
        pinned = true;
      } else if (error == Errc::kRefused || error == Errc::kAgain || error == Errc::kNoMem) {
        cell.kind = CellKind::kRefused;
        return cell;
      } else if (error != Errc::kPinLimit) {
        return Errc::kCorrupt;
      }
    }
  }
  if (!pinned) return Errc::kCorrupt;
  cell.collisions = bits.value.collisions(changed);
  cell.kind = cell.collisions.empty() ? CellKind::kFits : CellKind::kCollides;
  return cell;
}

}  // namespace pagebox::inline PAGEBOX_ENV
