// Migration entries become entries again.
#include <utility>

#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// What a device may write, it writes unseen: such a page of a file is dirty.
void map_file(Cpu& cpu, Page folio, Vma& vma, bool writable) {
  Machine& machine = cpu.machine;
  if (writable && machine.is_zone_device(machine.pfn_of(folio))) folio_mark_dirty(machine, folio);
  folio_add_file_rmap(cpu, folio, vma);
}

/// The mapping's reference: a new one, or the caller's.
enum class MappingRef : std::uint8_t { kNew, kCallers };

/// One entry that was a migration entry of `from` maps `to` again. False: it was none,
/// or is the zero page's now.
bool restore_one(Cpu& cpu, Page from, Page to, Vma& vma, std::uint64_t address, PteSlot slot,
                 bool use_zero_page, MappingRef reference) {
  Machine& machine = cpu.machine;
  const Pte old = slot.get();
  if (!old.is_entry()) return false;
  const SwapEntry entry = old.entry();
  if (!entry.has_page() || entry.pfn() != machine.pfn_of(from) || entry.is_device_private())
    return false;
  const Page folio = compound_head(machine.memmap, to);
  const Pfn pfn = machine.pfn_of(to);
  if (use_zero_page && !folio.test(Flag::kMlocked) && (vma.flags & kVmLocked) == 0 &&
      machine.frames.is_zero(pfn)) {
    const Pte zero = Pte::of(machine.pfn_of(machine.zero_page()), vma.page_prot | Pte::kSpecial);
    slot.map(old.swp_soft_dirty() ? zero.with(Pte::kSoftDirty) : zero);
    return false;
  }
  // A device-exclusive entry (v6.12 takes it for a migration entry) turns into a
  // present, read-only one. Its reference becomes the mapping's.
  if (entry.is_device_exclusive()) folio_put(cpu, compound_head(machine.memmap, from));
  if (reference == MappingRef::kNew) machine.get(folio);
  const bool anon = folio_test_anon(folio);
  const bool exclusive = anon && entry.type != EntryType::kMigrationRead;
  Pte pte;
  if (machine.is_device_private(pfn)) {
    pte = Pte::of(
        SwapEntry{entry.is_writable_migration() ? EntryType::kDeviceWrite : EntryType::kDeviceRead,
                  pfn.value});
    if (old.swp_soft_dirty()) pte = pte.with(Pte::kSwpSoftDirty);
  } else {
    pte = Pte::of(pfn, vma.page_prot);
    if ((entry.offset & SwapEntry::kYoung) == 0) pte = pte.mkold();
    if ((entry.offset & SwapEntry::kDirty) != 0 && folio.test(Flag::kDirty)) pte = pte.mkdirty();
    pte = old.swp_soft_dirty() ? pte.with(Pte::kSoftDirty) : pte.without(Pte::kSoftDirty);
    if (entry.is_writable_migration()) pte = pte.with(Pte::kWrite);
  }
  if (anon)
    folio_add_anon_rmap_locked(cpu, to, vma, address, exclusive);
  else
    map_file(cpu, to, vma, entry.is_writable_migration());
  if (pte.present())
    slot.map(pte);
  else
    slot.replace(pte);
  if ((vma.flags & kVmLocked) != 0) mlock_drain(cpu);
  return true;
}

/// Every entry of this folio that the vma has from `address` on.
bool restore_in_vma(Cpu& cpu, Page from, Page to, Vma& vma, std::uint64_t address,
                    bool use_zero_page) {
  return for_each_page_of_mapping(vma, address, to, [&](Page page, std::uint64_t at, PteSlot slot) {
    (void)restore_one(cpu, folio_page(from, folio_page_index(to, page)), page, vma, at, slot,
                      use_zero_page, MappingRef::kNew);
    return true;
  });
}

/// Single pages in the one vma that may map them: neighbours lie in one table, whose
/// lock is taken once.
void restore_run(Cpu& cpu, std::span<MovedPage> pages, Vma& vma) {
  const Machine& machine = cpu.machine;
  PteSlot first;  // of the table whose lock is held; empty: none is
  std::uint64_t base = 0;
  for (MovedPage& each : pages) {
    const bool hands_over = std::exchange(each.hands_over, false);
    const Page to = machine.page(each.to);
    const std::uint64_t index = folio_index(to);
    if (!vma.contains_pgoff(index)) continue;
    const std::uint64_t address = vma.address_of(index);
    if (!first || pmd_start(address) != base) {
      if (first) first.lock->unlock();
      base = pmd_start(address);
      first = vma.mm->page_table.find(base);
      if (!first) continue;
      first.lock->lock();
    }
    PteSlot slot = first;
    slot.advance(static_cast<std::int64_t>((address - base) / kPageBytes));
    const auto reference = hands_over ? MappingRef::kCallers : MappingRef::kNew;
    if (!restore_one(cpu, machine.page(each.from), to, vma, address, slot, false, reference) ||
        !hands_over)
      continue;
    // The mapping keeps the page: nobody takes it away without the table's lock.
    folio_unlock(to);
    each.hands_over = true;
  }
  if (first) first.lock->unlock();
}

/// How many of the pages, from the first on, have one owner, and so the same mappings.
/// `mapping` of a locked page stays: it says where they are found.
std::size_t run_of_owner(const Machine& machine, std::span<const MovedPage> pages) {
  const Page first = machine.page(pages[0].to);
  const std::uint64_t owner = first.mapping();
  std::size_t run = 1;
  if (folio_test_large(first)) return run;
  for (; run < pages.size(); ++run) {
    const Page page = machine.page(pages[run].to);
    if (page.mapping() != owner || folio_test_large(page)) break;
  }
  return run;
}

}  // namespace

void restore_frozen_mappings(Cpu& cpu, const AnonVma& locked, Page folio, bool use_zero_page) {
  rmap_walk_locked(locked, folio, [&](Vma& vma, std::uint64_t address) {
    return restore_in_vma(cpu, folio, folio, vma, address, use_zero_page);
  });
}

void remove_migration_entries(Cpu& cpu, Page from, Page to) {
  with_mappings(cpu.machine, to, [&](const std::vector<Vma*>& mappings) {
    for_each_mapping(mappings, to, [&](Vma& vma, std::uint64_t address) {
      return restore_in_vma(cpu, from, to, vma, address, false);
    });
  });
}

void remove_migration_entries(Cpu& cpu, std::span<MovedPage> pages) {
  const Machine& machine = cpu.machine;
  while (!pages.empty()) {
    const Page first = machine.page(pages[0].to);
    const std::size_t run = run_of_owner(machine, pages);
    bool found = false;
    with_mappings(cpu.machine, first, [&](const std::vector<Vma*>& mappings) {
      found = true;
      if (mappings.size() == 1 && !folio_test_large(first))
        return restore_run(cpu, pages.first(run), *mappings.front());
      for (MovedPage& each : pages.first(run)) {
        each.hands_over = false;
        const Page from = machine.page(each.from), to = machine.page(each.to);
        for_each_mapping(mappings, to, [&](Vma& vma, std::uint64_t address) {
          return restore_in_vma(cpu, from, to, vma, address, false);
        });
      }
    });
    for (std::size_t i = 0; i < run && !found; ++i) pages[i].hands_over = false;
    pages = pages.subspan(run);
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
