#include "mm/fault/fault.h"

#include "mm/huge/huge.h"
#include "mm/huge/hugetlb.h"

namespace pagebox::inline PAGEBOX_ENV {

Page devmap_page(Machine& machine, Pte pte) {
  if (!pte.devmap() || machine.pagemap(pte.pfn()) == nullptr) return {};
  return machine.page(pte.pfn());
}

Page page_behind(Cpu& cpu, const Mm& mm, std::uint64_t address) {
  Machine& machine = cpu.machine;
  PteSlot slot = mm.page_table.find(address);
  if (!slot) slot = mm.page_table.find_pmd(address);
  if (!slot) return {};
  const Pte pte = slot.get();
  if (pte.none()) return {};
  if (!pte.present() && pte.entry().is_swap())
    return machine.swap.cached_page(machine, pte.entry().offset);
  const Pfn pfn = pte.present() ? pte.pfn() : pte.entry().pfn();
  return pfn.value < machine.memmap.capacity() ? machine.page(pfn) : Page();
}

namespace {

FaultResult handle_pte_fault(Fault& fault) {
  if (fault.orig.none())
    return fault.vma.is_anonymous() ? do_anonymous_page(fault) : do_file_fault(fault);
  if (!fault.orig.present()) return do_swap_page(fault);

  fault.slot.lock->lock();
  if (fault.slot.get() != fault.orig) {
    // The MMU may have set a bit meanwhile; whoever faults again finds out.
    fault.slot.lock->unlock();
    fault.cpu.note(Reached::kLost);
    return FaultResult::kOk;
  }
  if ((fault.write() || fault.unshare()) && !fault.orig.write()) return do_wp_page(fault);
  fault.slot.mark(Pte::kAccessed | (fault.write() ? Pte::kDirty | Pte::kSoftDirty : 0ULL));
  fault.slot.lock->unlock();
  fault.cpu.note(Reached::kMarked);
  return FaultResult::kOk;
}

}  // namespace

FaultResult handle_mm_fault(Cpu& cpu, Vma& vma, std::uint64_t address, std::uint32_t flags,
                            bool* broke_cow, FaultedAccess* access) {
  address &= ~(kPageBytes - 1);
  if (vma.is_hugetlb()) return hugetlb_fault(cpu, vma, address, flags);
  bool huge_is_ours = false;
  if (const auto result = huge_fault(cpu, vma, address, flags, huge_is_ours)) {
    if (broke_cow != nullptr) *broke_cow = huge_is_ours;
    return *result;
  }
  // Nearly always there, and then in registers: a Result comes through memory, and is waited for.
  PteSlot slot = vma.mm->page_table.find(address);
  if (!slot) {
    const auto made = vma.mm->page_table.alloc(cpu, address);
    if (!made) return made.error == Errc::kBusy ? FaultResult::kOk : FaultResult::kOom;
    slot = made.value;
  }
  Fault fault{cpu, vma, address, flags, slot, slot.get(), access};
  const FaultResult result = handle_pte_fault(fault);
  if (broke_cow != nullptr) *broke_cow = fault.broke_cow;
  return result;
}

}  // namespace pagebox::inline PAGEBOX_ENV
