// fork: the child's mappings, and a copy of the page tables for those that ever
// held an anonymous page.
#include "base/fault.h"
#include "mm/fault/fault.h"
#include "mm/file/files.h"
#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "mm/huge/hugetlb.h"
#include "mm/mm.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

struct Copy {
  Cpu& cpu;
  Vma& to;
  Vma& from;
  Machine& machine() const { return cpu.machine; }
};

/// The page is (maybe) pinned: the child gets its own now, the parent's entry and
/// the pin stay together.
Errc copy_present_page(Copy& copy, PteSlot child, Pte pte, std::uint64_t address) {
  Machine& machine = copy.machine();
  const auto fresh = machine.alloc_folio(copy.cpu);
  if (!fresh) return fresh.error;
  const Page folio = fresh.value;
  if (copy.cpu.fails(FailSite::kCopy)) {
    folio_put(copy.cpu, folio);
    return Errc::kHwPoison;
  }
  machine.frames.copy(machine.pfn_of(folio), pte.pfn());
  folio.set(Flag::kUptodate);
  folio_add_new_anon_rmap(copy.cpu, folio, copy.to, address, true);
  folio_add_lru_vma(copy.cpu, folio, copy.to);
  child.map(maybe_mkwrite(Pte::of(machine.pfn_of(folio), copy.to.page_prot).mkdirty(), copy.to));
  return Errc::kOk;
}

Errc copy_present(Copy& copy, PteSlot child, PteSlot parent, Pte pte, std::uint64_t address) {
  Machine& machine = copy.machine();
  if (const Page page = vm_normal_page(machine, pte)) {
    const Page folio = compound_head(machine.memmap, page);
    if (folio_test_anon(folio)) {
      machine.get(folio);
      if (folio_try_dup_anon_rmap(page, copy.from) != Errc::kOk) {
        folio_put(copy.cpu, folio);
        copy.cpu.note(Reached::kForkCopies);
        return copy_present_page(copy, child, pte, address);
      }
      copy.cpu.note(Reached::kForkShares);
    } else {
      if (!planted(Mistake::kForkNoReference)) machine.get(folio);
      folio_dup_file_rmap(page);
    }
  }
  if (copy.from.is_cow() && pte.write()) {
    parent.write_protect();
    pte = pte.wrprotect();
  }
  if ((copy.from.flags & kVmShared) != 0) pte = pte.mkclean();
  child.map(pte.mkold().without(Pte::kUffdWp));
  return Errc::kOk;
}

Errc copy_entry(Copy& copy, PteSlot child, PteSlot parent, Pte pte, std::uint64_t address) {
  Machine& machine = copy.machine();
  const SwapEntry entry = pte.entry();
  const auto set_both = [&](EntryType type) {
    pte = {Pte::of(SwapEntry{type, entry.offset}).value |
           (pte.value & (Pte::kSwpSoftDirty | Pte::kSwpUffdWp))};
    parent.replace(pte);
  };
  if (entry.is_swap()) {
    if (!planted(Mistake::kForkSwapUncounted))
      if (const Errc error = machine.swap.duplicate(entry.offset); error != Errc::kOk) return error;
    if (pte.swp_exclusive()) {
      pte = pte.without(Pte::kSwpExclusive);
      parent.replace(pte);
    }
  } else if (entry.is_migration()) {
    if (entry.type != EntryType::kMigrationRead && copy.from.is_cow() &&
        !planted(Mistake::kForkKeepsMigrationWrite))
      set_both(EntryType::kMigrationRead);
  } else if (entry.is_device_private()) {
    const Page page = machine.page(entry.pfn());
    machine.get(page);
    // Cannot fail: nobody pins what no CPU can reach.
    if (folio_test_anon(page))
      (void)folio_try_dup_anon_rmap(page, copy.from);
    else
      folio_dup_file_rmap(page);
    if (entry.is_writable_device() && copy.from.is_cow()) {
      pte = pte.without(Pte::kSwpSoftDirty);  // as mprotect does
      set_both(EntryType::kDeviceRead);
    }
  } else if (entry.is_device_exclusive()) {
    // The device loses it: the entry is an ordinary one for both.
    const Page page = machine.page(entry.pfn());
    restore_exclusive_pte(copy.cpu, copy.from, address, parent);
    (void)page;
    return copy_present(copy, child, parent, parent.get(), address);
  } else {
    return Errc::kOk;
  }
  child.replace(pte);
  return Errc::kOk;
}

