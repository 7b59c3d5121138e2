// migrate_vma_setup: which pages of a range can move, and taking them out of this
// process's page table.
#include <algorithm>

#include "base/fault.h"
#include "mm/fault/device_fault.h"
#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"
#include "page/folio.h"
#include "zone_device/dev_pagemap.h"
#include "zone_device/migrate_device.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

bool selected(const Machine& machine, const MigrateVma& migrate, Pfn pfn) {
  const DevPagemap* pagemap = DevPagemap::of(machine, pfn);
  if (pagemap == nullptr) return (migrate.flags & kSelectSystem) != 0;
  std::uint32_t wanted = 0;
  if (pagemap->memory() == DeviceMemory::kPrivate) wanted = kSelectDevicePrivate;
  if (pagemap->memory() == DeviceMemory::kCoherent || pagemap->memory() == DeviceMemory::kPublic)
    wanted = kSelectDeviceCoherent;
  return (migrate.flags & wanted) != 0 && pagemap->owner() == migrate.pgmap_owner;
}

/// What stands at an entry; an empty word: nothing that can move.
MigratePfn candidate(Machine& machine, const MigrateVma& migrate, Pte pte) {
  if (pte.none()) return {migrate.vma->is_anonymous() ? MigratePfn::kMigrate : 0};
  if (!pte.present()) {
    const SwapEntry entry = pte.entry();
    if (!entry.is_device_private() || !selected(machine, migrate, entry.pfn())) return {};
    MigratePfn word = MigratePfn::of(entry.pfn());
    word.set(MigratePfn::kMigrate | (entry.is_writable_device() ? MigratePfn::kWrite : 0));
    return word;
  }
  if (machine.is_zero_pfn(pte.pfn()))
    return {(migrate.flags & kSelectSystem) != 0 ? MigratePfn::kMigrate : 0};
  const Page page = vm_normal_page(machine, pte);
  if (!page || !selected(machine, migrate, pte.pfn())) return {};
  // No owner to find it by, or part of a huge page that the leaf's split left whole.
  if (page.mapping() == 0 || compound_head(machine.memmap, page).test(Flag::kHead)) return {};
  MigratePfn word = MigratePfn::of(pte.pfn());
  word.set(MigratePfn::kMigrate | (pte.write() ? MigratePfn::kWrite : 0));
  return word;
}

/// Only single pages migrate: a huge one, or the huge zero page, is split first.
/// False: others hold it, so all of its pages stay.
bool split_leaf(Cpu& cpu, Vma& vma, std::uint64_t address) {
  Machine& machine = cpu.machine;
  const PteSlot pmd = vma.mm->page_table.find_pmd(address);
  if (!pmd) return true;
  Page folio;
  {
    Guard guard(*pmd.lock);
    const Pte pte = pmd.get();
    if (!pte.present() || !pte.huge()) return true;
    folio = huge_normal_folio(machine, pte);
    if (folio) machine.get(folio);
  }
  if (!folio) {
    split_huge_pmd(cpu, vma, address);
    return true;
  }
  bool split = false;
  if (folio_trylock(folio)) {
    split = split_folio(cpu, folio) == Errc::kOk;
    folio_unlock(folio);
  }
  folio_put(cpu, folio);
  return split;
}

/// The entry becomes a migration entry. False: it stays (locked, or pinned).
bool unmap_here(Cpu& cpu, MigrateVma& migrate, PteSlot slot, MigratePfn word) {
  Machine& machine = cpu.machine;
  const Page folio = machine.page(word.pfn());
  // Two migrations that want each other's pages must not wait for them.
  const bool is_ours = folio == migrate.locked_page;
  if (!is_ours && !folio_trylock(folio)) return false;
  const bool exclusive = folio_test_anon(folio) && page_anon_exclusive(folio);
  const Pte old = slot.clear_and_flush();
  if (exclusive && folio_try_share_anon_rmap(machine, folio) != Errc::kOk) {
    slot.restore(old);
    if (!is_ours) folio_unlock(folio);
    return false;
  }
  SwapEntry entry{word.write() ? EntryType::kMigrationWrite
                  : exclusive  ? EntryType::kMigrationReadExclusive
                               : EntryType::kMigrationRead,
                  word.pfn().value};
  const bool present = old.present();
  if (present && old.dirty() && !machine.has(Quirk::kCollectLosesDirty)) {
    folio_mark_dirty(machine, folio);
    entry.offset |= SwapEntry::kDirty;
  }
  if (present && old.young()) entry.offset |= SwapEntry::kYoung;
  Pte pte = Pte::of(entry);
  if (present ? old.soft_dirty() : old.swp_soft_dirty()) pte = pte.with(Pte::kSwpSoftDirty);
  slot.replace(pte);
  if (!planted(Mistake::kCollectKeepsMapping)) folio_remove_rmap_locked(cpu, folio, *migrate.vma);
  return true;  // the entry's reference is ours now
}

void collect(Cpu& cpu, MigrateVma& migrate) {
  Invalidation invalidation(
      cpu, *migrate.vma->mm,
      {migrate.start, migrate.end, NotifyEvent::kMigrate, migrate.pgmap_owner});
  std::ranges::fill(migrate.src, candidate(cpu.machine, migrate, {}));
  const auto word_of = [&](std::uint64_t address) -> MigratePfn& {
    return migrate.src[(address - migrate.start) / kPageBytes];
  };
  for (std::uint64_t from = migrate.start, to = 0; from < migrate.end; from = to) {
    to = std::min(migrate.end, (from | (kPmdBytes - 1)) + 1);
    if (!split_leaf(cpu, *migrate.vma, from)) {
      for (std::uint64_t at = from; at < to; at += kPageBytes) word_of(at) = {};
      continue;
    }
    migrate.vma->mm->page_table.for_each_pte(from, to, [&](std::uint64_t address, PteSlot slot) {
      MigratePfn& word = word_of(address);
      word = candidate(cpu.machine, migrate, slot.get());
      if (word.valid() && !unmap_here(cpu, migrate, slot, word)) word = {};
    });
  }
  for (const MigratePfn word : migrate.src)
    if (word.migrate()) ++migrate.cpages;
}

}  // namespace

Errc migrate_vma_setup(Cpu& cpu, MigrateVma& migrate) {
  const Vma* vma = migrate.vma;
  if (vma == nullptr || (vma->flags & kVmSpecial) != 0) return Errc::kInval;
  if (migrate.start % kPageBytes != 0 || migrate.end % kPageBytes != 0 ||
      migrate.start >= migrate.end || migrate.start < vma->start || migrate.end > vma->end)
    return Errc::kInval;
  const std::uint64_t pages = (migrate.end - migrate.start) / kPageBytes;
  if (migrate.src.size() < pages || migrate.dst.size() < pages) return Errc::kInval;
  if (migrate.fault_page && !cpu.machine.is_device_private(cpu.machine.pfn_of(migrate.fault_page)))
    return Errc::kInval;
  migrate.src = migrate.src.first(pages);
  migrate.dst = migrate.dst.first(pages);
  migrate.cpages = 0;
  migrate.locked_page = device_faults_lock_first(cpu.machine) ? migrate.fault_page : Page();
  collect(cpu, migrate);
  if (migrate.cpages > 0)
    migrate.cpages =
        migrate_device_unmap(cpu, migrate.src, migrate.fault_page, migrate.locked_page);
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
