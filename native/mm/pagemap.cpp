#include "mm/pagemap.h"

#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/gup/pin_question.h"
#include "mm/huge/huge.h"
#include "mm/huge/hugetlb.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::uint32_t kpageflags(Machine& machine, Page page) {
  const Page folio = compound_head(machine.memmap, page);
  std::uint32_t bits = 0;
  const auto show = [&](KpageFlag bit, bool set) { bits |= set ? 1U << bit : 0U; };
  const bool anon = folio_test_anon(folio);
  show(kKpfLocked, folio.test(Flag::kLocked));
  show(kKpfReferenced, folio.test(Flag::kReferenced));
  show(kKpfUptodate, folio.test(Flag::kUptodate));
  show(kKpfDirty, folio.test(Flag::kDirty));
  show(kKpfLru, folio.test(Flag::kLru));
  show(kKpfActive, folio.test(Flag::kActive));
  show(kKpfWriteback, folio.test(Flag::kWriteback));
  show(kKpfReclaim, folio.test(Flag::kReclaim));
  show(kKpfMmap, folio_mapped(folio));
  show(kKpfAnon, anon);
  show(kKpfSwapcache, folio_test_swapcache(folio));
  show(kKpfSwapbacked, folio.test(Flag::kSwapBacked));
  show(kKpfUnevictable, folio.test(Flag::kUnevictable));
  show(kKpfMlocked, folio.test(Flag::kMlocked));
  show(kKpfPrivate, folio.test(Flag::kPrivate));
  // The flags are the head's, that one included (v6.12).
  show(kKpfAnonExclusive, anon && page_anon_exclusive(folio));
  if (folio_test_large(folio)) {
    show(page == folio ? kKpfCompoundHead : kKpfCompoundTail, true);
    show(folio_test_hugetlb(folio) ? kKpfHuge : kKpfThp, true);
  }
  show(kKpfOwner2, !anon && folio.test(Flag::kOwner2));
  return bits;
}

void describe_page(Machine& machine, Page page, PagemapEntry& out) {
  const Page folio = compound_head(machine.memmap, page);
  out.pfn = machine.pfn_of(page);
  out.file = !folio_test_anon(folio);
  if (machine.is_zone_device(out.pfn)) {
    note_observed(machine, page);
    out.exclusive = out.state == PagemapState::kPresent && page_mapcount(page) == 1;
    // /proc/kpageflags knows nothing of device memory; private pages are not looked up.
    out.has_flags = out.state == PagemapState::kPresent;
    out.flags = 1U << kKpfNopage;
    return;
  }
  if (out.state != PagemapState::kPresent) return;
  note_observed(machine, page);
  const std::int32_t mapcount = folio_precise_page_mapcount(folio, page);
  out.exclusive = mapcount == 1;
  out.has_mapcount = true;
  out.mapcount = static_cast<std::uint32_t>(mapcount);
  out.has_flags = true;
  out.flags = kpageflags(machine, page);
}

PagemapState state_of(SwapEntry entry) {
  if (entry.is_swap()) return PagemapState::kSwap;
  if (entry.is_migration()) return PagemapState::kMigration;
  switch (entry.type) {
    case EntryType::kDeviceWrite: return PagemapState::kDevicePrivateWrite;
    case EntryType::kDeviceRead: return PagemapState::kDevicePrivateRead;
    case EntryType::kDeviceExclusiveWrite: return PagemapState::kDeviceExclusiveWrite;
    case EntryType::kDeviceExclusiveRead: return PagemapState::kDeviceExclusiveRead;
    case EntryType::kHwpoison: return PagemapState::kHwpoison;
    default: return PagemapState::kMarker;
  }
}

PagemapEntry describe(Machine& machine, const Vma& vma, Pte pte) {
  PagemapEntry out;
  out.soft_dirty = (vma.flags & kVmSoftDirty) != 0;
  if (pte.none()) return out;
  if (!pte.present()) {
    const SwapEntry entry = pte.entry();
    out.state = state_of(entry);
    out.soft_dirty |= pte.swp_soft_dirty();
    out.uffd_wp = pte.has(Pte::kSwpUffdWp);
    if (entry.has_page()) describe_page(machine, machine.page(entry.pfn()), out);
    return out;
  }
  out.state = PagemapState::kPresent;
  out.soft_dirty |= pte.soft_dirty();
  out.uffd_wp = pte.has(Pte::kUffdWp);
  if (const Page page = vm_normal_page(machine, pte)) {
    describe_page(machine, page, out);
  } else {
    out.has_flags = true;
    const bool zero = machine.is_zero_pfn(pte.pfn());
    out.flags = 1U << (zero ? kKpfZeroPage : kKpfNopage);
    out.pfn = pte.pfn();
    out.has_descriptor = zero || devmap_page(machine, pte);
  }
  return out;
}

PagemapEntry describe_huge(Machine& machine, const Vma& vma, Pte pmd, std::uint64_t address) {
  PagemapEntry out;
  out.soft_dirty = (vma.flags & kVmSoftDirty) != 0 || pmd.soft_dirty();
  out.state = PagemapState::kPresent;
  if (const Page folio = huge_normal_folio(machine, pmd)) {
    describe_page(machine, machine.page(huge_pfn(pmd, address)), out);
  } else {
    // Unlike the small one it counts as a page, and one that is not anonymous.
    out.file = true;
    out.has_flags = true;
    out.flags = 1U << kKpfZeroPage;
    out.pfn = huge_pfn(pmd, address);
  }
  return out;
}

}  // namespace

void read_pagemap(Cpu& cpu, Mm& mm, std::uint64_t start, std::span<PagemapEntry> out) {
  lru_add_drain(cpu);
  SharedGuard guard(mm.mmap_lock);
  for (std::uint64_t i = 0; i < out.size(); ++i) {
    const std::uint64_t address = start + i * kPageBytes;
    out[i] = {};
    const Vma* vma = mm.find_vma(address);
    if (vma == nullptr) continue;
    PteSlot slot = mm.page_table.find(address);
    if (!slot) {
      out[i] = describe(cpu.machine, *vma, {});
      const PteSlot pmd = mm.page_table.find_pmd(address);
      if (!pmd) continue;
      Guard pmd_guard(*pmd.lock);
      const Pte pte = pmd.get();
      if (pte.present() && pte.huge()) {
        out[i] = describe_huge(cpu.machine, *vma, pte, address);
        continue;
      }
      slot = mm.page_table.find(address);
      if (!slot) continue;
    }
    Guard entry_guard(*slot.lock);
    out[i] = describe(cpu.machine, *vma, slot.get());
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