Errc copy_page_range(Cpu& cpu, Vma& to, Vma& from) {
  if (from.is_hugetlb()) return copy_hugetlb_range(cpu, to, from);
  Copy copy{cpu, to, from};
  Errc error = Errc::kOk;
  for (std::uint64_t address = from.start; address < from.end && error == Errc::kOk;) {
    const PteSlot pmd = from.mm->page_table.find_pmd(address);
    const std::uint64_t next =
        std::min<std::uint64_t>(PageTable::next_table(pmd, address), from.end);
    if (!pmd) {
      address = next;
      continue;
    }
    if (pmd.get().present() && pmd.get().huge()) {
      error = copy_huge_pmd(cpu, to, from, address, pmd);
      if (error == Errc::kOk) {
        address = next;
        continue;
      }
      if (error != Errc::kAgain) return error;
      error = Errc::kOk;  // a table now
    }
    PteSlot parent = from.mm->page_table.find(address);
    if (!parent) {
      address = next;
      continue;
    }
    const auto table = to.mm->page_table.alloc(cpu, address);
    if (!table) return table.error;
    PteSlot child = table.value;
    Guard child_guard(*child.lock);
    Guard parent_guard(*parent.lock);
    for (; address < next && error == Errc::kOk;
         address += kPageBytes, parent.advance(), child.advance()) {
      const Pte pte = parent.get();
      if (pte.none()) continue;
      error = pte.present() ? copy_present(copy, child, parent, pte, address)
                            : copy_entry(copy, child, parent, pte, address);
    }
  }
  return error;
}

}  // namespace

Errc dup_mmap(Cpu& cpu, Mm& child, Mm& parent) {
  Guard parent_guard(parent.mmap_lock);
  Guard child_guard(child.mmap_lock);
  if (parent.exited) return Errc::kNoMem;
  for (const auto& each : parent.vmas) {
    Vma& from = *each;
    if ((from.flags & kVmDontCopy) != 0) continue;
    if (cpu.fails(FailSite::kSlab)) return Errc::kNoMem;
    auto fresh = std::make_unique<Vma>();
    fresh->mm = &child;
    fresh->start = from.start.get();
    fresh->end = from.end.get();
    fresh->pgoff = from.pgoff.get();
    fresh->flags = from.flags & ~kVmLocked;
    fresh->file = from.file;
    fresh->file_handle = from.file_handle;
    if (from.is_hugetlb()) fresh->hugetlb = std::make_shared<HugetlbClaims>();
    vma_set_page_prot(*fresh);
    const bool wipe = (from.flags & kVmWipeOnFork) != 0;
    if (!wipe)
      if (const Errc error = anon_vma_fork(cpu, *fresh, from); error != Errc::kOk) return error;
    if (fresh->file != nullptr) {
      get_file(*fresh->file);
      Guard guard(fresh->file->i_mmap_lock);
      if (!planted(Mistake::kForkUnlisted)) fresh->file->i_mmap_insert_after(*fresh, from);
    }
    child.vmas.push_back(std::move(fresh));
    // Without an anonymous page the child can fault in what the parent has.
    const bool driver = (from.flags & (kVmPfnMap | kVmMixedMap)) != 0;
    if (wipe || (from.anon_vma.load() == nullptr && !driver)) continue;

    Vma& to = *child.vmas.back();
    Errc error = Errc::kOk;
    if (from.is_cow()) {
      const NotifyEvent event =
          from.is_hugetlb() ? NotifyEvent::kClear : NotifyEvent::kProtectionPage;  // v6.12
      Invalidation invalidation(cpu, parent, {from.start, from.end, event, nullptr});
      // Fast GUP with FOLL_PIN gives way while this is odd.
      parent.write_protect_seq.write_begin();
      error = copy_page_range(cpu, to, from);
      parent.write_protect_seq.write_end();
    } else {
      error = copy_page_range(cpu, to, from);
    }
    if (error != Errc::kOk) return error;
  }
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
