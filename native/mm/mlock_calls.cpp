// mlock(2) and munlock(2).
#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "mm/huge/huge.h"
#include "mm/mm.h"
#include "mm/range.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

void lock_pages(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end, std::uint64_t flags) {
  vma.flags = flags;
  lru_add_drain(cpu);
  const auto lock = [&](Page folio) {
    if ((flags & kVmLocked) != 0)
      mlock_folio(cpu, folio);
    else
      munlock_folio(cpu, folio);
  };
  vma.mm->page_table.for_each_huge(start, end, [&](std::uint64_t, std::uint64_t, PteSlot pmd) {
    Guard guard(*pmd.lock);
    const Pte pte = pmd.get();
    if (!pte.present() || !pte.huge()) return;
    if (const Page folio = huge_normal_folio(cpu.machine, pte)) lock(folio);
  });
  std::uint64_t skip_to = start;
  vma.mm->page_table.for_each_pte(start, end, [&](std::uint64_t address, PteSlot slot) {
    if (address < skip_to) return;
    const Pte pte = slot.get();
    if (!pte.present()) return;
    const Page page = vm_normal_page(cpu.machine, pte);
    if (!page || cpu.machine.is_zone_device(cpu.machine.pfn_of(page))) return;
    const Page folio = compound_head(cpu.machine.memmap, page);
    if (folio_test_large(folio)) {
      const std::uint64_t table_end = std::min((address | (kPmdBytes - 1)) + 1, end);
      const std::uint64_t pages = folio_pte_batch(folio, cpu.machine.pfn_of(folio), slot,
                                                  (table_end - address) / kPageBytes);
      skip_to = address + pages * kPageBytes;
      // Mlocked as a whole or not at all: a part may be reclaimed as its other users like.
      if ((flags & kVmLocked) != 0 && pages != folio_nr_pages(folio)) return;
    }
    lock(folio);
  });
  lru_add_drain(cpu);
}

Errc apply(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t end, std::uint64_t lock) {
  Guard guard(mm.mmap_lock);
  for (std::uint64_t at = start; at < end;) {
    Vma* vma = mm.find_vma(at);
    if (vma == nullptr) return Errc::kNoMem;
    const std::uint64_t stop = std::min<std::uint64_t>(vma->end, end);
    const std::uint64_t flags = (vma->flags & ~kVmLocked) | lock;
    if (flags != vma->flags && (vma->flags & kVmSpecial) == 0) {
      vma = vma_modify_flags(cpu, mm, *vma, at, stop, flags);
      if (vma == nullptr) return Errc::kNoMem;
      lock_pages(cpu, *vma, at, stop, flags);
    }
    at = stop;
  }
  return Errc::kOk;
}

/// Faults in what is locked now; writable private memory is written to, so that
/// no copy is left for later.
Errc populate_locked(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t end) {
  SharedGuard guard(mm.mmap_lock);
  for (std::uint64_t at = start; at < end;) {
    Vma* vma = mm.find_vma_after(at);
    if (vma == nullptr || vma->start >= end) break;
    at = std::max<std::uint64_t>(at, vma->start);
    const std::uint64_t stop = std::min<std::uint64_t>(vma->end, end);
    std::uint32_t flags = kFollTouch;
    if ((vma->flags & (kVmWrite | kVmShared)) == kVmWrite) flags |= kFollWrite;
    if (vma->is_accessible()) flags |= kFollForce;
    const GupResult result = gup_locked(cpu, mm, at, (stop - at) / kPageBytes, flags, {});
    if (result.error == Errc::kFault) return Errc::kNoMem;  // as POSIX has it
    if (result.error == Errc::kNoMem) return Errc::kAgain;
    if (result.error != Errc::kOk) return result.error;
    at = stop;
  }
  return Errc::kOk;
}

}  // namespace

Errc do_mlock(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t pages) {
  if (!valid_range(start, pages)) return Errc::kInval;
  const std::uint64_t end = start + pages * kPageBytes;
  if (const Errc error = apply(cpu, mm, start, end, kVmLocked); error != Errc::kOk) return error;
  const Errc error = populate_locked(cpu, mm, start, end);
  // So the recordings show it: a later access finds the pages unevictable.
  lru_add_drain(cpu);
  return error;
}

Errc do_munlock(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t pages) {
  if (!valid_range(start, pages)) return Errc::kInval;
  return apply(cpu, mm, start, start + pages * kPageBytes, 0);
}

}  // namespace pagebox::inline PAGEBOX_ENV
