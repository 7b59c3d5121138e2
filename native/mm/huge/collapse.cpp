#include "mm/huge/collapse.h"

#include <algorithm>
#include <vector>

#include "base/fault.h"
#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// khugepaged also asks how many pages are empty, swapped or shared; who asks for it by name
/// is not asked (v6.1).
bool may_collapse(const Vma& vma) {
  return vma.mm->machine.options().transparent_huge_pages && vma.is_anonymous() &&
         (vma.flags & kVmNoHugepage) == 0;
}

/// The references of a folio are those of its mappings and of the swap cache.
bool only_mapped(Machine& machine, Page folio) {
  const std::int32_t cached =
      folio_test_swapcache(folio) ? static_cast<std::int32_t>(folio_nr_pages(folio)) : 0;
  return folio.refcount() == count_sum(folio_mapcount(machine, folio), cached) ||
         planted(Mistake::kCollapseHeld);
}

class Collapse {
 public:
  Collapse(Cpu& cpu, Mm& mm, std::uint64_t start)
      : cpu_(cpu), machine_(cpu.machine), mm_(mm), start_(start) {}

  Errc run() {
    bool is_huge = false;
    if (const Errc error = scan(is_huge); error != Errc::kOk || is_huge) return error;
    const auto fresh = machine_.alloc_folio(cpu_, kHugeOrder);
    if (!fresh) return fresh.error;
    const Errc error = replace(fresh.value);
    if (error != Errc::kOk) folio_put(cpu_, fresh.value);
    return error;
  }

 private:
  /// Null: it is not there, or may not become huge. mmap_lock is held.
  Vma* vma() const {
    Vma* vma = mm_.find_vma(start_);
    return vma != nullptr && vma->end >= start_ + kPmdBytes && may_collapse(*vma) ? vma : nullptr;
  }

  bool is_empty(Pte pte) const { return pte.none() || machine_.is_zero_pfn(pte.pfn()); }

  /// kOk: a page of ours, in `page`; empty: nothing there.
  Errc look(Pte pte, Page& page) const {
    page = Page();
    if (pte.none()) return Errc::kOk;
    if (!pte.present() || pte.has(Pte::kUffdWp)) return Errc::kInval;
    if (machine_.is_zero_pfn(pte.pfn())) return Errc::kOk;
    page = vm_normal_page(machine_, pte);
    if (!page || machine_.is_zone_device(pte.pfn())) return Errc::kInval;
    const Page folio = compound_head(machine_.memmap, page);
    if (!folio_test_anon(folio)) return Errc::kInval;
    return folio.test(Flag::kLru) && !folio.test(Flag::kLocked) && only_mapped(machine_, folio)
               ? Errc::kOk
               : Errc::kAgain;
  }

  /// What is in swap is read first: that is a fault as any other.
  void swap_in(Vma& in) {
    bool any = false;
    mm_.page_table.for_each_pte(start_, start_ + kPmdBytes, [&](std::uint64_t, PteSlot slot) {
      any |= slot.get().is_entry() && slot.get().entry().is_swap();
    });
    for (std::uint64_t i = 0; any && i < kPtesPerTable; ++i) {
      const std::uint64_t at = start_ + i * kPageBytes;
      const Pte pte = mm_.page_table.find(at).get();
      if (pte.is_entry() && pte.entry().is_swap()) (void)handle_mm_fault(cpu_, in, at, 0);
    }
    if (any) lru_add_drain(cpu_);  // a batch holds what has just come
  }

  Errc scan(bool& is_huge) {
    SharedGuard guard(mm_.mmap_lock);
    Vma* in = vma();
    if (in == nullptr) return Errc::kInval;
    const PteSlot pmd = mm_.page_table.find_pmd(start_);
    is_huge = pmd && is_huge_leaf(pmd.get());
    if (is_huge) return Errc::kOk;
    PteSlot slot = mm_.page_table.find(start_);
    if (!slot) return Errc::kInval;
    swap_in(*in);
    bool any_writable = false;
    for (std::uint64_t i = 0; i < kPtesPerTable; ++i, slot.advance()) {
      const Pte pte = slot.get();
      Page page;
      if (const Errc error = look(pte, page); error != Errc::kOk) return error;
      any_writable |= page && pte.write();
    }
    return any_writable ? Errc::kOk : Errc::kInval;
  }

  Errc replace(Page fresh) {
    Guard guard(mm_.mmap_lock);
    Vma* in = vma();
    const PteSlot pmd = mm_.page_table.find_pmd(start_);
    if (in == nullptr || !pmd || !pmd.get().present() || pmd.get().huge()) return Errc::kInval;
    if (anon_vma_prepare(cpu_, *in) != Errc::kOk) return Errc::kNoMem;
    AnonVma* const anon_vma = in->anon_vma.load();
    anon_vma->lock().lock();
    Pfn table;
    {
      Invalidation invalidation(cpu_, mm_,
                                {start_, start_ + kPmdBytes, NotifyEvent::kClear, nullptr});
      Guard of_pmd(*pmd.lock);
      table = pmd.clear_and_flush().pfn();
    }
    if (!machine_.has(Quirk::kCollapseUnsynced)) machine_.rcu.synchronize();
    const Errc error = take_pages(table);
    if (error != Errc::kOk) {
      Guard of_pmd(*pmd.lock);
      PageTable::populate(pmd, table);
    }
    anon_vma->lock().unlock();
    if (error != Errc::kOk) {
      give_back();
      return error;
    }
    copy(fresh, *in, table);
    map(fresh, *in, pmd, table);
    return Errc::kOk;
  }

