// A fault on an empty entry of anonymous memory.
#include "base/fault.h"
#include "mm/fault/fault.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

FaultResult map_zero_page(Fault& fault) {
  const Machine& machine = fault.machine();
  Guard guard(*fault.slot.lock);
  if (fault.slot.get().none())
    fault.slot.map(
        Pte::of(machine.pfn_of(machine.zero_page()), fault.vma.page_prot | Pte::kSpecial));
  fault.cpu.note(Reached::kZeroPage);
  return FaultResult::kOk;
}

}  // namespace

FaultResult do_anonymous_page(Fault& fault) {
  if (!fault.write()) return map_zero_page(fault);
  Machine& machine = fault.machine();
  if (anon_vma_prepare(fault.cpu, fault.vma) != Errc::kOk) return FaultResult::kOom;
  const Page any = machine.zero_page();
  const auto fresh = machine.alloc_zeroed_page(
      fault.cpu, {.flags = any.mask_of(Flag::kSwapBacked) | any.mask_of(kFlagAnonExclusive),
                  .refs = 1 + kRefsOfLruBatch});
  if (!fresh) return FaultResult::kOom;
  const Page folio = fresh.value;
  {
    Guard guard(*fault.slot.lock);
    if (fault.slot.get().none() || planted(Mistake::kAnonFaultUnchecked)) {
      folio_add_new_anon_rmap(fault.cpu, folio, fault.vma, fault.address, true);
      folio_give_lru_vma(fault.cpu, folio, fault.vma);
      Pte entry = Pte::of(machine.pfn_of(folio), fault.vma.page_prot);
      if ((fault.vma.flags & kVmWrite) != 0) entry = entry.mkdirty().with(Pte::kWrite);
      fault.map(entry);
      fault.cpu.note(Reached::kAnonPage);
      return FaultResult::kOk;
    }
  }
  fault.cpu.note(Reached::kLost);
  // Another thread was first.
  folio.ref_sub(kRefsOfLruBatch);
  folio_put(fault.cpu, folio);
  return FaultResult::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
