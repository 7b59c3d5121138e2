// Mapping counts of whole huge pages.
#include "mm/folio_state.h"
#include "mm/huge/huge.h"

namespace pagebox::inline PAGEBOX_ENV {

void folio_queue_partially_mapped(Machine& machine, Page folio) {
  if (folio_test_anon(folio) && !folio_test_partially_mapped(folio))
    machine.deferred_split.add(folio, true);
}

void folio_remove_rmap_pmd(Cpu& cpu, Page folio, const Vma& vma) {
  if (folio_remove_pmd_mapping(folio, cpu.machine.head_entries(folio)))
    folio_queue_partially_mapped(cpu.machine, folio);
  munlock_vma_folio(cpu, folio, vma);
}

Errc folio_try_dup_anon_rmap_pmd(Page folio, const Vma& source) {
  // The head's bit speaks for all pages while a pmd maps them.
  if (page_anon_exclusive(folio)) {
    if (folio_needs_cow_for_dma(source, folio)) return Errc::kBusy;
    folio.clear(kFlagAnonExclusive);
  }
  folio_add_pmd_mapping(folio);
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
