#include "mm/swap/madvise_lru.h"

#include <algorithm>
#include <utility>

#include "base/uninit_array.h"
#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/gup/pin_question.h"
#include "mm/huge/huge.h"
#include "mm/swap/reclaim.h"
#include "mm/swap/release.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Advice meets a part of a huge page, locked and with a reference, both of which end
/// here: it is split if nobody else holds it. True: it was. No page-table lock held.
bool split_for_advice(Cpu& cpu, Page folio) {
  const bool split = split_folio(cpu, folio) == Errc::kOk;
  folio_unlock(folio);
  folio_put(cpu, folio);
  return split;
}

/// Calls work.entries(folio, entry, slot, pages) with the entries' lock held: for each entry
/// (an empty folio if it maps none), for a huge page once, if all of its entries follow
/// each other in the range. Of which only a part does is split, or passed over. Before the
/// lock is given up work.unlocks(); after each page table work.table_done(), with no lock held.
template <class Work>
void for_each_folio(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end, Work&& work) {
  Machine& machine = cpu.machine;
  const PageTable& tables = vma.mm->page_table;
  for (std::uint64_t address = start; address < end;) {
    const PteSlot pmd = tables.find_pmd(address);
    const std::uint64_t stop = std::min(PageTable::next_table(pmd, address), end);
    PteSlot slot = tables.find_in(pmd, address);
    if (!slot) {
      address = stop;
      continue;
    }
    slot.lock->lock();
    while (address < stop) {
      const Pte pte = slot.get();
      std::uint64_t pages = 1;
      const Page page = pte.present() ? vm_normal_page(machine, pte) : Page();
      const Page folio = page ? compound_head(machine.memmap, page) : Page();
      if (page && folio_test_large(folio)) {
        pages = folio_pte_batch(folio, machine.pfn_of(folio), slot, (stop - address) / kPageBytes);
        if (pages < folio_nr_pages(folio)) {
          // Only a part of it is here.
          if (!folio_likely_mapped_shared(folio) && folio_trylock(folio)) {
            machine.get(folio);
            work.unlocks();
            slot.lock->unlock();
            if (split_for_advice(cpu, folio)) pages = 0;  // look again: a single page now
            slot.lock->lock();
          }
        } else {
          work.entries(folio, pte, slot, pages);
        }
      } else {
        work.entries(folio, pte, slot, 1);
      }
      address += pages * kPageBytes;
      slot.advance(static_cast<std::int64_t>(pages));
    }
    work.unlocks();
    slot.lock->unlock();
    work.table_done();
  }
}

/// Entries `slot` to `slot + pages` lose these bits.
void clear_bits(PteSlot slot, std::uint64_t pages, std::uint64_t bits) {
  for (std::uint64_t i = 0; i < pages; ++i, slot.advance())
    if ((slot.get().value & bits) != 0) slot.clear_bits(bits);
}

void free_folio_entries(Cpu& cpu, Page folio, Pte pte, PteSlot slot, std::uint64_t pages) {
  Machine& machine = cpu.machine;
  if (pte.none()) return;
  if (!pte.present()) {
    if (!pte.entry().is_swap()) return;
    slot.drop();
    free_swap_and_cache(cpu, pte.entry().offset);
    return;
  }
  if (!folio || machine.is_zone_device(machine.pfn_of(folio))) return;
  if (folio_test_swapcache(folio) || folio.test(Flag::kDirty)) {
    if (!folio_trylock(folio)) return;
    // Only the sole owner may say that the contents do not matter.
    const bool clean = folio_mapcount(machine, folio) == static_cast<std::int32_t>(pages) &&
                       (!folio_test_swapcache(folio) || folio_free_swap(cpu, folio));
    if (clean) folio.clear(Flag::kDirty);
    folio_unlock(folio);
    if (!clean) return;
  }
  clear_bits(slot, pages, Pte::kAccessed | Pte::kDirty);
  folio_mark_lazyfree(cpu, folio);
}

/// MADV_FREE of a part of a huge leaf, or all of it.
void free_huge(Cpu& cpu, std::uint64_t start, std::uint64_t end, PteSlot pmd) {
  Machine& machine = cpu.machine;
  pmd.lock->lock();
  const Pte pte = pmd.get();
  const Page folio = pte.present() && pte.huge() ? huge_normal_folio(machine, pte) : Page();
  if (!folio || folio_likely_mapped_shared(folio) || !folio_trylock(folio)) {
    pmd.lock->unlock();
    return;
  }
  if (end - start != kPmdBytes) {
    machine.get(folio);
    pmd.lock->unlock();
    (void)split_for_advice(cpu, folio);
    return;
  }
  folio.clear(Flag::kDirty);
  folio_unlock(folio);
  if (pte.young() || pte.dirty()) pmd.clear_leaf_bits(Pte::kAccessed | Pte::kDirty);
  folio_mark_lazyfree(cpu, folio);
  pmd.lock->unlock();
}

