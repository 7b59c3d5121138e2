// A huge leaf becomes a table of entries: its folio stays whole.
#include "base/fault.h"
#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

void split_zero(Cpu& cpu, Vma& vma, PteSlot pmd) {
  PageTable& tables = vma.mm->page_table;
  const auto reserve = tables.withdraw(pmd);
  if (!reserve) return;
  const Pfn table = reserve.value;
  const Pte entry =
      Pte::of(cpu.machine.pfn_of(cpu.machine.zero_page()), vma.page_prot | Pte::kSpecial);
  for (std::uint64_t i = 0; i < kPtesPerTable; ++i) tables.slot_of_spare(table, i).map(entry);
  (void)pmd.invalidate();
  PageTable::populate(pmd, table);
}

/// Entry of the first page; the others follow in pfn.
Pte small_entry(const Vma& vma, Pte old) {
  Pte entry = Pte::of(old.pfn(), vma.page_prot);
  if (old.write()) entry = entry.with(Pte::kWrite);
  if (!old.young()) entry = entry.mkold();
  if (old.dirty()) entry = entry.mkdirty();
  if (old.soft_dirty()) entry = entry.with(Pte::kSoftDirty);
  if (old.has(Pte::kUffdWp)) entry = entry.with(Pte::kUffdWp);
  return entry;
}

Pte migration_entry(Pte old, Pfn pfn, bool exclusive) {
  SwapEntry entry{old.write() ? EntryType::kMigrationWrite
                  : exclusive ? EntryType::kMigrationReadExclusive
                              : EntryType::kMigrationRead,
                  pfn.value};
  if (old.young()) entry.offset |= SwapEntry::kYoung;
  if (old.dirty()) entry.offset |= SwapEntry::kDirty;
  Pte pte = Pte::of(entry);
  if (old.soft_dirty()) pte = pte.with(Pte::kSwpSoftDirty);
  return pte;
}

/// Every page is mapped by an entry of its own, with a reference.
void map_pages(Machine& machine, Page folio, bool exclusive) {
  folio.ref_inc(static_cast<std::int32_t>(kPagesPerPmd) -
                (planted(Mistake::kPmdSplitReferences) ? 0 : 1));
  for (std::uint64_t i = 0; i < kPagesPerPmd; ++i) {
    const Page page = folio_page(folio, i);
    folio_add_pte_mapping(machine, folio, page);
    if (exclusive) page.set(kFlagAnonExclusive);
  }
}

}  // namespace

void split_huge_pmd_locked(Cpu& cpu, Vma& vma, std::uint64_t, PteSlot pmd, bool freeze) {
  Machine& machine = cpu.machine;
  PageTable& tables = vma.mm->page_table;
  const Pte seen = pmd.get();
  const Page folio = huge_normal_folio(machine, seen);
  if (!folio) return split_zero(cpu, vma, pmd);
  const auto reserve = tables.withdraw(pmd);
  if (!reserve) return;

  // Whoever reads entries without a lock must find neither the leaf nor nothing.
  const Pte old = pmd.invalidate();
  if (old.dirty()) folio.set(Flag::kDirty);
  const bool exclusive = page_anon_exclusive(folio);
  if (freeze && exclusive && folio_try_share_anon_rmap(machine, folio) != Errc::kOk)
    freeze = false;  // pinned: the mappings alone are split
  if (!freeze) map_pages(machine, folio, exclusive);

  const Pfn table = reserve.value;
  for (std::uint64_t i = 0; i < kPtesPerTable; ++i) {
    const Pte entry = freeze ? migration_entry(old, old.pfn() + i, exclusive)
                             : Pte{small_entry(vma, old).value + (i << kPageShift)};
    const PteSlot slot = tables.slot_of_spare(table, i);
    if (freeze)
      slot.replace(entry);
    else
      slot.map(entry);
  }
  folio_remove_rmap_pmd(cpu, folio, vma);
  if (freeze) folio_put(cpu, folio);
  PageTable::populate(pmd, table);
}

void split_huge_pmd(Cpu& cpu, Vma& vma, std::uint64_t address) {
  const PteSlot pmd = vma.mm->page_table.find_pmd(address);
  if (!pmd || !pmd.get().present() || !pmd.get().huge()) return;
  const std::uint64_t start = pmd_start(address);
  Invalidation invalidation(cpu, *vma.mm, {start, start + kPmdBytes, NotifyEvent::kClear, nullptr});
  Guard guard(*pmd.lock);
  if (pmd.get().present() && pmd.get().huge()) split_huge_pmd_locked(cpu, vma, start, pmd, false);
}

void split_huge_pmd_if_needed(Cpu& cpu, Vma& vma, std::uint64_t address) {
  const std::uint64_t start = pmd_start(address);
  if (start == address || start < vma.start || start + kPmdBytes > vma.end) return;
  const PteSlot pmd = vma.mm->page_table.find_pmd(address);
  if (!pmd) return;
  // v6.12 announces it also where there is no leaf.
  Invalidation invalidation(cpu, *vma.mm, {start, start + kPmdBytes, NotifyEvent::kClear, nullptr});
  Guard guard(*pmd.lock);
  if (pmd.get().present() && pmd.get().huge()) split_huge_pmd_locked(cpu, vma, start, pmd, false);
}

}  // namespace pagebox::inline PAGEBOX_ENV
