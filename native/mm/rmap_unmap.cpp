// Walks through a folio's mappings that change them: reclaim, migration,
// write-protect.
#include "mm/fault.h"
#include "mm/folio_state.h"
#include "mm/rmap.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

bool maps(Machine& machine, const Pte& pte, Page folio) {
  if (pte.present()) return vm_normal_page(machine, pte) == folio;
  if (!pte.is_entry()) return false;
  const SwapEntry entry = pte.entry();
  return (entry.is_device_private() || entry.is_device_exclusive()) &&
         machine.page(entry.pfn()) == folio;
}

/// Clears the entry of a folio being reclaimed. False: it stays mapped here.
bool unmap_one(Cpu& cpu, Page folio, Vma& vma, PteSlot slot) {
  Machine& machine = cpu.machine;
  if ((vma.flags & kVmLocked) != 0) {
    mlock_vma_folio(cpu, folio, vma);  // an mlock that was missed
    return false;
  }
  const bool exclusive = folio_test_anon(folio) && page_anon_exclusive(folio);
  const Pte old = slot.get_and_clear();
  if (old.dirty()) folio_mark_dirty(machine, folio);
  if (folio_test_anon(folio)) {
    if (!folio.test(Flag::kSwapBacked)) {
      // Lazyfree. Pairs with fast GUP as in folio_try_share_anon_rmap.
      atomics::fence();
      const bool only_ours = folio.refcount() == 1 + page_mapcount(machine, folio, 1);
      if (!only_ours || folio.test(Flag::kDirty)) {
        slot.set(old);
        folio.set(Flag::kSwapBacked);
        return false;
      }
    } else {
      const std::uint64_t swap_slot = folio_swap_slot(folio);
      if (machine.swap.duplicate(swap_slot) != Errc::kOk) {
        slot.set(old);
        return false;
      }
      if (exclusive && folio_try_share_anon_rmap(machine, folio) != Errc::kOk) {
        machine.swap.free(swap_slot);
        slot.set(old);
        return false;
      }
      Pte entry = Pte::of(SwapEntry{EntryType::kSwap, swap_slot});
      if (exclusive) entry = entry.with(Pte::kSwpExclusive);
      if (old.soft_dirty()) entry = entry.with(Pte::kSwpSoftDirty);
      slot.set(entry);
    }
  }
  folio_remove_rmap(cpu, folio, vma);
  machine.put(cpu, folio);  // isolation holds another one
  return true;
}

bool migrate_one(Cpu& cpu, Page folio, Vma& vma, PteSlot slot) {
  Machine& machine = cpu.machine;
  const bool exclusive = folio_test_anon(folio) && page_anon_exclusive(folio);
  const Pte old = slot.get_and_clear();
  const bool present = old.present();
  // On x86-64 every non-present entry reads as dirty (Pte::of(SwapEntry)).
  if (!present || old.dirty()) folio_mark_dirty(machine, folio);
  if (exclusive && folio_try_share_anon_rmap(machine, folio) != Errc::kOk) {
    slot.set(old);
    return false;
  }
  const bool write = present ? old.write() : old.entry().is_writable_device();
  SwapEntry entry{write       ? EntryType::kMigrationWrite
                  : exclusive ? EntryType::kMigrationReadExclusive
                              : EntryType::kMigrationRead,
                  machine.pfn_of(folio).value};
  if (present && old.young()) entry.offset |= SwapEntry::kYoung;
  if (present && old.dirty()) entry.offset |= SwapEntry::kDirty;
  Pte pte = Pte::of(entry);
  if (present ? old.soft_dirty() : old.swp_soft_dirty()) pte = pte.with(Pte::kSwpSoftDirty);
  slot.set(pte);
  // A device-exclusive entry gave up its mapping when it was made (v5.13 to v6.14).
  if (present || old.entry().is_device_private()) folio_remove_rmap(cpu, folio, vma);
  // The batch's reference would make the folio look busy.
  if ((vma.flags & kVmLocked) != 0) mlock_drain(cpu);
  machine.put(cpu, folio);
  return true;
}

