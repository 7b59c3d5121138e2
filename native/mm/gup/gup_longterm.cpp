// Pins that last: what they may not keep moves first, and is pinned anew where it is then.
#include <algorithm>

#include "mm/folio_state.h"
#include "mm/gup/gup_internal.h"
#include "mm/migrate.h"
#include "mm/swap/release.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// What a long-term pin has taken so far.
void release_all(Cpu& cpu, std::span<Pfn> pages) {
  Machine& machine = cpu.machine;
  const bool puts = machine.has(Quirk::kLongtermPutForUnpin);
  for (const Pfn pfn : pages) {
    const Page folio = compound_head(machine.memmap, machine.page(pfn));
    release_folio(cpu, machine.page(pfn),
                  puts || grabs_by_reference(machine, folio, kFollLongterm) ? kFollGet : kFollPin);
  }
}

/// Somebody holds the folio beside its mappings, its cache and one pin of ours: a batch, most
/// likely, and that of mlock has pages that are on a list.
bool is_held(Machine& machine, Page folio) {
  const std::int32_t ours = count_sum(folio_expected_refs(machine, folio), -1);
  return folio.refcount() != count_sum(count_sum(ours, folio_mapcount(machine, folio)),
                                       machine.pins.refs_per_pin(folio));
}

/// Once a call: emptying everybody's batches costs.
void drain_once(Cpu& cpu, Page folio, bool& drained) {
  Machine& machine = cpu.machine;
  const bool needs =
      machine.has(Quirk::kLongtermDrainsByLru) ? !folio.test(Flag::kLru) : is_held(machine, folio);
  if (drained || !needs) return;
  lru_add_drain_all(cpu);
  drained = true;
}

/// The folio is isolated, and given back. Others may hold it for a moment (v6.12 tries so often).
Errc move_isolated(Cpu& cpu, Page folio) {
  constexpr unsigned kTries = 10;
  Errc error = migrate_folio(cpu, folio);
  for (unsigned i = 1; i < kTries && error == Errc::kAgain; ++i) {
    lru_add_drain(cpu);
    if (!folio_isolate_lru(cpu, folio)) break;
    error = migrate_folio(cpu, folio);
  }
  return error == Errc::kOk ? Errc::kAgain : Errc::kNoMem;
}

/// Off the list it is held by a reference; so is what is on none, which only stays.
void hold(Cpu& cpu, Page folio, bool& drained, std::vector<Pfn>& isolated) {
  Machine& machine = cpu.machine;
  if (machine.is_zone_device(machine.pfn_of(folio))) return machine.get(folio);
  drain_once(cpu, folio, drained);
  if (folio_isolate_lru(cpu, folio)) isolated.push_back(machine.pfn_of(folio));
}

}  // namespace

Errc move_unpinnable(Cpu& cpu, std::span<Pfn> pages) {
  Machine& machine = cpu.machine;
  std::vector<Pfn> unpinnable, isolated;
  bool drained = false;
  for (const Pfn pfn : pages) {
    const Page folio = compound_head(machine.memmap, machine.page(pfn));
    const Pfn head = machine.pfn_of(folio);
    if (folio_is_longterm_pinnable(machine, folio) ||
        (!unpinnable.empty() && unpinnable.back() == head))
      continue;
    unpinnable.push_back(head);
    // References keep the pages while their pins are gone: pins would refuse them.
    hold(cpu, folio, drained, isolated);
  }
  if (unpinnable.empty()) return Errc::kOk;
  release_all(cpu, pages);
  Errc error = Errc::kAgain;
  for (const Pfn pfn : unpinnable) {
    const Page page = machine.page(pfn);
    if (!machine.is_zone_device(pfn)) {
      if (std::ranges::find(isolated, pfn) == isolated.end()) continue;
      if (error != Errc::kAgain)
        folio_putback_lru(cpu, page);
      else
        error = move_isolated(cpu, page);
      continue;
    }
    const PagemapRange* range = machine.pagemap(pfn);
    // No range: the memory has gone under a page whose count somebody wrote over.
    if (error != Errc::kAgain || range == nullptr)
      folio_put(cpu, page);
    else if (range->ops->migrate_device_page(range->self, cpu, page) != Errc::kOk)
      error = Errc::kBusy;
  }
  return error;
}

}  // namespace pagebox::inline PAGEBOX_ENV