class ColdOrPageout {
 public:
  ColdOrPageout(Cpu& cpu, bool pageout) : cpu_(cpu), pageout_(pageout) {}

  void entries(Page folio, Pte pte, PteSlot slot, std::uint64_t pages) {
    Machine& machine = cpu_.machine;
    if (!pte.present() || !folio || machine.is_zone_device(machine.pfn_of(folio))) return;
    if (!folio.test(Flag::kLru)) return note_lru_skipped(machine, folio);
    if (folio_mapcount(machine, folio) != static_cast<std::int32_t>(pages)) return;
    if (!pageout_) clear_bits(slot, pages, Pte::kAccessed);
    deactivate_or_isolate(folio);
  }
  void unlocks() { isolate(); }
  /// Reclaims what was isolated so far. No lock held.
  void table_done() {
    if (!isolated_.empty()) reclaim_pages(cpu_, isolated_);
    isolated_.clear();
  }

  void huge(std::uint64_t start, std::uint64_t end, PteSlot pmd) {
    Machine& machine = cpu_.machine;
    pmd.lock->lock();
    const Pte pte = pmd.get();
    const Page folio = pte.present() && pte.huge() ? huge_normal_folio(machine, pte) : Page();
    if (!folio || folio_likely_mapped_shared(folio)) {
      pmd.lock->unlock();
      return;
    }
    if (end - start != kPmdBytes) {
      machine.get(folio);
      pmd.lock->unlock();
      folio_lock(folio);
      (void)split_for_advice(cpu_, folio);
      return;
    }
    if (!pageout_ && pte.young()) pmd.clear_leaf_bits(Pte::kAccessed);
    deactivate_or_isolate(folio);
    unlocks();
    pmd.lock->unlock();
    table_done();
  }

 private:
  void deactivate_or_isolate(Page folio) {
    if (folio.test(Flag::kReferenced)) folio.clear(Flag::kReferenced);
    if (!pageout_) return folio_deactivate(cpu_, folio);
    found_[count_++] = cpu_.machine.pfn_of(folio);
    if (count_ == found_.size()) isolate();
  }

  /// Those that were found go off their lists while their entries still hold them.
  void isolate() {
    const std::span<Pfn> found = found_.first(std::exchange(count_, 0));
    if (found.empty()) return;
    for (const Pfn pfn : found.first(folios_isolate_lru(cpu_, found))) {
      const Page folio = cpu_.machine.page(pfn);
      if (folio.test(Flag::kUnevictable))
        folio_putback_lru(cpu_, folio);
      else
        isolated_.push_back(pfn);
    }
  }

  Cpu& cpu_;
  const bool pageout_;
  std::size_t count_ = 0;
  UninitArray<Pfn, kLockedFolios> found_;
  std::vector<Pfn> isolated_;
};

struct Free {
  Cpu& cpu;
  void entries(Page folio, Pte pte, PteSlot slot, std::uint64_t pages) const {
    free_folio_entries(cpu, folio, pte, slot, pages);
  }
  void unlocks() const {}
  void table_done() const {}
};

}  // namespace

std::uint64_t folio_pte_batch(Page folio, Pfn folio_pfn, PteSlot slot, std::uint64_t max) {
  // What may differ from entry to entry: bits that the MMU and writes set.
  constexpr std::uint64_t kIgnored = Pte::kAccessed | Pte::kDirty | Pte::kSoftDirty | Pte::kWrite;
  const Pte first = slot.get();
  const std::uint64_t left = folio_nr_pages(folio) - (first.pfn() - folio_pfn);
  Pte expected = first.without(kIgnored);
  std::uint64_t pages = 0;
  while (pages < std::min(max, left) && slot.get().without(kIgnored) == expected) {
    ++pages;
    slot.advance();
    expected.value += 1ULL << kPageShift;
  }
  return pages;
}

void madvise_cold_or_pageout(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end,
                             bool pageout) {
  lru_add_drain(cpu);
  ColdOrPageout work(cpu, pageout);
  vma.mm->page_table.for_each_huge(
      start, end,
      [&](std::uint64_t from, std::uint64_t to, PteSlot pmd) { work.huge(from, to, pmd); });
  for_each_folio(cpu, vma, start, end, work);
}

void madvise_free(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end) {
  lru_add_drain(cpu);
  Invalidation invalidation(cpu, *vma.mm, {start, end, NotifyEvent::kClear, nullptr});
  vma.mm->page_table.for_each_huge(
      start, end,
      [&](std::uint64_t from, std::uint64_t to, PteSlot pmd) { free_huge(cpu, from, to, pmd); });
  for_each_folio(cpu, vma, start, end, Free{cpu});
}

}  // namespace pagebox::inline PAGEBOX_ENV
