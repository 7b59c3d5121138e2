// mmap and munmap.
#include "mm/file/files.h"
#include "mm/huge/hugetlb.h"
#include "mm/mm.h"
#include "mm/range.h"
#include "mm/zap.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::uint64_t flags_of(const MmapRequest& request) {
  std::uint64_t flags =
      request.prot | kVmMayRead | kVmMayWrite | kVmMayExec | kVmSoftDirty | request.extra_flags;
  if (request.shared) flags |= kVmShared | kVmMayShare;
  if (request.hugetlb) flags |= kVmHugetlb | kVmDontExpand;  // so it never merges
  return flags;
}

bool valid_hugetlb(const MmapRequest& request) {
  return request.file == nullptr && !request.shared && hugetlb_aligned(request.address) &&
         request.pages % kPagesPerPmd == 0;
}

}  // namespace

Errc do_mmap(Cpu& cpu, Mm& mm, const MmapRequest& request) {
  if (!valid_range(request.address, request.pages)) return Errc::kInval;
  if (request.hugetlb && !valid_hugetlb(request)) return Errc::kInval;
  Vma proposal;
  proposal.mm = &mm;
  proposal.start = request.address;
  proposal.end = request.address + request.pages * kPageBytes;
  proposal.file = request.file;
  proposal.file_handle = request.file_handle;
  // Anonymous memory is numbered by where it was born, so that it stays mergeable
  // with its neighbours and rmap can find it after mremap.
  proposal.pgoff = request.file != nullptr ? request.pgoff : request.address / kPageBytes;
  proposal.flags = flags_of(request);

  Guard guard(mm.mmap_lock);
  if (mm.exited) return Errc::kNoMem;
  if (mm.overlaps(proposal.start, proposal.end)) return Errc::kExist;
  Vma* vma = vma_merge_new(mm, proposal);
  if (vma == nullptr) {
    if (cpu.fails(FailSite::kSlab)) return Errc::kNoMem;
    auto fresh = std::make_unique<Vma>();
    fresh->mm = &mm;
    fresh->start = proposal.start.get();
    fresh->end = proposal.end.get();
    fresh->pgoff = proposal.pgoff.get();
    fresh->flags = proposal.flags;
    fresh->file = proposal.file;
    fresh->file_handle = proposal.file_handle;
    if (request.hugetlb)
      if (const Errc error = hugetlb_reserve_vma(cpu.machine, *fresh); error != Errc::kOk)
        return error;
    if (fresh->file != nullptr) get_file(*fresh->file);
    vma = vma_link(mm, std::move(fresh));
  }
  // Something new is mapped here, page or no page.
  vma->flags |= kVmSoftDirty;
  vma_set_page_prot(*vma);
  if (request.populate == nullptr) return Errc::kOk;
  const Errc error = request.populate(cpu, *vma);
  if (error != Errc::kOk) (void)munmap_locked(cpu, mm, proposal.start, proposal.end);
  return error;
}

Errc munmap_locked(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t end) {
  Vma* first = mm.find_vma_after(start);
  if (first == nullptr || first->start >= end) return Errc::kOk;
  Vma* last = mm.find_vma_after(end - 1);
  const bool cuts_last = last != nullptr && last->start < end;
  if ((first->start < start && !may_split_vma(*first, start)) ||
      (cuts_last && !may_split_vma(*last, std::min<std::uint64_t>(end, last->end))))
    return Errc::kInval;
  if (first->start < start) first = split_vma(cpu, mm, *first, start);
  if (first == nullptr) return Errc::kNoMem;
  last = mm.find_vma_after(end - 1);
  if (last != nullptr && last->start < end && last->end > end &&
      split_vma(cpu, mm, *last, end) == nullptr)
    return Errc::kNoMem;

  const std::size_t from = mm.index_of(*first);
  std::size_t to = from;
  while (to < mm.vmas.size() && mm.vmas[to]->start < end) ++to;
  const std::uint64_t floor = from > 0 ? mm.vmas[from - 1]->end.get() : 0;
  const std::uint64_t ceiling = to < mm.vmas.size() ? mm.vmas[to]->start.get() : kTaskSize;
  const std::uint64_t unmap_start = mm.vmas[from]->start, unmap_end = mm.vmas[to - 1]->end;

  lru_add_drain(cpu);
  {
    Invalidation invalidation(cpu, mm, {unmap_start, unmap_end, NotifyEvent::kUnmap, nullptr});
    for (std::size_t i = from; i < to; ++i)
      zap_page_range(cpu, *mm.vmas[i], mm.vmas[i]->start, mm.vmas[i]->end);
  }
  // Out of every rmap tree before the tables go: a walker may be in them.
  for (std::size_t i = from; i < to; ++i) {
    Vma& vma = *mm.vmas[i];
    unlink_anon_vmas(cpu.machine, vma);
    if (vma.file != nullptr) {
      Guard guard(vma.file->i_mmap_lock);
      vma.file->i_mmap_remove(vma);
    }
  }
  const auto low = unmap_start & ~(kPmdBytes - 1);
  const auto high = (unmap_end + kPmdBytes - 1) & ~(kPmdBytes - 1);
  mm.page_table.free_range(cpu, std::max(floor, low), std::min(ceiling, high));
  for (std::size_t i = from; i < to; ++i) {
    if (mm.vmas[i]->file != nullptr) put_file(cpu, *mm.vmas[i]->file);
    hugetlb_close_vma(cpu.machine, *mm.vmas[i]);
  }
  mm.vmas.erase(mm.vmas.begin() + static_cast<std::ptrdiff_t>(from),
                mm.vmas.begin() + static_cast<std::ptrdiff_t>(to));
  return Errc::kOk;
}

Errc do_munmap(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t pages) {
  if (!valid_range(start, pages)) return Errc::kInval;
  Guard guard(mm.mmap_lock);
  return munmap_locked(cpu, mm, start, start + pages * kPageBytes);
}

}  // namespace pagebox::inline PAGEBOX_ENV
