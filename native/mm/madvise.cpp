// madvise(2): walks the vmas of a range and does to each what was advised.
#include "mm/fault/fault.h"
#include "mm/file/page_cache.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "mm/huge/collapse.h"
#include "mm/huge/hugetlb.h"
#include "mm/mm.h"
#include "mm/range.h"
#include "mm/swap/madvise_lru.h"
#include "mm/swap/release.h"
#include "mm/zap.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kUntouchable = kVmLocked | kVmPfnMap;

Errc dontneed(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end) {
  if ((vma.flags & kUntouchable) != 0) return Errc::kInval;
  if (vma.is_hugetlb()) return hugetlb_dontneed(cpu, vma, start, end);
  lru_add_drain(cpu);
  Invalidation invalidation(cpu, *vma.mm, {start, end, NotifyEvent::kClear, nullptr});
  zap_page_range(cpu, vma, start, end);
  return Errc::kOk;
}

Errc remove(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end) {
  if ((vma.flags & kVmLocked) != 0) return Errc::kInval;
  if (vma.is_hugetlb()) return Errc::kAcces;  // private memory of a file, to v6.12
  AddressSpace* file = vma.file;
  if (file == nullptr) return Errc::kInval;
  if ((vma.flags & (kVmShared | kVmMayWrite)) != (kVmShared | kVmMayWrite)) return Errc::kAcces;
  if (!file->is_shmem()) return Errc::kOpNotSupp;  // ext2 cannot punch holes
  const std::uint64_t first = vma.pgoff_of(start);
  shmem_punch_hole(cpu, *file, first, (end - start) / kPageBytes);
  return Errc::kOk;
}

Errc willneed(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end) {
  if (vma.file != nullptr && vma.file->is_shmem()) {
    shmem_swapin_range(cpu, *vma.file, vma.pgoff_of(start), vma.pgoff_of(end));
    lru_add_drain(cpu);
  } else if (vma.file == nullptr) {
    std::vector<std::uint64_t> slots;
    vma.mm->page_table.for_each_pte(start, end, [&](std::uint64_t, PteSlot slot) {
      const Pte pte = slot.get();
      if (pte.is_entry() && pte.entry().is_swap()) slots.push_back(pte.entry().offset);
    });
    for (const std::uint64_t slot : slots)
      if (const Page folio = read_swap_cache(cpu, slot)) folio_put(cpu, folio);
    lru_add_drain(cpu);
  }
  return Errc::kOk;
}

/// Advice that only changes the vma's flags.
Errc new_flags(const Vma& vma, Advice advice, std::uint64_t& flags) {
  flags = vma.flags;
  switch (advice) {
    case Advice::kDontfork: flags |= kVmDontCopy; return Errc::kOk;
    case Advice::kDofork:
      if ((flags & kVmIo) != 0) return Errc::kInval;
      flags &= ~kVmDontCopy;
      return Errc::kOk;
    case Advice::kWipeonfork:
      if (vma.file != nullptr || (flags & kVmShared) != 0 || vma.is_hugetlb()) return Errc::kInval;
      flags |= kVmWipeOnFork;
      return Errc::kOk;
    case Advice::kKeeponfork: flags &= ~kVmWipeOnFork; return Errc::kOk;
    case Advice::kHugepage: flags = (flags & ~kVmNoHugepage) | kVmHugepage; return Errc::kOk;
    case Advice::kNohugepage: flags = (flags & ~kVmHugepage) | kVmNoHugepage; return Errc::kOk;
    default: return Errc::kInval;
  }
}

bool changes_flags(Advice advice) {
  return advice >= Advice::kDontfork && advice != Advice::kCollapse;
}

Errc advise(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end, Advice advice) {
  switch (advice) {
    case Advice::kDontneed: return dontneed(cpu, vma, start, end);
    case Advice::kFree:
      if ((vma.flags & kUntouchable) != 0 || !vma.is_anonymous() || vma.is_hugetlb())
        return Errc::kInval;
      madvise_free(cpu, vma, start, end);
      return Errc::kOk;
    case Advice::kCold:
    case Advice::kPageout:
      if ((vma.flags & kUntouchable) != 0 || vma.is_hugetlb()) return Errc::kInval;
      madvise_cold_or_pageout(cpu, vma, start, end, advice == Advice::kPageout);
      return Errc::kOk;
    case Advice::kRemove: return remove(cpu, vma, start, end);
    case Advice::kWillneed: return willneed(cpu, vma, start, end);
    default: return Errc::kInval;
  }
}

Errc populate(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t end, bool write) {
  return populate_range(cpu, mm, start, end,
                        kFollTouch | kFollMadvPopulate | (write ? kFollWrite : 0U));
}

Errc walk(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t end, Advice advice) {
  bool hole = false;
  for (std::uint64_t at = start; at < end;) {
    Vma* vma = mm.find_vma_after(at);
    if (vma == nullptr || vma->start >= end) return Errc::kNoMem;
    hole |= vma->start > at;
    at = std::max<std::uint64_t>(at, vma->start);
    const std::uint64_t stop = std::min<std::uint64_t>(vma->end, end);
    Errc error = Errc::kOk;
    if (changes_flags(advice)) {
      std::uint64_t flags = 0;
      error = new_flags(*vma, advice, flags);
      if (error == Errc::kOk && flags != vma->flags) {
        if (!may_split_vma(*vma, at) || !may_split_vma(*vma, stop)) return Errc::kInval;
        vma = vma_modify_flags(cpu, mm, *vma, at, stop, flags);
        if (vma == nullptr) return Errc::kAgain;  // EAGAIN: kernel resources, for the moment
        vma->flags = flags;
      }
    } else {
      error = advise(cpu, *vma, at, stop, advice);
    }
    if (error != Errc::kOk) return error;
    at = stop;
  }
  return hole ? Errc::kNoMem : Errc::kOk;
}

}  // namespace

Errc do_madvise(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t pages, Advice advice) {
  if (!valid_range(start, pages)) return Errc::kInval;
  const std::uint64_t end = start + pages * kPageBytes;
  if (advice == Advice::kPopulateRead || advice == Advice::kPopulateWrite)
    return populate(cpu, mm, start, end, advice == Advice::kPopulateWrite);
  if (advice == Advice::kCollapse) return collapse_range(cpu, mm, start, end);
  if (changes_flags(advice)) {
    Guard guard(mm.mmap_lock);
    return walk(cpu, mm, start, end, advice);
  }
  SharedGuard guard(mm.mmap_lock);
  return walk(cpu, mm, start, end, advice);
}

}  // namespace pagebox::inline PAGEBOX_ENV
