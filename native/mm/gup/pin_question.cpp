#include "mm/gup/pin_question.h"

#include <algorithm>
#include <array>

#include "mm/folio_state.h"
#include "mm/migrate.h"
#include "page/folio.h"
#include "pins/room.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// What mm makes of it that a scheme cannot tell.
enum class Unknown : std::uint8_t {
  kGuess,   // by the references that nobody accounts for
  kTrusts,  // not pinned: somebody looks at the references before it matters
};

struct Asker {
  std::int32_t references;  // that the asker holds
  std::uint32_t emptied;    // entries that it has emptied and not yet counted out
  Unknown unknown;
};

/// In the order of PinQuestion.
constexpr std::array<Asker, 6> kAskers = {{
    // Fork has taken the child's reference. Without a copy a write of the parent
    // would leave the pin behind: the defect of 2018 to 2020.
    {1, 0, Unknown::kGuess},
    // Isolation or collection holds one. Migration freezes the count afterwards, and
    // reclaim asks again; a page in an LRU batch would otherwise never move.
    {1, 1, Unknown::kTrusts},
    // What looks pinned would only come back: no slot for it.
    {1, 0, Unknown::kGuess},
    // The last chance before it is written or dropped.
    {1, 0, Unknown::kGuess},
    // As for fork; it holds no reference of its own.
    {0, 0, Unknown::kGuess},
    // The price of a wrong guess is a page that is written once more.
    {1, 0, Unknown::kGuess},
}};

bool guess(Machine& machine, Page folio, const Asker& asker) {
  // The references first: a mapping that goes in between makes a false positive.
  const std::int32_t references = folio.refcount();
  const std::int32_t others =
      count_sum(folio_expected_refs(machine, folio) - 1, folio_mapcount(folio));
  return references > count_sum(others, asker.references);
}

/// A huge page has one reference an entry and one a slot of the swap cache: more than
/// the bias, though nobody pins it. Half a bias is left for what comes and goes while
/// the counts are read, and the fewer mappings are believed, so no pin is overlooked.
bool references_say_pinned(const Machine& machine, Page folio) {
  const auto bias = static_cast<std::int64_t>(machine.pins.refs_per_pin(folio));
  if (bias < 2) return true;  // not by references, for this folio
  const std::int64_t before = folio_mapcount(folio);
  const std::int64_t references = folio.refcount();
  const std::int64_t mappings = std::min<std::int64_t>(before, folio_mapcount(folio));
  const std::int64_t cache =
      folio_test_swapcache(folio) ? static_cast<std::int64_t>(folio_nr_pages(folio)) : 0;
  return references - mappings - cache >= bias / 2;
}

PinEffect effect_of(const SchemeSpec& scheme) {
  switch (scheme.answer) {
    case PinAnswer::kUnknown: return PinEffect::kAnswerUnknown;
    case PinAnswer::kFuzzy: return PinEffect::kAnswerFuzzy;
    case PinAnswer::kExact: break;
  }
  return PinEffect::kAnswerLags;
}

/// Where pins count among the mappings; of a large folio among its head's.
bool pinned_by_mapcount(Machine& machine, Page folio, const Asker& asker) {
  const std::uint32_t* entries = folio_test_large(folio) ? machine.head_entries(folio) : nullptr;
  if (entries == nullptr) return machine.pins.pins(machine.pfn_of(folio)).pins > asker.emptied;
  // Whatever the asker has emptied counts on both sides.
  return page_mapcount(folio) > static_cast<std::int32_t>(atomics::load(entries));
}

}  // namespace

bool folio_maybe_dma_pinned(Machine& machine, Page page, PinQuestion question) {
  const Page folio = compound_head(machine.memmap, page);
  const Asker& asker = kAskers[static_cast<unsigned>(question)];
  const Pfn pfn = machine.pfn_of(folio);
  const SchemeSpec& scheme = machine.pins.scheme();
  bool pinned = false;
  if (scheme.answer == PinAnswer::kUnknown)
    pinned = asker.unknown == Unknown::kGuess && guess(machine, folio, asker);
  else if (scheme.place == CountPlace::kMapcount)
    pinned = pinned_by_mapcount(machine, folio, asker);
  else
    pinned = machine.pins.maybe_pinned(pfn) &&
             (!folio_test_large(folio) || scheme.answer != PinAnswer::kFuzzy ||
              references_say_pinned(machine, folio));
  if (machine.divergences != nullptr && machine.pins.ledger() != nullptr &&
      pinned != (machine.pins.ledger()->pins(pfn) != 0))
    machine.divergences->add(pfn, effect_of(scheme));
  return pinned;
}

bool folio_pin_isolated(const Machine& machine, Page folio) {
  const Pfn pfn = machine.pfn_of(folio);
  return !folio.test(Flag::kLru) && !machine.is_zone_device(pfn) && machine.pins.keeps_off_lru(pfn);
}

void note_lru_skipped(Machine& machine, Page folio) {
  if (machine.divergences != nullptr && folio_pin_isolated(machine, folio))
    machine.divergences->add(machine.pfn_of(folio), PinEffect::kLruSkipped);
}

void note_observed(Machine& machine, Page page) {
  if (machine.divergences == nullptr) return;
  // The whole of a folio is on a list, or off it.
  const Page folio = compound_head(machine.memmap, page);
  const Pfn pfn = machine.pfn_of(folio);
  if (folio_pin_isolated(machine, folio)) machine.divergences->add(pfn, PinEffect::kLruClear);
  if (page_mapcount(page) != page_mapcount(machine, page))
    machine.divergences->add(pfn, PinEffect::kMapcountRaised);
}

bool pins_have_room(Machine& machine, Page folio) {
  const PagemapRange* range = machine.pagemap(machine.pfn_of(folio));
  const SchemeSpec& scheme = machine.pins.scheme();
  // Counts outside the unions and the mapcount have their room by right.
  const bool claims = scheme.place == CountPlace::kWord || scheme.place == CountPlace::kMapcount;
  if (!claims) return true;
  if (range == nullptr) {
    // The pool's lists have the words of `lru`; the type is where mappings are counted.
    const bool typed = machine.memmap.shape().hugetlb_type != 0;
    return !machine.hugetlb.holds(machine.pfn_of(folio)) ||
           (scheme.place == CountPlace::kMapcount && !typed);
  }
  Atomic<std::uint32_t>& known = machine.pin_room[static_cast<unsigned>(range->memory)];
  constexpr std::uint32_t kFits = 1, kNone = 2;
  if (known.load() == 0) {
    const auto cell = room(scheme, machine.memmap.layout(), info(range->memory).page, 0);
    known.store(cell && cell.value.kind == CellKind::kFits ? kFits : kNone);
  }
  return known.load() == kFits;
}

}  // namespace pagebox::inline PAGEBOX_ENV
