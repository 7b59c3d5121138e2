#include "zone_device/device_exclusive.h"

#include <algorithm>
#include <vector>

#include "base/fault.h"
#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "mm/huge/huge.h"
#include "mm/rmap/rmap.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

struct Wanted {
  const Mm& mm;
  std::uint64_t address;
  const void* owner;
};

/// The entry leads to the page, though no CPU can use it.
bool is_exclusive_entry(const Machine& machine, Pte pte, Page page) {
  return pte.is_entry() && pte.entry().is_device_exclusive() &&
         machine.page(pte.entry().pfn()) == page;
}

/// The entry of one page gives up its mapping but keeps its reference. True if the
/// mapping that was asked for could be written.
bool make_entry_exclusive(Cpu& cpu, Page folio, Page page, Vma& vma, std::uint64_t address,
                          PteSlot slot, const Wanted& wanted) {
  Machine& machine = cpu.machine;
  const Pte old = slot.clear_and_flush();
  if (old.dirty()) folio_mark_dirty(machine, folio);
  Pte pte = Pte::of(
      SwapEntry{old.write() ? EntryType::kDeviceExclusiveWrite : EntryType::kDeviceExclusiveRead,
                machine.pfn_of(page).value});
  if (old.soft_dirty()) pte = pte.with(Pte::kSwpSoftDirty);
  slot.replace(pte);
  if (!planted(Mistake::kExclusiveKeepsMapping)) folio_remove_rmap(cpu, page, vma);
  return old.write() && vma.mm == &wanted.mm && address == wanted.address;
}

/// All entries of a huge folio turn with the one asked for, up to one that is exclusive
/// already: there the walk ends (v6.12). False: it does.
bool make_exclusive_here(Cpu& cpu, Page folio, Vma& vma, std::uint64_t address,
                         const Wanted& wanted, bool& valid) {
  split_huge_pmd(cpu, vma, address);  // another process may map it by a leaf
  const std::uint64_t first = vma.pgoff_of(address) - folio_index(folio);
  const std::uint64_t end =
      std::min<std::uint64_t>(vma.end, address + (folio_nr_pages(folio) - first) * kPageBytes);
  Invalidation invalidation(cpu, *vma.mm, {address, end, NotifyEvent::kExclusive, wanted.owner});
  return for_each_page_of_mapping(
      vma, address, folio, [&](Page page, std::uint64_t at, PteSlot slot) {
        const Pte pte = slot.get();
        if (is_exclusive_entry(cpu.machine, pte, page)) return false;
        if (pte.present() && vm_normal_page(cpu.machine, pte) == page)
          valid |= make_entry_exclusive(cpu, folio, page, vma, at, slot, wanted);
        return true;
      });
}

bool make_folio_exclusive(Cpu& cpu, Page folio, const Wanted& wanted) {
  // A file page would need its file system's word for it.
  if (!folio_test_anon(folio)) return false;
  bool valid = false;
  rmap_walk(cpu.machine, folio, [&](Vma& vma, std::uint64_t address) {
    return make_exclusive_here(cpu, folio, vma, address, wanted, valid) &&
           folio_mapped(cpu.machine, folio);
  });
  return valid && !folio_mapped(cpu.machine, folio);
}

}  // namespace

ExclusivePages make_device_exclusive_range(Cpu& cpu, Mm& mm, std::uint64_t start,
                                           std::span<Page> pages, const void* owner) {
  Machine& machine = cpu.machine;
  std::vector<Pfn> pfns(pages.size());
  const GupResult had = gup_locked(cpu, mm, start, pages.size(),
                                   kFollGet | kFollWrite | kFollTouch | kFollSplitPmd, pfns);
  for (std::uint64_t i = 0; i < had.pages; ++i) {
    const Page folio = machine.page(pfns[i]);
    pages[i] = {};
    const bool whole = compound_head(machine.memmap, folio) == folio;
    if (whole && folio_trylock(folio)) {
      if (make_folio_exclusive(cpu, folio, {mm, start + i * kPageBytes, owner})) {
        pages[i] = folio;
        continue;
      }
      folio_unlock(folio);
    }
    put_user_page(cpu, pfns[i]);
  }
  return {had.pages, had.error};
}

}  // namespace pagebox::inline PAGEBOX_ENV
