// Soft-dirty: which pages were written since the bits were last cleared.
#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/gup/pin_question.h"
#include "mm/mm.h"
#include "mm/rmap/rmap.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// A pinned page must not be write-protected: the next write would copy it away
/// from its pin (v5.11).
bool pte_is_pinned(const Vma& vma, Pte pte) {
  if (!pte.write() || !vma.is_cow() || vma.mm->has_pinned.load() == 0) return false;
  Machine& machine = vma.mm->machine;
  if (machine.has(Quirk::kSoftDirtyForgetsPins)) return false;
  const Page page = vm_normal_page(machine, pte);
  return page && folio_maybe_dma_pinned(machine, page, PinQuestion::kSoftDirty);
}

}  // namespace

void clear_soft_dirty(Cpu& cpu, Mm& mm) {
  Guard guard(mm.mmap_lock);
  for (const auto& vma : mm.vmas) {
    if ((vma->flags & kVmSoftDirty) == 0) continue;
    vma->flags &= ~kVmSoftDirty;
    vma_set_page_prot(*vma);
  }
  Invalidation invalidation(cpu, mm, {0, kTaskSize, NotifyEvent::kSoftDirty, nullptr});
  for (const auto& vma : mm.vmas) {
    if ((vma->flags & kVmPfnMap) != 0 || vma->is_hugetlb()) continue;
    mm.page_table.for_each_huge(vma->start, vma->end,
                                [&](std::uint64_t, std::uint64_t, PteSlot pmd) {
                                  Guard guard(*pmd.lock);
                                  if (pmd.get().present() && pmd.get().huge())
                                    pmd.clear_leaf_bits(Pte::kWrite | Pte::kSoftDirty);
                                });
    mm.page_table.for_each_pte(vma->start, vma->end, [&](std::uint64_t, PteSlot slot) {
      const Pte pte = slot.get();
      if (pte.present()) {
        if (!pte_is_pinned(*vma, pte)) slot.clear_bits(Pte::kWrite | Pte::kSoftDirty);
      } else if (pte.is_entry()) {
        slot.replace(pte.without(Pte::kSwpSoftDirty));
      }
    });
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
