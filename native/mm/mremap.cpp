// mremap to a fixed place, without growing: the entries move, the pages stay.
#include <algorithm>

#include "mm/file/files.h"
#include "mm/huge/huge.h"
#include "mm/huge/hugetlb.h"
#include "mm/mm.h"
#include "mm/range.h"
#include "mm/zap.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

Pte move_soft_dirty(Pte pte) {
  if (pte.present()) return pte.with(Pte::kSoftDirty);
  return pte.is_entry() ? pte.with(Pte::kSwpSoftDirty) : pte;
}

/// A huge leaf, or a table with all its entries, which then do not turn soft-dirty
/// (v6.12). Walks that come from a page stay out meanwhile: the table is the same, yet
/// its addresses are not. False: nothing there, or the target is taken.
Result<bool> move_whole_pmd(Cpu& cpu, Vma& vma, std::uint64_t from, std::uint64_t to) {
  Mm& mm = *vma.mm;
  const PteSlot old = mm.page_table.find_pmd(from);
  if (!old || old.get().none()) return false;
  const auto target = mm.page_table.alloc_pmd(cpu, to);
  if (!target) return target.error;
  if (vma.file != nullptr) vma.file->i_mmap_lock.lock();
  if (!vma.chain.empty()) vma.chain.front()->lock().lock();
  const bool moved = mm.page_table.move_pmd(
      old, target.value, [](Pte pmd) { return pmd.huge() ? pmd.with(Pte::kSoftDirty) : pmd; });
  if (!vma.chain.empty()) vma.chain.front()->lock().unlock();
  if (vma.file != nullptr) vma.file->i_mmap_lock.unlock();
  return moved;
}

Errc move_page_tables(Cpu& cpu, Vma& vma, std::uint64_t from, std::uint64_t end, std::uint64_t to) {
  Mm& mm = *vma.mm;
  Invalidation invalidation(cpu, mm, {from, end, NotifyEvent::kUnmap, nullptr});
  if (vma.is_hugetlb()) return move_hugetlb_range(cpu, vma, from, end, to);
  std::uint64_t step = 0;
  for (; from < end; from += step, to += step) {
    step = kPageBytes;
    if (from % kPmdBytes == 0 && to % kPmdBytes == 0 && end - from >= kPmdBytes) {
      const Result<bool> moved = move_whole_pmd(cpu, vma, from, to);
      if (!moved) return moved.error;
      if (moved.value) {
        step = kPmdBytes;
        continue;
      }
    }
    split_huge_pmd(cpu, vma, from);
    const PteSlot old = mm.page_table.find(from);
    if (!old) {
      const PageTable& tables = mm.page_table;
      step = std::min(end, PageTable::next_table(tables.find_pmd(from), from)) - from;
      continue;
    }
    const auto slot = mm.page_table.alloc(cpu, to);
    if (!slot) return slot.error;
    Guard guard(*old.lock);
    // Two letters lie 64 MiB apart, so never one table; yet a caller may move
    // within one.
    const bool nested = slot.value.lock != old.lock;
    if (nested) slot.value.lock->lock();
    if (!old.get().none()) {
      const Pte moved = move_soft_dirty(old.clear_and_flush());
      moved.present() ? slot.value.map(moved) : slot.value.replace(moved);
    }
    if (nested) slot.value.lock->unlock();
  }
  return Errc::kOk;
}

/// The tables that move_page_tables() needs: before anything moves, so that it cannot stop
/// half-way. What exists where nothing comes goes with the address space.
Errc make_tables(Cpu& cpu, const Vma& vma, std::uint64_t from, std::uint64_t end,
                 std::uint64_t to) {
  PageTable& tables = vma.mm->page_table;
  while (from < end) {
    const bool whole = from % kPmdBytes == 0 && to % kPmdBytes == 0 && end - from >= kPmdBytes;
    const PteSlot old = tables.find_pmd(from);
    const std::uint64_t step =
        old ? std::min({end - from, kPmdBytes - from % kPmdBytes, kPmdBytes - to % kPmdBytes})
            : std::min(end, PageTable::next_table(old, from)) - from;
    if (old && !old.get().none()) {
      const auto target =
          whole || vma.is_hugetlb() ? tables.alloc_pmd(cpu, to) : tables.alloc(cpu, to);
      if (!target) return target.error;
    }
    from += step;
    to += step;
  }
  return Errc::kOk;
}