/// What a device may write, it writes unseen: such a page of a file is dirty.
void map_file(Cpu& cpu, Page folio, Vma& vma, bool writable) {
  Machine& machine = cpu.machine;
  if (writable && machine.is_zone_device(machine.pfn_of(folio))) folio_mark_dirty(machine, folio);
  folio_add_file_rmap(cpu, folio, vma);
}

template <class One>
void unmap_walk(Cpu& cpu, Page folio, One&& one) {
  rmap_walk(cpu.machine, folio, [&](Vma& vma, std::uint64_t address) {
    Invalidation invalidation(cpu, *vma.mm,
                              {address, address + kPageBytes, NotifyEvent::kClear, nullptr});
    if (const PteSlot slot = vma.mm->page_table.find(address)) {
      Guard guard(*slot.lock);
      if (maps(cpu.machine, slot.get(), folio) && !one(vma, slot)) return false;
    }
    return folio_mapped(cpu.machine, folio);
  });
}

}  // namespace

bool try_to_unmap(Cpu& cpu, Page folio) {
  unmap_walk(cpu, folio, [&](Vma& vma, PteSlot slot) { return unmap_one(cpu, folio, vma, slot); });
  return !folio_mapped(cpu.machine, folio);
}

bool try_to_migrate(Cpu& cpu, Page folio) {
  unmap_walk(cpu, folio,
             [&](Vma& vma, PteSlot slot) { return migrate_one(cpu, folio, vma, slot); });
  return !folio_mapped(cpu.machine, folio);
}

void remove_migration_entries(Cpu& cpu, Page from, Page to) {
  Machine& machine = cpu.machine;
  const Pfn old_pfn = machine.pfn_of(from);
  rmap_walk(machine, to, [&](Vma& vma, std::uint64_t address) {
    const PteSlot slot = vma.mm->page_table.find(address);
    if (!slot) return true;
    Guard guard(*slot.lock);
    const Pte old = slot.get();
    if (!old.is_entry() || !old.entry().has_page() || old.entry().pfn() != old_pfn) return true;
    const SwapEntry entry = old.entry();
    if (entry.is_device_private()) return true;
    // A device-exclusive entry (v6.12 takes it for a migration entry) turns into a
    // present, read-only one. Its reference becomes the mapping's.
    if (entry.is_device_exclusive()) machine.put(cpu, from);
    machine.get(to);
    const bool exclusive = folio_test_anon(to) && entry.type != EntryType::kMigrationRead;
    Pte pte;
    if (machine.is_device_private(machine.pfn_of(to))) {
      pte = Pte::of(SwapEntry{
          entry.is_writable_migration() ? EntryType::kDeviceWrite : EntryType::kDeviceRead,
          machine.pfn_of(to).value});
      if (old.swp_soft_dirty()) pte = pte.with(Pte::kSwpSoftDirty);
    } else {
      pte = Pte::of(machine.pfn_of(to), vma.page_prot);
      if ((entry.offset & SwapEntry::kYoung) == 0) pte = pte.mkold();
      if ((entry.offset & SwapEntry::kDirty) != 0 && to.test(Flag::kDirty)) pte = pte.mkdirty();
      pte = old.swp_soft_dirty() ? pte.with(Pte::kSoftDirty) : pte.without(Pte::kSoftDirty);
      if (entry.is_writable_migration()) pte = pte.with(Pte::kWrite);
    }
    if (folio_test_anon(to))
      folio_add_anon_rmap(cpu, to, vma, address, exclusive);
    else
      map_file(cpu, to, vma, entry.is_writable_migration());
    slot.set(pte);
    if ((vma.flags & kVmLocked) != 0) mlock_drain(cpu);
    return true;
  });
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
    slot.set(slot.get_and_clear().wrprotect().mkclean());
    ++cleaned;
    return true;
  });
  return cleaned;
}

}  // namespace pagebox::inline PAGEBOX_ENV