  /// Locks and isolates what the table leads to. kAgain: one is held; what was taken is in
  /// taken_ all the same.
  Errc take_pages(Pfn table) {
    const PteSlot first = mm_.page_table.slot_in(table, 0);
    Guard guard(*first.lock);
    PteSlot slot = first;
    for (std::uint64_t i = 0; i < kPtesPerTable; ++i, slot.advance()) {
      const Pte pte = slot.get();
      if (pte.present() && !is_empty(pte) && has_taken(vm_normal_page(machine_, pte))) continue;
      Page page;
      if (const Errc error = look(pte, page); error != Errc::kOk) return error;
      if (!page) continue;
      const Page folio = compound_head(machine_.memmap, page);
      if (!folio_trylock(folio)) return Errc::kAgain;
      // Under its lock: nobody takes it into the swap cache or out of it.
      if (!only_mapped(machine_, folio) || !folio_isolate_lru(cpu_, folio)) {
        folio_unlock(folio);
        return Errc::kAgain;
      }
      taken_.push_back(machine_.pfn_of(folio));
    }
    return Errc::kOk;
  }

  /// Of a large folio whose pages have entries of their own: taken with the first of them.
  bool has_taken(Page page) const {
    if (!page) return false;
    const Pfn head = machine_.pfn_of(compound_head(machine_.memmap, page));
    return std::ranges::find(taken_, head) != taken_.end();
  }

  void give_back() {
    for (const Pfn pfn : taken_) {
      const Page folio = machine_.page(pfn);
      folio_unlock(folio);
      free_swap_cache(cpu_, folio);
      folio_putback_lru(cpu_, folio);
    }
    taken_.clear();
  }

  void copy(Page fresh, Vma& in, Pfn table) {
    const Pfn to = machine_.pfn_of(fresh);
    for (std::uint64_t i = 0; i < kPtesPerTable; ++i) {
      const PteSlot slot = mm_.page_table.slot_in(table, i);
      const Pte pte = slot.get();
      if (is_empty(pte)) {
        machine_.frames.clear(to + i);
        if (pte.none()) continue;
        Guard guard(*slot.lock);
        slot.drop();
        continue;
      }
      machine_.frames.copy(to + i, pte.pfn());
      const Page page = machine_.page(pte.pfn());
      {
        Guard guard(*slot.lock);
        (void)slot.clear_and_flush();
        folio_remove_rmap(cpu_, page, in);
      }
      folio_put(cpu_, compound_head(machine_.memmap, page));  // isolation holds another one
    }
    fresh.set(Flag::kUptodate);
    give_back();
  }

  void map(Page fresh, Vma& in, PteSlot pmd, Pfn table) {
    Guard guard(*pmd.lock);
    folio_add_new_anon_rmap(cpu_, fresh, in, start_, true);
    folio_add_lru_vma(cpu_, fresh, in);
    mm_.page_table.deposit(pmd, table);
    pmd.map(
        maybe_mkwrite(Pte::of(machine_.pfn_of(fresh), in.page_prot | Pte::kHuge).mkdirty(), in));
    machine_.deferred_split.add(fresh, false);
  }

  Cpu& cpu_;
  Machine& machine_;
  Mm& mm_;
  const std::uint64_t start_;
  std::vector<Pfn> taken_;
};

/// kNoMem: a hole; kInval: a mapping that may not become huge.
Errc may_collapse(Mm& mm, std::uint64_t start, std::uint64_t end) {
  SharedGuard guard(mm.mmap_lock);
  for (std::uint64_t at = start; at < end;) {
    const Vma* vma = mm.find_vma(at);
    if (vma == nullptr) return Errc::kNoMem;
    if (!may_collapse(*vma)) return Errc::kInval;
    at = vma->end;
  }
  return Errc::kOk;
}

}  // namespace

Errc collapse_range(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t end) {
  if (const Errc error = may_collapse(mm, start, end); error != Errc::kOk) return error;
  lru_add_drain_all(cpu);
  Errc last = Errc::kOk;
  for (std::uint64_t at = (start + kPmdBytes - 1) & ~(kPmdBytes - 1); at + kPmdBytes <= end;
       at += kPmdBytes) {
    const Errc error = Collapse(cpu, mm, at).run();
    if (error != Errc::kOk) last = error;
    if (error == Errc::kNoMem) break;
  }
  return last;
}

}  // namespace pagebox::inline PAGEBOX_ENV
