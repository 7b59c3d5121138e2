// Walks through a folio's mappings that change them: reclaim, migration,
// write-protect.
#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

bool maps(Machine& machine, const Pte& pte, Page page) {
  if (pte.present()) return vm_normal_page(machine, pte) == page;
  if (!pte.is_entry()) return false;
  const SwapEntry entry = pte.entry();
  return (entry.is_device_private() || entry.is_device_exclusive()) &&
         machine.page(entry.pfn()) == page;
}

/// Nobody but its mappings and whoever has isolated it holds the folio.
bool only_mapped(Machine& machine, Page folio) {
  return machine.has(Quirk::kLazyfreeForgetsReferences) ||
         folio.refcount() == count_sum(1, folio_mapcount(machine, folio, 1));
}

/// Clears the entry of a page being reclaimed. False: it stays mapped here.
bool unmap_one(Cpu& cpu, Page folio, Page page, Vma& vma, PteSlot slot) {
  Machine& machine = cpu.machine;
  if ((vma.flags & kVmLocked) != 0) {
    if (!folio_test_large(folio)) mlock_vma_folio(cpu, folio, vma);  // an mlock that was missed
    return false;
  }
  const bool exclusive = folio_test_anon(folio) && page_anon_exclusive(page);
  const Pte old = slot.clear_and_flush();
  if (old.dirty()) folio_mark_dirty(machine, folio);
  if (folio_test_anon(folio)) {
    if (!folio.test(Flag::kSwapBacked)) {
      // Lazyfree. Pairs with fast GUP as in folio_try_share_anon_rmap.
      atomics::fence();
      if (!only_mapped(machine, folio) || folio.test(Flag::kDirty)) {
        slot.restore(old);
        folio.set(Flag::kSwapBacked);
        return false;
      }
    } else {
      const auto swap_slot = folio_duplicate_swap(machine, folio, folio_page_index(folio, page));
      if (!swap_slot) {
        slot.restore(old);
        return false;
      }
      if (exclusive && folio_try_share_anon_rmap(machine, page) != Errc::kOk) {
        machine.swap.free(swap_slot.value);
        slot.restore(old);
        return false;
      }
      Pte entry = Pte::of(SwapEntry{EntryType::kSwap, swap_slot.value});
      if (exclusive) entry = entry.with(Pte::kSwpExclusive);
      if (old.soft_dirty()) entry = entry.with(Pte::kSwpSoftDirty);
      slot.replace(entry);
    }
  }
  folio_remove_rmap(cpu, page, vma);
  folio_put(cpu, folio);  // isolation holds another one
  return true;
}

bool migrate_one(Cpu& cpu, Page folio, Page page, Vma& vma, PteSlot slot) {
  Machine& machine = cpu.machine;
  const bool exclusive = folio_test_anon(folio) && page_anon_exclusive(page);
  const Pte old = slot.clear_and_flush();
  const bool present = old.present();
  // On x86-64 every non-present entry reads as dirty (Pte::of(SwapEntry)), if one reads it.
  const auto entry_says_dirty = [&] {
    return !machine.has(Rule::kEntriesHaveNoDirt) || old.entry().is_writable_device();
  };
  if (present ? old.dirty() : entry_says_dirty()) folio_mark_dirty(machine, folio);
  if (exclusive && folio_try_share_anon_rmap(machine, page) != Errc::kOk) {
    slot.restore(old);
    return false;
  }
  const bool write = present ? old.write() : old.entry().is_writable_device();
  SwapEntry entry{write       ? EntryType::kMigrationWrite
                  : exclusive ? EntryType::kMigrationReadExclusive
                              : EntryType::kMigrationRead,
                  machine.pfn_of(page).value};
  if (present && old.young()) entry.offset |= SwapEntry::kYoung;
  if (present && old.dirty()) entry.offset |= SwapEntry::kDirty;
  Pte pte = Pte::of(entry);
  if (present ? old.soft_dirty() : old.swp_soft_dirty()) pte = pte.with(Pte::kSwpSoftDirty);
  slot.replace(pte);
  // A device-exclusive entry gave up its mapping when it was made (v5.13 to v6.14).
  if (present || old.entry().is_device_private()) folio_remove_rmap(cpu, page, vma);
  // The batch's reference would make the folio look busy.
  if ((vma.flags & kVmLocked) != 0) mlock_drain(cpu);
  folio_put(cpu, folio);
  return true;
}

/// What a walk does with a leaf that maps the folio, its lock held.
enum class AtLeaf : std::uint8_t { kGoOn, kDone, kStop };

/// The part of the folio that the vma holds, from `address` on.
std::uint64_t end_of_mapping(const Vma& vma, std::uint64_t address, Page folio) {
  const std::uint64_t first = vma.pgoff_of(address) - folio_index(folio);
  return std::min<std::uint64_t>(vma.end, address + (folio_nr_pages(folio) - first) * kPageBytes);
}

/// Calls leaf(vma, start, pmd) if a leaf maps the folio there.
template <class Leaf>
AtLeaf with_leaf(const Machine& machine, Vma& vma, std::uint64_t address, Page folio, Leaf&& leaf) {
  const PteSlot pmd = vma.mm->page_table.find_pmd(address);
  if (!pmd || !pmd.get().present() || !pmd.get().huge()) return AtLeaf::kGoOn;
  Guard guard(*pmd.lock);
  const Pte pte = pmd.get();
  if (!pte.present() || !pte.huge() || pte.pfn() != machine.pfn_of(folio)) return AtLeaf::kGoOn;
  return leaf(vma, pmd_start(address), pmd);
}

