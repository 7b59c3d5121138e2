#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "mm/huge/huge.h"
#include "mm/huge/hugetlb.h"
#include "mm/mm.h"
#include "mm/range.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// The entry may be made writable now: the next write would only do the same.
bool can_change_pte_writable(const Vma& vma, Pte pte) {
  if (pte.prot_none() || pte_needs_soft_dirty_wp(vma, pte)) return false;
  if ((vma.flags & kVmShared) != 0) return pte.dirty();
  const Machine& machine = vma.mm->machine;
  const Page page = vm_normal_page(const_cast<Machine&>(machine), pte);
  if (!page) return false;
  return folio_test_anon(compound_head(machine.memmap, page)) && page_anon_exclusive(page);
}

Pte change_present(const Vma& vma, Pte pte, bool try_writable) {
  pte = pte.modify(vma.page_prot);
  if (try_writable && !pte.write() && can_change_pte_writable(vma, pte))
    pte = pte.with(Pte::kWrite);
  return pte;
}

/// Entries that lead to a page turn read-only; swap entries carry no permission.
Pte change_entry(Machine& machine, Pte pte) {
  SwapEntry entry = pte.entry();
  switch (entry.type) {
    case EntryType::kMigrationWrite:
      entry.type = folio_test_anon(machine.page(entry.pfn())) ? EntryType::kMigrationReadExclusive
                                                              : EntryType::kMigrationRead;
      break;
    case EntryType::kDeviceWrite:
      // v6.12 drops the soft-dirty bit here and in fork: who saves and restores a
      // process cannot save a device.
      entry.type = EntryType::kDeviceRead;
      return {Pte::of(entry).value | (pte.value & Pte::kSwpUffdWp)};
    case EntryType::kDeviceExclusiveWrite: entry.type = EntryType::kDeviceExclusiveRead; break;
    default: return pte;
  }
  return {Pte::of(entry).value | (pte.value & (Pte::kSwpSoftDirty | Pte::kSwpUffdWp))};
}

void change_protection(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end) {
  // A hugetlb leaf waits for the next write (v6.12).
  const bool try_writable = !vma.is_hugetlb() && vma_wants_manual_pte_write_upgrade(vma);
  Invalidation invalidation(cpu, *vma.mm, {start, end, NotifyEvent::kProtectionVma, nullptr});
  vma.mm->page_table.for_each_huge(start, end,
                                   [&](std::uint64_t from, std::uint64_t to, PteSlot pmd) {
                                     change_huge_protection(cpu, vma, from, to, pmd, try_writable);
                                   });
  vma.mm->page_table.for_each_pte(start, end, [&](std::uint64_t, PteSlot slot) {
    const Pte pte = slot.get();
    if (pte.none()) return;
    if (pte.present())
      slot.change_protection([&](Pte was) { return change_present(vma, was, try_writable); });
    else
      slot.replace(change_entry(cpu.machine, pte));
  });
}

}  // namespace

Errc do_mprotect(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t pages, std::uint64_t prot) {
  if (!valid_range(start, pages) || (prot & ~kVmAccessFlags) != 0) return Errc::kInval;
  Guard guard(mm.mmap_lock);
  const std::uint64_t end = start + pages * kPageBytes;
  for (std::uint64_t at = start; at < end;) {
    Vma* vma = mm.find_vma(at);
    if (vma == nullptr) return Errc::kNoMem;
    const std::uint64_t stop = std::min<std::uint64_t>(vma->end, end);
    const std::uint64_t old_flags = vma->flags;
    const std::uint64_t flags = (old_flags & ~kVmAccessFlags) | prot;
    if (flags != old_flags) {
      if (!may_split_vma(*vma, at) || !may_split_vma(*vma, stop)) return Errc::kInval;
      vma = vma_modify_flags(cpu, mm, *vma, at, stop, flags);
      if (vma == nullptr) return Errc::kNoMem;
      vma->flags = flags;
      vma_set_page_prot(*vma);
      change_protection(cpu, *vma, at, stop);
      // Locked memory that becomes writable is copied now rather than later.
      if ((old_flags & (kVmWrite | kVmShared | kVmLocked)) == kVmLocked && (flags & kVmWrite) != 0)
        (void)gup_locked(cpu, mm, at, (stop - at) / kPageBytes,
                         kFollTouch | kFollWrite | (vma->is_accessible() ? kFollForce : 0U), {});
    }
    at = stop;
  }
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
