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
  constexpr Pfn kNone{~std::uint64_t{0}};
  Pfn next = kNone;
  const auto fresh = machine.alloc_zeroed_page(fault.cpu, &next);
  if (!fresh) return FaultResult::kOom;
  const Page folio = fresh.value;
  {
    Guard guard(*fault.slot.lock);
    if (fault.slot.get().none() || planted(Mistake::kAnonFaultUnchecked)) {
      folio_add_new_anon_rmap(fault.cpu, folio, fault.vma, fault.address, true);
      folio_add_lru_vma(fault.cpu, folio, fault.vma);
      Pte entry = Pte::of(machine.pfn_of(folio), fault.vma.page_prot);
      if ((fault.vma.flags & kVmWrite) != 0) entry = entry.mkdirty().with(Pte::kWrite);
      fault.slot.map(entry);
      fault.cpu.note(Reached::kAnonPage);
      // The next fault will ask for that one, and not before this one is over: sooner it would be
      // in its way.
      if (next != kNone) machine.frames.clears_soon(next);
      return FaultResult::kOk;
    }
  }
  fault.cpu.note(Reached::kLost);
  folio_put(fault.cpu, folio);  // another thread was first
  return FaultResult::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
