// Slow GUP: under mmap_lock, page by page, faulting where it must.
#include "mm/gup/gup.h"

#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/gup/gup_internal.h"
#include "mm/huge/huge.h"
#include "mm/range.h"
#include "mm/swap/release.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

Errc check_vma_flags(const Vma& vma, std::uint32_t flags) {
  if ((vma.flags & (kVmIo | kVmPfnMap)) != 0) return Errc::kFault;
  // Truncate would wait for it without end (v4.15).
  if ((flags & kFollLongterm) != 0 && vma.file != nullptr && vma.file->is_fsdax())
    return Errc::kOpNotSupp;
  if ((flags & kFollSplitPmd) != 0 && vma.is_hugetlb()) return Errc::kOpNotSupp;
  if ((flags & kFollWrite) != 0) {
    const bool tracked = (vma.flags & (kVmShared | kVmWrite)) == (kVmShared | kVmWrite) &&
                         vma.file != nullptr && vma.file->tracks_dirty();
    if (tracked && leaves_tracked_files(vma.mm->machine, flags)) return Errc::kFault;
    const bool may_force = (flags & kFollForce) != 0 && vma.is_cow() && !vma.is_hugetlb();
    if ((vma.flags & kVmWrite) == 0 && !may_force) return Errc::kFault;
  } else if ((vma.flags & kVmRead) == 0 && (flags & kFollForce) == 0) {
    return Errc::kFault;
  }
  return Errc::kOk;
}

/// `flags` with kFollCow: as faultin_page() found.
bool can_follow_write(const Vma& vma, Pte pte, Page page, std::uint32_t flags) {
  if (pte.write()) return true;
  if ((flags & kFollForce) == 0 || !vma.is_cow() || (vma.flags & kVmWrite) != 0) return false;
  // Until v6.0 nothing on the page says whose it is: the fault has just made it ours, and
  // an entry that is not dirty is another one, come since (CVE-2016-5195).
  const Machine& machine = vma.mm->machine;
  if (!machine.memmap.shape().anon_exclusive || machine.has(Quirk::kForceTrustsDirty))
    return (flags & kFollCow) != 0 && pte.dirty();
  return page && folio_test_anon(compound_head(vma.mm->machine.memmap, page)) &&
         page_anon_exclusive(page) && !pte_needs_soft_dirty_wp(vma, pte);
}

enum class Follow : std::uint8_t { kDone, kFault, kUnshare, kError };

struct Followed {
  Follow what = Follow::kFault;
  Errc error = Errc::kOk;
  Page page;
};

/// The leaf as a whole: its head says whether the page is exclusive.
Followed follow_huge(Cpu& cpu, Vma& vma, std::uint64_t address, std::uint32_t flags) {
  Machine& machine = cpu.machine;
  const PteSlot pmd = vma.mm->page_table.find_pmd(address);
  if (!pmd) return {};
  Guard guard(*pmd.lock);
  const Pte pte = pmd.get();
  if (!pte.present() || !pte.huge()) return {};
  const Page folio = machine.page(pte.pfn());
  if ((flags & kFollWrite) != 0 && !can_follow_write(vma, pte, folio, flags)) return {};
  if (!pte.write() && gup_must_unshare(machine, &vma, flags, folio))
    return {Follow::kUnshare, Errc::kOk, {}};
  const Page page = machine.page(huge_pfn(pte, address));
  if (const Errc error = try_grab_folio(cpu, page, flags); error != Errc::kOk)
    return {Follow::kError, error, {}};
  if ((flags & kFollTouch) != 0) {
    const bool dirty = (flags & kFollWrite) != 0 || machine.has(Quirk::kHugeDirtyByRead);
    touch_pmd(pmd, dirty);
  }
  return {Follow::kDone, Errc::kOk, page};
}

Followed follow_page(Cpu& cpu, Vma& vma, std::uint64_t address, std::uint32_t flags) {
  Machine& machine = cpu.machine;
  PteSlot slot = vma.mm->page_table.find(address);
  if (!slot) {
    if ((flags & kFollSplitPmd) != 0) split_huge_pmd(cpu, vma, address);
    slot = vma.mm->page_table.find(address);
    if (!slot) return follow_huge(cpu, vma, address, flags);
  }
  Guard guard(*slot.lock);
  const Pte pte = slot.get();
  if (!pte.present()) return {};
  Page page = vm_normal_page(machine, pte);
  if ((flags & kFollWrite) != 0 && !can_follow_write(vma, pte, page, flags)) return {};
  if (!page) page = devmap_page(machine, pte);
  if (!page) {
    // A pfn without a descriptor: FS_DAX_LIMITED, a driver's registers.
    if (!machine.is_zero_pfn(pte.pfn())) return {Follow::kError, Errc::kExist, {}};
    page = machine.zero_page();
  }
  if (!pte.write() && gup_must_unshare(machine, &vma, flags, page))
    return {Follow::kUnshare, Errc::kOk, {}};
  if (const Errc error = try_grab_folio(cpu, page, flags); error != Errc::kOk)
    return {Follow::kError, error, {}};
  if ((flags & kFollTouch) != 0) {
    const Page folio = compound_head(machine.memmap, page);
    if ((flags & kFollWrite) != 0 && !pte.dirty()) folio_mark_dirty(machine, folio);
    folio_mark_accessed(cpu, folio);
  }
  return {Follow::kDone, Errc::kOk, page};
}

