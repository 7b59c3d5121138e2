// Vmas of an address space: finding, cutting, merging. A vma whose extent
// changes leaves its rmap trees and enters them again, behind its equals.
//
// Walks that come from a page hold the trees' locks, not mmap_lock. So whoever takes
// over a part enters before the other one leaves: an address may have two vmas for
// a moment (a walk finds its entry twice), never none.
#include <algorithm>

#include "mm/file/files.h"
#include "mm/huge/huge.h"
#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::unique_ptr<Vma> vma_dup(const Vma& from) {
  auto vma = std::make_unique<Vma>();
  vma->mm = from.mm;
  vma->start = from.start.get();
  vma->end = from.end.get();
  vma->pgoff = from.pgoff.get();
  vma->flags = from.flags;
  vma->page_prot = from.page_prot;
  vma->file = from.file;
  vma->file_handle = from.file_handle;
  vma->hugetlb = from.hugetlb;
  if (vma->file != nullptr) get_file(*vma->file);
  return vma;
}

/// Changes a vma's extent under the locks of its rmap trees.
template <class Change>
void change_extent(Vma& vma, Change&& change) {
  if (vma.file != nullptr) vma.file->i_mmap_lock.lock();
  if (!vma.chain.empty()) vma.chain.front()->lock().lock();
  if (vma.file != nullptr) vma.file->i_mmap_remove(vma);
  for (AnonVma* anon_vma : vma.chain) anon_vma->remove(vma);
  change();
  if (vma.file != nullptr) vma.file->i_mmap_insert(vma);
  for (AnonVma* anon_vma : vma.chain) anon_vma->insert(vma);
  if (!vma.chain.empty()) vma.chain.front()->lock().unlock();
  if (vma.file != nullptr) vma.file->i_mmap_lock.unlock();
}

void set_end(Vma& vma, std::uint64_t end) {
  change_extent(vma, [&] { vma.end = end; });
}

void set_start(Vma& vma, std::uint64_t start) {
  change_extent(vma, [&] {
    // Wraps below zero and back: only the sum is used.
    vma.pgoff += static_cast<std::uint64_t>(static_cast<std::int64_t>(start - vma.start) /
                                            static_cast<std::int64_t>(kPageBytes));
    vma.start = start;
  });
}

void remove_vma(Mm& mm, Vma& vma) {
  unlink_anon_vmas(mm.machine, vma);
  if (vma.file != nullptr) {
    {
      Guard guard(vma.file->i_mmap_lock);
      vma.file->i_mmap_remove(vma);
    }
    // Never the last user: the vma that takes over holds the file too.
    vma.file->users.sub(1);
  }
  mm.vmas.erase(mm.vmas.begin() + static_cast<std::ptrdiff_t>(mm.index_of(vma)));
}

void dup_anon_vma(Vma& to, const Vma& from) {
  if (from.anon_vma.load() == nullptr || to.anon_vma.load() != nullptr) return;
  to.anon_vma.store(from.anon_vma.load());
  anon_vma_clone(to, from, false);
}

bool mergeable(const Vma& before, const Vma& after, std::uint64_t flags_before,
               std::uint64_t flags_after) {
  return before.end == after.start && before.file == after.file &&
         before.file_handle == after.file_handle &&
         ((flags_before ^ flags_after) & ~kVmSoftDirty) == 0 && (flags_after & kVmSpecial) == 0 &&
         after.pgoff == before.pgoff + before.pages();
}

}  // namespace

std::size_t Mm::index_of(const Vma& vma) const {
  const auto at = std::lower_bound(
      vmas.begin(), vmas.end(), vma.start,
      [](const std::unique_ptr<Vma>& other, std::uint64_t start) { return other->start < start; });
  return static_cast<std::size_t>(at - vmas.begin());
}

Vma* Mm::find_vma_after(std::uint64_t address) const {
  const auto at = std::upper_bound(
      vmas.begin(), vmas.end(), address,
      [](std::uint64_t at, const std::unique_ptr<Vma>& other) { return at < other->end; });
  return at == vmas.end() ? nullptr : at->get();
}

Vma* Mm::find_vma(std::uint64_t address) const {
  Vma* vma = find_vma_after(address);
  return vma != nullptr && vma->start <= address ? vma : nullptr;
}

Vma* Mm::prev_of(const Vma& vma) const {
  const std::size_t at = index_of(vma);
  return at > 0 ? vmas[at - 1].get() : nullptr;
}

