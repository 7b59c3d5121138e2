#include "zone_device/hmm.h"

#include <algorithm>
#include <optional>

#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "page/folio.h"
#include "zone_device/dev_pagemap.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

enum class Need : std::uint8_t { kNothing, kFault, kWriteFault };

/// What a look at an entry says: done, fault from here on, wait for a migration.
enum class Look : std::uint8_t { kDone, kFault, kWait, kError };

struct Walk {
  Cpu& cpu;
  HmmRange& range;
  Mm& mm;
  std::uint64_t at;  // the next page
  Need need = Need::kNothing;
  FolioWait migration;

  HmmPfn& word() const { return range.pfns[(at - range.start) / kPageBytes]; }

  Need need_fault(std::uint64_t has) const {
    const std::uint64_t wants = (word().value & range.pfn_flags_mask) | range.default_flags;
    if ((wants & HmmPfn::kReqFault) == 0) return Need::kNothing;
    if ((wants & HmmPfn::kReqWrite) != 0 && (has & HmmPfn::kWrite) == 0) return Need::kWriteFault;
    return (has & HmmPfn::kValid) == 0 ? Need::kFault : Need::kNothing;
  }
  Look nothing_there() {
    need = need_fault(0);
    if (need != Need::kNothing) return Look::kFault;
    word().value = 0;
    return Look::kDone;
  }
  /// The finding replaces the request.
  Look found(Pfn pfn, std::uint64_t has) {
    word().value = pfn.value | has;
    return Look::kDone;
  }

  Look look_entry(Pte pte) {
    const SwapEntry entry = pte.entry();
    if (entry.is_device_private()) {
      const DevPagemap* pagemap = DevPagemap::of(cpu.machine, entry.pfn());
      if (pagemap != nullptr && range.dev_private_owner != nullptr &&
          pagemap->owner() == range.dev_private_owner) {
        const std::uint64_t has =
            HmmPfn::kValid | (entry.is_writable_device() ? HmmPfn::kWrite : 0);
        // A file's page: a write is the file's to allow, or means a copy of one's own.
        need = folio_test_anon(cpu.machine.page(entry.pfn())) ? Need::kNothing : need_fault(has);
        return need == Need::kNothing ? found(entry.pfn(), has) : Look::kFault;
      }
    }
    need = need_fault(0);
    if (need == Need::kNothing) {
      word().value = 0;
      return Look::kDone;
    }
    if (entry.is_swap() || entry.is_device_private() || entry.is_device_exclusive())
      return Look::kFault;
    if (!entry.is_migration()) return Look::kError;
    // Who migrates it, or splits it, has the folio locked as long as the entry stands,
    // that is, our lock.
    migration =
        folio_prepare_wait(compound_head(cpu.machine.memmap, cpu.machine.page(entry.pfn())));
    return Look::kWait;
  }

  Look look(Pte pte) {
    if (pte.none()) return nothing_there();
    if (!pte.present()) return look_entry(pte);
    const std::uint64_t has =
        pte.prot_none() ? 0 : HmmPfn::kValid | (pte.write() ? HmmPfn::kWrite : 0);
    need = need_fault(has);
    if (need != Need::kNothing) return Look::kFault;
    Machine& machine = cpu.machine;
    // The zero page is a page like any other here; what has no page at all is not.
    if (!machine.is_zero_pfn(pte.pfn()) && !vm_normal_page(machine, pte) &&
        !devmap_page(machine, pte)) {
      if (need_fault(0) != Need::kNothing) return Look::kError;
      word().value = HmmPfn::kError;
      return Look::kDone;
    }
    return found(pte.pfn(), has);
  }

  /// Where there is no table: a huge leaf, or nothing.
  Look look_pmd() {
    const PteSlot pmd = mm.page_table.find_pmd(at);
    if (!pmd) return nothing_there();
    Guard guard(*pmd.lock);
    const Pte pte = pmd.get();
    if (pte.none()) return nothing_there();
    if (!pte.huge()) {  // a table, since a moment ago
      const PteSlot slot = mm.page_table.find(at);
      Guard table_guard(*slot.lock);
      return look(slot.get());
    }
    const std::uint64_t order = std::uint64_t{kHugeOrder} << HmmPfn::kOrderShift;
    const std::uint64_t has =
        pte.prot_none() ? 0 : HmmPfn::kValid | order | (pte.write() ? HmmPfn::kWrite : 0);
    need = need_fault(has);
    return need != Need::kNothing ? Look::kFault : found(huge_pfn(pte, at), has);
  }

  /// No vma, or one that a device may not read.
  Errc skip(std::uint64_t to) {
    for (; at < to; at += kPageBytes) {
      if (need_fault(0) != Need::kNothing) return Errc::kFault;
      word().value = HmmPfn::kError;
    }
    return Errc::kOk;
  }

  /// From this page to the end of the vma's part of the range and of its table.
  Errc fault(Vma& vma) const {
    if (need == Need::kWriteFault && (vma.flags & kVmWrite) == 0) return Errc::kPerm;
    const std::uint64_t end = std::min({range.end, vma.end, (at | (kPmdBytes - 1)) + 1});
    for (std::uint64_t address = at; address < end; address += kPageBytes)
      if (handle_mm_fault(cpu, vma, address, need == Need::kWriteFault ? +kFaultWrite : 0U) !=
          FaultResult::kOk)
        return Errc::kFault;
    return Errc::kBusy;  // look again
  }

  /// Pages of one vma, from `at` on. kBusy: something was faulted in.
  Errc walk_vma(Vma& vma) {
    const std::uint64_t end = std::min(range.end, vma.end);
    for (; at < end; at += kPageBytes) {
      const PteSlot slot = mm.page_table.find(at);
      Look seen = Look::kDone;
      if (!slot) {
        seen = look_pmd();
      } else {
        Guard guard(*slot.lock);
        seen = look(slot.get());
      }
      if (seen == Look::kFault) return fault(vma);
      if (seen == Look::kError) return Errc::kFault;
      if (seen == Look::kWait) {
        // It ends under the lock.
        return folio_wait_unlocked(migration) ? Errc::kBusy : Errc::kLivelock;
      }
    }
    return Errc::kOk;
  }

  Errc walk() {
    while (at < range.end) {
      Vma* vma = mm.find_vma_after(at);
      const bool inside = vma != nullptr && vma->start <= at;
      const std::uint64_t gap_end = vma == nullptr ? range.end : std::min(range.end, vma->start);
      Errc error = Errc::kOk;
      if (!inside)
        error = skip(gap_end);
      else if ((vma->flags & (kVmIo | kVmPfnMap)) != 0 || (vma->flags & kVmRead) == 0)
        error = skip(std::min(range.end, vma->end));
      else
        error = walk_vma(*vma);
      if (error != Errc::kOk) return error;
    }
    return Errc::kOk;
  }
};

}  // namespace

Errc hmm_range_fault(Cpu& cpu, HmmRange& range) {
  Walk walk{cpu, range, range.notifier->mm(), range.start, Need::kNothing, {}};
  Errc error = Errc::kBusy;
  for (Retry retry("a fault for a device"); error == Errc::kBusy;) {
    if (range.notifier->check_retry(range.notifier_seq)) return Errc::kBusy;
    error = walk.walk();
    if (error != Errc::kBusy) break;
    if (retry.asks_next()) retry.looks_at(page_behind(cpu, range.notifier->mm(), walk.at).at());
    if (!retry.again()) return Errc::kLivelock;
  }
  return error;
}

}  // namespace pagebox::inline PAGEBOX_ENV