/// Sets kFollCow where the write that was asked for has its page now, though the vma may
/// not be written.
Errc faultin_page(Cpu& cpu, Vma& vma, std::uint64_t address, std::uint32_t& flags, bool unshare) {
  bool broke_cow = false;
  std::uint32_t fault_flags = 0;
  if ((flags & kFollWrite) != 0) fault_flags |= kFaultWrite;
  if (unshare && vma.is_cow()) fault_flags |= kFaultUnshare;
  switch (handle_mm_fault(cpu, vma, address, fault_flags, &broke_cow)) {
    case FaultResult::kOk:
      if (!broke_cow || (vma.flags & kVmWrite) != 0) return Errc::kOk;
      if (vma.mm->machine.has(Quirk::kDirtyCow))
        flags &= ~kFollWrite;
      else
        flags |= kFollCow;
      return Errc::kOk;
    case FaultResult::kOom: return Errc::kNoMem;
    default: return Errc::kFault;
  }
}

/// is_valid_gup_args, as far as these flags go. Only a pin may last: who holds a plain
/// reference cannot be asked to let go (v5.6).
bool valid_args(std::uint32_t flags) {
  if ((flags & kFollLongterm) == 0) return true;
  return (flags & (kFollPin | kFollPciP2pdma)) == kFollPin;
}

GupResult gup_slow(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint32_t flags,
                   std::span<Pfn> out) {
  for (Retry retry("a page to be moved for a long-term pin");;) {
    GupResult result;
    {
      SharedGuard guard(mm.mmap_lock);
      result = gup_locked(cpu, mm, address, out.size(), flags, out);
    }
    if ((flags & kFollLongterm) == 0 || result.pages == 0) return result;
    const Errc error = move_unpinnable(cpu, out.first(result.pages));
    if (error == Errc::kOk) return result;
    if (error != Errc::kAgain) return {0, error};
    if (!retry.again()) return {0, Errc::kLivelock};
  }
}

GupResult fast_then_slow(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint32_t flags,
                         std::span<Pfn> out) {
  if (!valid_args(flags)) return {0, Errc::kInval};
  if (!valid_range(address & ~(kPageBytes - 1), out.size())) return {0, Errc::kFault};
  if ((flags & kFollPin) != 0 && mm.has_pinned.load() == 0) mm.has_pinned.store(1);
  const std::uint64_t had = gup_fast(cpu, mm, address, flags, out);
  if (had == out.size()) return {had, Errc::kOk};
  const GupResult rest =
      gup_slow(cpu, mm, address + had * kPageBytes, flags | kFollTouch, out.subspan(had));
  if (had + rest.pages > 0) return {had + rest.pages, Errc::kOk};
  return rest;
}

}  // namespace

GupResult gup_locked(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint64_t pages,
                     std::uint32_t flags, std::span<Pfn> out) {
  const bool populate = (flags & kFollMadvPopulate) != 0;
  for (std::uint64_t i = 0; i < pages; ++i) {
    const std::uint64_t at = address + i * kPageBytes;
    const auto stop = [&](Errc error) {
      const bool full = error == Errc::kPinLimit;
      return GupResult{i, full ? Errc::kNoMem : error, full};
    };
    Vma* vma = mm.find_vma(at);
    if (vma == nullptr) return stop(populate ? Errc::kNoMem : Errc::kFault);
    if (const Errc error = check_vma_flags(*vma, flags); error != Errc::kOk)
      return stop(populate ? Errc::kInval : error);
    std::uint32_t how = flags;
    for (Retry retry("a fault to map a page");;) {
      const Followed followed = follow_page(cpu, *vma, at, how);
      if (followed.what == Follow::kDone) {
        if (!out.empty()) out[i] = cpu.machine.pfn_of(followed.page);
        break;
      }
      // Who only wants the page there has that, though nobody could be handed it.
      if (followed.error == Errc::kExist && out.empty()) break;
      if (followed.what == Follow::kError) return stop(followed.error);
      const Errc error = faultin_page(cpu, *vma, at, how, followed.what == Follow::kUnshare);
      if (error != Errc::kOk) return stop(error);
      if (retry.asks_next()) retry.looks_at(page_behind(cpu, mm, at).at());
      if (!retry.again()) return stop(Errc::kLivelock);
    }
  }
  return {pages, Errc::kOk};
}

GupResult get_user_pages(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint32_t flags,
                         std::span<Pfn> out) {
  if (!valid_args(flags | kFollGet)) return {0, Errc::kInval};
  if (!valid_range(address & ~(kPageBytes - 1), out.size())) return {0, Errc::kFault};
  return gup_slow(cpu, mm, address, flags | kFollGet | kFollTouch, out);
}

GupResult get_user_pages_fast(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint32_t flags,
                              std::span<Pfn> out) {
  return fast_then_slow(cpu, mm, address, flags | kFollGet, out);
}

GupResult pin_user_pages(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint32_t flags,
                         std::span<Pfn> out) {
  if (!valid_args(flags | kFollPin)) return {0, Errc::kInval};
  if (!valid_range(address & ~(kPageBytes - 1), out.size())) return {0, Errc::kFault};
  if (mm.has_pinned.load() == 0) mm.has_pinned.store(1);
  return gup_slow(cpu, mm, address, flags | kFollPin, out);
}

GupResult pin_user_pages_fast(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint32_t flags,
                              std::span<Pfn> out) {
  return fast_then_slow(cpu, mm, address, flags | kFollPin, out);
}

Errc populate_range(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t end, std::uint32_t flags) {
  SharedGuard guard(mm.mmap_lock);
  return gup_locked(cpu, mm, start, (end - start) / kPageBytes, flags, {}).error;
}

}  // namespace pagebox::inline PAGEBOX_ENV
