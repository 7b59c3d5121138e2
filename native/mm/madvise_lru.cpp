#include "mm/madvise_lru.h"

#include "mm/fault.h"
#include "mm/folio_state.h"
#include "mm/pin_question.h"
#include "mm/reclaim.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

void free_entry(Cpu& cpu, PteSlot slot) {
  Machine& machine = cpu.machine;
  const Pte pte = slot.get();
  if (pte.none()) return;
  if (!pte.present()) {
    if (!pte.entry().is_swap()) return;
    slot.set({});
    free_swap_and_cache(cpu, pte.entry().offset);
    return;
  }
  const Page page = vm_normal_page(machine, pte);
  if (!page || machine.is_zone_device(machine.pfn_of(page))) return;
  const Page folio = compound_head(machine.memmap, page);
  if (folio_test_swapcache(folio) || folio.test(Flag::kDirty)) {
    if (!folio_trylock(folio)) return;
    // Only the sole owner may say that the contents do not matter.
    const bool clean = page_mapcount(machine, page) == 1 &&
                       (!folio_test_swapcache(folio) || folio_free_swap(cpu, folio));
    if (clean) folio.clear(Flag::kDirty);
    folio_unlock(folio);
    if (!clean) return;
  }
  if (pte.young() || pte.dirty()) slot.set(slot.get_and_clear().mkold().mkclean());
  folio_mark_lazyfree(cpu, folio);
}

}  // namespace

void madvise_cold_or_pageout(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end,
                             bool pageout) {
  Machine& machine = cpu.machine;
  lru_add_drain(cpu);
  std::vector<Pfn> isolated;
  const auto flush = [&] {
    if (!isolated.empty()) reclaim_pages(cpu, isolated);
    isolated.clear();
  };
  vma.mm->page_table.for_each_pte(start, end, [&](std::uint64_t, PteSlot slot) {
    const Pte pte = slot.get();
    if (!pte.present()) return;
    const Page page = vm_normal_page(machine, pte);
    if (!page || machine.is_zone_device(machine.pfn_of(page))) return;
    const Page folio = compound_head(machine.memmap, page);
    if (!folio.test(Flag::kLru)) note_lru_skipped(machine, folio);
    if (!folio.test(Flag::kLru) || page_mapcount(machine, page) != 1) return;
    if (!pageout && pte.young()) slot.set(slot.get_and_clear().mkold());
    folio.clear(Flag::kReferenced);
    if (!pageout) {
      folio_deactivate(cpu, folio);
    } else if (folio_isolate_lru(cpu, folio)) {
      if (folio.test(Flag::kUnevictable))
        folio_putback_lru(cpu, folio);
      else
        isolated.push_back(machine.pfn_of(folio));
    }
  });
  flush();
}

void madvise_free(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end) {
  lru_add_drain(cpu);
  Invalidation invalidation(cpu, *vma.mm, {start, end, NotifyEvent::kClear, nullptr});
  vma.mm->page_table.for_each_pte(start, end,
                                  [&](std::uint64_t, PteSlot slot) { free_entry(cpu, slot); });
}

}  // namespace pagebox::inline PAGEBOX_ENV
