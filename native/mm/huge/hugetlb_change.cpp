// What system calls do to hugetlb memory, and the counts of its pages.
#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "mm/huge/hugetlb.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// The child's own copy of a page that is (maybe) pinned. kAgain: the parent's entry
/// has changed meanwhile.
Errc copy_pinned(Cpu& cpu, Vma& to, std::uint64_t address, PteSlot child, PteSlot parent,
                 Pte seen) {
  Machine& machine = cpu.machine;
  const auto fresh = machine.hugetlb.take(false);
  if (!fresh) return Errc::kNoMem;
  const Page folio = fresh.value;
  hugetlb_copy(machine, folio, machine.page(seen.pfn()));
  {
    const Guard child_guard(*child.lock);
    const Guard parent_guard(*parent.lock);
    if (parent.get() == seen) {
      hugetlb_add_new_anon_rmap(machine, folio, to, address);
      const Pte pte = Pte::of(machine.pfn_of(folio), to.page_prot | Pte::kHuge);
      child.map(maybe_mkwrite(pte.mkdirty(), to));
      return Errc::kOk;
    }
  }
  folio_put(cpu, folio);
  return Errc::kAgain;
}

/// kBusy: maybe pinned, `seen` says by which entry; nothing is changed.
Errc share_leaf(Machine& machine, const Vma& from, PteSlot child, PteSlot parent, Pte& seen) {
  const Guard child_guard(*child.lock);
  const Guard parent_guard(*parent.lock);
  seen = parent.get();
  if (!is_huge_leaf(seen)) return Errc::kOk;
  const Page folio = machine.page(seen.pfn());
  machine.get(folio);
  if (const Errc error = hugetlb_try_dup_anon_rmap(folio, from); error != Errc::kOk) {
    folio.ref_sub(1);  // not the last: the parent's entry has one
    return error;
  }
  parent.write_protect();
  child.map(seen.wrprotect());
  return Errc::kOk;
}

Errc copy_leaf(Cpu& cpu, Vma& to, Vma& from, std::uint64_t address, PteSlot parent) {
  const auto child = to.mm->page_table.alloc_pmd(cpu, address);
  if (!child) return Errc::kNoMem;
  for (Retry retry("a huge page to be shared");;) {
    Pte seen;
    Errc error = share_leaf(cpu.machine, from, child.value, parent, seen);
    if (error == Errc::kBusy) error = copy_pinned(cpu, to, address, child.value, parent, seen);
    if (error != Errc::kAgain) return error;
    if (!retry.again()) return Errc::kLivelock;
  }
}

}  // namespace

void zap_hugetlb_range(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end) {
  Machine& machine = cpu.machine;
  vma.mm->page_table.for_each_huge(start, end, [&](std::uint64_t, std::uint64_t, PteSlot pmd) {
    Page folio;
    {
      const Guard guard(*pmd.lock);
      if (!is_huge_leaf(pmd.get())) return;
      folio = machine.page(pmd.clear_and_flush().pfn());
      hugetlb_remove_rmap(folio);
    }
    folio_put(cpu, folio);
  });
}

Errc hugetlb_dontneed(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end) {
  if (!hugetlb_aligned(start)) return Errc::kInval;
  end = pmd_start(end);
  if (start >= end) return Errc::kOk;
  {
    Invalidation invalidation(cpu, *vma.mm, {start, end, NotifyEvent::kClear, nullptr});
    zap_hugetlb_range(cpu, vma, start, end);
  }
  HugetlbClaims& claims = *vma.hugetlb;
  HugetlbPool& pool = cpu.machine.hugetlb;
  const Guard guard(pool.fault_lock);
  for (std::uint64_t at = start; at < end && claims.owner; at += kPmdBytes) {
    const PteSlot pmd = vma.mm->page_table.find_pmd(at);
    // Somebody may have faulted it in again.
    if (pmd && !pmd.get().none()) continue;
    if (!hugetlb_promised(vma, at))
      claims.promised.edit(hugetlb_index(vma, at)) = pool.reserve(1) == Errc::kOk;
  }
  return Errc::kOk;
}

Errc copy_hugetlb_range(Cpu& cpu, Vma& to, Vma& from) {
  Errc error = Errc::kOk;
  from.mm->page_table.for_each_huge(from.start, from.end,
                                    [&](std::uint64_t address, std::uint64_t, PteSlot parent) {
                                      if (error == Errc::kOk)
                                        error = copy_leaf(cpu, to, from, address, parent);
                                    });
  return error;
}

std::shared_ptr<HugetlbClaims> hugetlb_move_claims(Vma& vma, std::uint64_t pgoff,
                                                   std::uint64_t pages) {
  HugetlbClaims& from = *vma.hugetlb;
  auto to = std::make_shared<HugetlbClaims>();
  to->first_pgoff = pgoff;
  to->owner = from.owner;
  for (std::uint64_t i = 0; from.owner && i < pages / kPagesPerPmd; ++i) {
    const std::uint64_t at = (pgoff - from.first_pgoff) / kPagesPerPmd + i;
    to->promised.push_back(from.promised[at]);
    from.promised.edit(at) = false;
  }
  return to;
}

Errc move_hugetlb_range(Cpu& cpu, Vma& vma, std::uint64_t from, std::uint64_t end,
                        std::uint64_t to) {
  PageTable& tables = vma.mm->page_table;
  // Who takes pages away (rule 3) finds each in one of the two places, and what it said
  // of the old one it has said of both.
  const Guard faults(cpu.machine.hugetlb.fault_lock);
  vma.mm->find_vma(to)->hugetlb->lost = vma.hugetlb->lost.get();
  for (; from < end; from += kPmdBytes, to += kPmdBytes) {
    const PteSlot old = tables.find_pmd(from);
    if (!old || old.get().none()) continue;
    const auto target = tables.alloc_pmd(cpu, to);
    if (!target) return Errc::kNoMem;
    const Guard guard(*old.lock);
    const bool nested = target.value.lock != old.lock;
    if (nested) target.value.lock->lock();
    target.value.map(old.clear_and_flush());
    if (nested) target.value.lock->unlock();
  }
  return Errc::kOk;
}

void hugetlb_add_new_anon_rmap(Machine& machine, Page folio, Vma& vma, std::uint64_t start) {
  folio_set_anon(machine, folio, *vma.anon_vma.load(), vma.pgoff_of(start));
  folio_add_hugetlb_mapping(folio);
  folio.set(kFlagAnonExclusive);
}

void hugetlb_remove_rmap(Page folio) { folio_remove_hugetlb_mapping(folio); }

Errc hugetlb_try_dup_anon_rmap(Page folio, const Vma& source) {
  if (page_anon_exclusive(folio)) {
    if (folio_needs_cow_for_dma(source, folio)) return Errc::kBusy;
    folio.clear(kFlagAnonExclusive);
  }
  folio_add_hugetlb_mapping(folio);
  return Errc::kOk;
}

void hugetlb_clear(Machine& machine, Page folio) {
  machine.frames.clear(machine.pfn_of(folio), kPagesPerPmd);
  folio.set(Flag::kUptodate);
}

void hugetlb_copy(Machine& machine, Page to, Page from) {
  machine.frames.copy(machine.pfn_of(to), machine.pfn_of(from), kPagesPerPmd);
  to.set(Flag::kUptodate);
}

}  // namespace pagebox::inline PAGEBOX_ENV