/// The mapping at its new place: a neighbour grows, or a new vma with the anon_vmas
/// of the old one.
Vma* copy_vma(Mm& mm, Vma& vma, std::uint64_t start, std::uint64_t end, std::uint64_t pgoff) {
  auto fresh = std::make_unique<Vma>();
  fresh->mm = &mm;
  fresh->start = start;
  fresh->end = end;
  fresh->pgoff = pgoff;
  fresh->flags = vma.flags;
  fresh->page_prot = vma.page_prot;
  fresh->file = vma.file;
  fresh->file_handle = vma.file_handle;
  if (vma.is_hugetlb()) fresh->hugetlb = hugetlb_move_claims(vma, pgoff, fresh->pages());
  if (fresh->file != nullptr) get_file(*fresh->file);
  fresh->anon_vma.store(vma.anon_vma.load());
  anon_vma_clone(*fresh, vma, false);
  return vma_link(mm, std::move(fresh));
}

/// [from, end), which lies within the vma.
Errc move_within(Cpu& cpu, Vma& vma, std::uint64_t from, std::uint64_t end, std::uint64_t to) {
  Mm& mm = *vma.mm;
  if ((vma.flags & (kVmDontExpand | kVmPfnMap)) != 0 && !vma.is_hugetlb()) return Errc::kFault;
  if (cpu.fails(FailSite::kSlab)) return Errc::kNoMem;
  if (const Errc error = make_tables(cpu, vma, from, end, to); error != Errc::kOk) return error;
  std::uint64_t pgoff = vma.pgoff_of(from);
  // Anonymous memory without a page yet is numbered by its new place.
  if (vma.is_anonymous() && !vma.is_hugetlb() && vma.anon_vma.load() == nullptr)
    pgoff = to / kPageBytes;
  copy_vma(mm, vma, to, to + (end - from), pgoff);
  if (const Errc error = move_page_tables(cpu, vma, from, end, to); error != Errc::kOk)
    return error;
  // Locked pages moved with their locks: the old vma must not unlock them.
  const Errc error = munmap_locked(cpu, mm, from, end);
  // No vma to cut the old one with: it stays, empty, and the move is done all the same.
  return error == Errc::kNoMem ? Errc::kOk : error;
}

/// Every mapping of the range moves, and gaps stay gaps (rule 'mremap-moves-all').
Errc move_all(Cpu& cpu, Mm& mm, std::uint64_t from, std::uint64_t end, std::uint64_t to) {
  for (std::uint64_t at = from; at < end;) {
    Vma* vma = mm.find_vma_after(at);
    if (vma == nullptr || vma->start >= end) break;
    const std::uint64_t start = std::max<std::uint64_t>(at, vma->start),
                        stop = std::min<std::uint64_t>(end, vma->end);
    if (vma->is_hugetlb() &&
        !(hugetlb_aligned(start) && hugetlb_aligned(stop) && hugetlb_aligned(to + (start - from))))
      return Errc::kInval;
    if (const Errc error = move_within(cpu, *vma, start, stop, to + (start - from));
        error != Errc::kOk)
      return error;
    at = stop;
  }
  return Errc::kOk;
}

}  // namespace

Errc do_mremap(Cpu& cpu, Mm& mm, std::uint64_t from, std::uint64_t pages, std::uint64_t to) {
  if (!valid_range(from, pages) || !valid_range(to, pages)) return Errc::kInval;
  const std::uint64_t bytes = pages * kPageBytes;
  if (from + bytes > to && to + bytes > from) return Errc::kInval;
  Guard guard(mm.mmap_lock);
  Vma* vma = mm.find_vma(from);
  if (vma == nullptr) return Errc::kFault;
  if (vma->is_hugetlb() &&
      !(hugetlb_aligned(from) && hugetlb_aligned(to) && hugetlb_aligned(bytes)))
    return Errc::kInval;
  // The target goes first, also when the move fails below.
  if (const Errc error = munmap_locked(cpu, mm, to, to + bytes); error != Errc::kOk) return error;
  vma = mm.find_vma(from);
  if (cpu.machine.has(Rule::kMremapMovesAll)) return move_all(cpu, mm, from, from + bytes, to);
  if (from + bytes > vma->end) return Errc::kFault;
  return move_within(cpu, *vma, from, from + bytes, to);
}

}  // namespace pagebox::inline PAGEBOX_ENV