struct NothingBefore {
  void operator()(Vma&, std::uint64_t) const {}
};

/// What a walk for unmapping does with one mapping; `before` for each, mapped there or not.
template <class Leaf, class One, class Before = NothingBefore>
auto unmapper(Cpu& cpu, Page folio, Leaf& leaf, One& one, Before before = {}) {
  return [&cpu, folio, &leaf, &one, before](Vma& vma, std::uint64_t address) {
    before(vma, address);
    Invalidation invalidation(
        cpu, *vma.mm, {address, end_of_mapping(vma, address, folio), NotifyEvent::kClear, nullptr});
    if (folio_test_large(folio)) {
      const AtLeaf at = with_leaf(cpu.machine, vma, address, folio, leaf);
      if (at == AtLeaf::kStop) return false;
      if (at == AtLeaf::kDone) return folio_mapped(cpu.machine, folio);
    }
    const bool went_on =
        for_each_page_of_mapping(vma, address, folio, [&](Page page, std::uint64_t, PteSlot slot) {
          return !maps(cpu.machine, slot.get(), page) || one(page, vma, slot);
        });
    return went_on && folio_mapped(cpu.machine, folio);
  };
}

/// An untouched MADV_FREE page goes at once, leaf and all.
bool discard_leaf(Cpu& cpu, Page folio, Vma& vma, PteSlot pmd) {
  if (folio.test(Flag::kSwapBacked) || folio.test(Flag::kDirty) || pmd.get().dirty()) return false;
  const Pte old = pmd.clear_and_flush();
  atomics::fence();  // pairs with fast GUP, as in folio_try_share_anon_rmap
  if (folio.test(Flag::kDirty) || !only_mapped(cpu.machine, folio)) {
    pmd.restore(old);
    return false;
  }
  folio_remove_rmap_pmd(cpu, folio, vma);
  if (const auto reserve = vma.mm->page_table.withdraw(pmd))
    vma.mm->page_table.free_table(cpu, reserve.value);
  folio_put(cpu, folio);
  return true;
}

}  // namespace

bool try_to_unmap(Cpu& cpu, Page folio) {
  const auto leaf = [&](Vma& vma, std::uint64_t start, PteSlot pmd) {
    if ((vma.flags & kVmLocked) != 0) return AtLeaf::kStop;
    if (discard_leaf(cpu, folio, vma, pmd)) return AtLeaf::kDone;
    split_huge_pmd_locked(cpu, vma, start, pmd, false);
    return AtLeaf::kGoOn;
  };
  const auto one = [&](Page page, Vma& vma, PteSlot slot) {
    return unmap_one(cpu, folio, page, vma, slot);
  };
  rmap_walk(cpu.machine, folio, unmapper(cpu, folio, leaf, one));
  return !folio_mapped(cpu.machine, folio);
}

bool try_to_migrate(Cpu& cpu, Page folio) {
  const auto leaf = [](Vma&, std::uint64_t, PteSlot) { return AtLeaf::kStop; };
  const auto one = [&](Page page, Vma& vma, PteSlot slot) {
    return migrate_one(cpu, folio, page, vma, slot);
  };
  rmap_walk(cpu.machine, folio, unmapper(cpu, folio, leaf, one));
  return !folio_mapped(cpu.machine, folio);
}

void freeze_mappings(Cpu& cpu, const AnonVma& locked, Page folio) {
  const auto leaf = [](Vma&, std::uint64_t, PteSlot) { return AtLeaf::kGoOn; };
  const auto freeze_leaf = [&](Vma& vma, std::uint64_t at, PteSlot pmd) {
    split_huge_pmd_locked(cpu, vma, at, pmd, true);
    return AtLeaf::kGoOn;
  };
  // Announced for all of the pmd, leaf or table, and then for the folio (v6.12).
  const auto split_leaf = [&](Vma& vma, std::uint64_t address) {
    if (!vma.mm->page_table.find_pmd(address)) return;
    const std::uint64_t start = pmd_start(address);
    Invalidation invalidation(cpu, *vma.mm,
                              {start, start + kPmdBytes, NotifyEvent::kClear, nullptr});
    (void)with_leaf(cpu.machine, vma, address, folio, freeze_leaf);
  };
  const auto migrate = [&](Page page, Vma& vma, PteSlot slot) {
    return migrate_one(cpu, folio, page, vma, slot);
  };
  rmap_walk_locked(locked, folio, unmapper(cpu, folio, leaf, migrate, split_leaf));
}

unsigned folio_mkclean(Cpu& cpu, Page folio) {
  unsigned cleaned = 0;
  if (!folio_mapped(folio) || folio_test_anon(folio)) return 0;
  rmap_walk(cpu.machine, folio, [&](Vma& vma, std::uint64_t address) {
    if ((vma.flags & kVmShared) == 0) return true;
    Invalidation invalidation(
        cpu, *vma.mm, {address, address + kPageBytes, NotifyEvent::kProtectionPage, nullptr});
    const PteSlot slot = vma.mm->page_table.find(address);
    if (!slot) return true;
    Guard guard(*slot.lock);
    const Pte pte = slot.get();
    if (!pte.present() || vm_normal_page(cpu.machine, pte) != folio) return true;
    if (!pte.dirty() && !pte.write()) return true;
    slot.clear_bits(Pte::kWrite | Pte::kDirty);
    ++cleaned;
    return true;
  });
  return cleaned;
}

}  // namespace pagebox::inline PAGEBOX_ENV
