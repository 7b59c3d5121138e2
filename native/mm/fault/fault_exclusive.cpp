// Device-exclusive entries end when anybody else touches the page: the CPU, GUP,
// fork, the device itself in the ordinary way.
#include "base/fault.h"
#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {

void restore_exclusive_pte(Cpu& cpu, Vma& vma, std::uint64_t address, PteSlot slot) {
  Machine& machine = cpu.machine;
  const Pte old = slot.get();
  const SwapEntry entry = old.entry();
  const Page page = machine.page(entry.pfn());
  Pte pte = Pte::of(entry.pfn(), vma.page_prot);
  if (old.swp_soft_dirty()) pte = pte.with(Pte::kSoftDirty);
  if (entry.is_writable_device()) pte = maybe_mkwrite(pte.mkdirty(), vma);
  // The entry gave up its mapping when it was made; the reference stayed.
  folio_add_anon_rmap(cpu, page, vma, address, page_anon_exclusive(page));
  slot.map(pte);
}

FaultResult remove_device_exclusive_entry(Fault& fault, Page page) {
  Machine& machine = fault.machine();
  const Page folio = compound_head(machine.memmap, page);
  const bool holds = !machine.has(Quirk::kExclusiveFaultUnreferenced);
  // Another CPU may be past it already, and the page gone.
  if (holds && !folio.try_ref_add_unless_zero(1)) return FaultResult::kOk;
  folio_lock(folio);
  {
    Invalidation invalidation(
        fault.cpu, fault.mm(),
        {fault.address, fault.address + kPageBytes, NotifyEvent::kExclusive, nullptr});
    Guard guard(*fault.slot.lock);
    if (fault.slot.get() == fault.orig || planted(Mistake::kExclusiveUnchecked))
      restore_exclusive_pte(fault.cpu, fault.vma, fault.address, fault.slot);
  }
  folio_unlock(folio);
  if (holds) folio_put(fault.cpu, folio);
  return FaultResult::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