Vma* Mm::next_of(const Vma& vma) const {
  const std::size_t at = index_of(vma) + 1;
  return at < vmas.size() ? vmas[at].get() : nullptr;
}

bool Mm::overlaps(std::uint64_t start, std::uint64_t end) const {
  const Vma* vma = find_vma_after(start);
  return vma != nullptr && vma->start < end;
}

Vma* vma_link(Mm& mm, std::unique_ptr<Vma> vma) {
  Vma* raw = vma.get();
  if (raw->file != nullptr) {
    Guard guard(raw->file->i_mmap_lock);
    raw->file->i_mmap_insert(*raw);
  }
  mm.vmas.insert(mm.vmas.begin() + static_cast<std::ptrdiff_t>(mm.index_of(*raw)), std::move(vma));
  return raw;
}

Vma* split_vma(Cpu& cpu, Mm& mm, Vma& vma, std::uint64_t address) {
  if (cpu.fails(FailSite::kSlab)) return nullptr;
  split_huge_pmd_if_needed(cpu, vma, address);
  auto behind = vma_dup(vma);
  behind->start = address;
  behind->pgoff = vma.pgoff_of(address);
  behind->anon_vma.store(vma.anon_vma.load());
  anon_vma_clone(*behind, vma, false);
  Vma* linked = vma_link(mm, std::move(behind));
  set_end(vma, address);
  return linked;
}

Vma* vma_merge_new(Mm& mm, const Vma& proposal) {
  Vma* next = mm.find_vma_after(proposal.start);
  Vma* prev = nullptr;
  if (const std::size_t at = mm.index_of(proposal); at > 0) prev = mm.vmas[at - 1].get();
  const bool with_prev = prev != nullptr && mergeable(*prev, proposal, prev->flags, proposal.flags);
  const bool with_next = next != nullptr && mergeable(proposal, *next, proposal.flags, next->flags);
  if (with_prev && with_next &&
      anon_vmas_mergeable(prev->anon_vma.load(), next->anon_vma.load(), nullptr)) {
    dup_anon_vma(*prev, *next);
    const std::uint64_t end = next->end;
    remove_vma(mm, *next);
    set_end(*prev, end);
    return prev;
  }
  if (with_prev) {
    set_end(*prev, proposal.end);
    return prev;
  }
  if (with_next) {
    set_start(*next, proposal.start);
    return next;
  }
  return nullptr;
}

Vma* vma_modify_flags(Cpu& cpu, Mm& mm, Vma& vma, std::uint64_t start, std::uint64_t end,
                      std::uint64_t flags) {
  Vma* prev = start == vma.start ? mm.prev_of(vma) : nullptr;
  Vma* next = end == vma.end ? mm.next_of(vma) : nullptr;
  AnonVma* own = vma.anon_vma.load();
  const bool left = prev != nullptr && mergeable(*prev, vma, prev->flags, flags) &&
                    anon_vmas_mergeable(own, prev->anon_vma.load(), prev);
  const bool right = next != nullptr && mergeable(vma, *next, flags, next->flags) &&
                     anon_vmas_mergeable(own, next->anon_vma.load(), next);
  if (left && right && start == vma.start && end == vma.end &&
      anon_vmas_mergeable(prev->anon_vma.load(), next->anon_vma.load(), nullptr)) {
    dup_anon_vma(*prev, next->anon_vma.load() != nullptr ? *next : vma);
    set_end(*prev, next->end);
    remove_vma(mm, *next);
    remove_vma(mm, vma);
    return prev;
  }
  if (left) {
    dup_anon_vma(*prev, vma);
    if (end != vma.end) split_huge_pmd_if_needed(cpu, vma, end);
    set_end(*prev, end);
    if (end == vma.end)
      remove_vma(mm, vma);
    else
      set_start(vma, end);
    return prev;
  }
  if (right) {
    dup_anon_vma(*next, vma);
    if (start != vma.start) split_huge_pmd_if_needed(cpu, vma, start);
    set_start(*next, start);
    if (start == vma.start)
      remove_vma(mm, vma);
    else
      set_end(vma, start);
    return next;
  }
  Vma* middle = &vma;
  if (start > vma.start) middle = split_vma(cpu, mm, vma, start);
  if (middle != nullptr && end < middle->end && split_vma(cpu, mm, *middle, end) == nullptr)
    return nullptr;  // as in the kernel, the first cut stays
  return middle;
}

}  // namespace pagebox::inline PAGEBOX_ENV
