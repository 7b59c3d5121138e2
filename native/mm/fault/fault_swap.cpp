// A fault on a non-present entry: swapped, migrating, or in a device.
#include <span>

#include "base/fault.h"
#include "mm/fault/device_fault.h"
#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Sleeps until the migration of the entry's page is over: it ends under the folio
/// lock. Without a reference, which would make it fail (migration_entry_wait_on_locked).
FaultResult migration_entry_wait(Fault& fault) {
  FolioWait wait;
  {
    Guard guard(*fault.slot.lock);
    if (fault.slot.get() != fault.orig) return FaultResult::kOk;
    Machine& machine = fault.machine();
    wait =
        folio_prepare_wait(compound_head(machine.memmap, machine.page(fault.orig.entry().pfn())));
  }
  return folio_wait_unlocked(wait) ? FaultResult::kOk : FaultResult::kSigbus;
}

/// An entry keeps its page, and the page its device's memory, as long as nobody writes over
/// the count.
FaultResult memory_has_gone(Machine& machine, Pfn pfn) {
  machine.damage.add({pfn, "_refcount", 1, 0,
                      "an entry leads to a page of a device whose memory has gone: somebody "
                      "dropped the entry's reference"});
  return FaultResult::kSigbus;
}

FaultResult fault_device_private(Fault& fault) {
  Machine& machine = fault.machine();
  const Pfn pfn = fault.orig.entry().pfn();
  const Page page = machine.page(pfn);
  const bool holds = !machine.has(Quirk::kDeviceFaultUnreferenced);
  const bool locks = holds && device_faults_lock_first(machine);
  bool is_busy = false;
  if (holds) {
    // The reference keeps the page the device's while it is asked to move it. It is
    // one too many for whoever moves the page, so nobody takes it without the page's
    // lock: two faults would keep each other from moving it for good (rule
    // 'device-fault-locks').
    Guard guard(*fault.slot.lock);
    if (fault.slot.get() != fault.orig && !planted(Mistake::kDeviceFaultUnchecked))
      return FaultResult::kOk;
    is_busy = locks && !folio_trylock(page);
    if (!is_busy) machine.get(page);
  }
  if (is_busy) {
    yield_turn();
    return FaultResult::kOk;
  }
  // Only now: without the reference the device's memory may be going away.
  const PagemapRange* range = machine.pagemap(pfn);
  const FaultResult result = range == nullptr
                                 ? memory_has_gone(machine, pfn)
                                 : range->ops->migrate_to_ram(range->self, fault.cpu, fault.vma,
                                                              fault.address, holds ? page : Page());
  if (!holds) return result;
  if (locks) folio_unlock(page);
  folio_put(fault.cpu, page);
  return result;
}

FaultResult fault_special_entry(Fault& fault) {
  const SwapEntry entry = fault.orig.entry();
  if (entry.is_migration()) {
    fault.cpu.note(Reached::kMigrationWait);
    return migration_entry_wait(fault);
  }
  if (entry.is_device_private()) {
    fault.cpu.note(Reached::kDevicePrivate);
    return fault_device_private(fault);
  }
  if (entry.is_device_exclusive()) {
    fault.cpu.note(Reached::kDeviceExclusive);
    const Page page = fault.machine().page(entry.pfn());
    return remove_device_exclusive_entry(fault, page);
  }
  return FaultResult::kSigbus;  // hwpoison, marker
}

/// The slot is the fault's alone until its page is mapped.
bool claims_slot(const Machine& machine) { return !machine.has(Quirk::kSwapinUnclaimed); }

/// Swapped in for one user alone: a page that the swap cache never sees.
Page swapin_direct(Fault& fault, std::uint64_t slot) {
  Machine& machine = fault.machine();
  const Swap::Claim claim = machine.swap.claim_alone(slot, claims_slot(machine));
  if (!claim.taken) return {};  // it has more users, or is in the cache
  // Locked until it is mapped, so nobody asks before whether it is up to date.
  const Page any = machine.zero_page();
  const FreshPage fresh{.flags = any.mask_of(Flag::kLocked) | any.mask_of(Flag::kSwapBacked) |
                                 any.mask_of(Flag::kUptodate) |
                                 (claim.shadow ? any.mask_of(Flag::kActive) : 0),
                        .refs = 1 + kRefsOfLruBatch};
  Pfn pfn;
  if (machine.alloc_pages(fault.cpu, fresh, std::span(&pfn, 1)) == 0) {
    if (claims_slot(machine)) machine.swap.cache_remove(slot, claim.shadow);
    return {};
  }
  const Page folio = machine.page(pfn);
  folio_putback_lru(fault.cpu, folio);
  machine.frames.write(pfn, machine.swap.bytes(slot));
  return folio;
}

bool should_try_to_free_swap(Fault& fault, Page folio) {
  if (!folio_test_swapcache(folio)) return false;
  if (fault.machine().has(Rule::kSwapinThroughCache)) return true;
  if (fault.machine().swap.nearly_full() || (fault.vma.flags & kVmLocked) != 0 ||
      folio.test(Flag::kMlocked))
    return true;
  return fault.write() && folio.refcount() == 2;
}

/// The entry's lock is held and the entry is still the one that faulted. `page_index`: of
/// a huge folio in the swap cache, the page of this slot.
void map_swapped_page(Fault& fault, Page folio, std::uint64_t page_index, bool fresh) {
  Machine& machine = fault.machine();
  const std::uint64_t slot = fault.orig.entry().offset;
  const bool exclusive = fresh || fault.orig.swp_exclusive();
  if (fresh && claims_slot(machine))
    machine.swap.free_claimed(slot);
  else
    machine.swap.free(slot);
  if (should_try_to_free_swap(fault, folio)) (void)folio_free_swap(fault.cpu, folio);

  const Page page = folio_page(folio, page_index);
  Pte pte = Pte::of(machine.pfn_of(page), fault.vma.page_prot);
  if (fault.orig.swp_soft_dirty()) pte = pte.with(Pte::kSoftDirty);
  const bool ours = exclusive || folio.refcount() == 1;
  if (ours && (fault.vma.flags & kVmWrite) != 0 && !pte_needs_soft_dirty_wp(fault.vma, pte)) {
    pte = pte.with(Pte::kWrite);
    if (fault.write()) {
      pte = pte.mkdirty();
      fault.flags &= ~kFaultWrite;
    }
  }
  if (folio_test_anon(folio)) {
    folio_add_anon_rmap(fault.cpu, page, fault.vma, fault.address, ours);
  } else {
    // v6.12 forgets a locked vma here: such a page is locked by the next mlock only.
    folio_add_new_anon_rmap(fault.cpu, folio, fault.vma, fault.address, ours);
  }
  fault.map(pte);
  fault.orig = pte;
}

}  // namespace

FaultResult do_swap_page(Fault& fault) {
  if (!fault.orig.entry().is_swap()) return fault_special_entry(fault);
  Cpu& cpu = fault.cpu;
  Machine& machine = cpu.machine;
  const std::uint64_t slot = fault.orig.entry().offset;
  if (anon_vma_prepare(cpu, fault.vma) != Errc::kOk) return FaultResult::kOom;

  Page folio = machine.has(Rule::kSwapinThroughCache) ? Page() : swapin_direct(fault, slot);
  const bool fresh = static_cast<bool>(folio);
  if (!folio) {
    folio = machine.swap.cache_get(machine, slot);
    if (folio) folio.clear(Flag::kReclaim);  // shares its bit with the readahead marker
  }
  const bool cached = !fresh && folio;
  if (!folio) folio = read_swap_cache(cpu, slot);
  if (!folio) {
    // Under the lock: who has given the slot up may be about to map the page.
    Guard guard(*fault.slot.lock);
    return fault.slot.get() == fault.orig ? FaultResult::kOom : FaultResult::kOk;
  }
  std::uint64_t page_index = 0;
  if (!fresh) {
    folio_lock(folio);
    if (const auto held = folio_page_of_slot(machine, folio, slot)) {
      page_index = held.value;
    } else {
      folio_unlock(folio);
      folio_put(cpu, folio);
      return FaultResult::kOk;  // the cache let go of it meanwhile: look again
    }
    // An LRU batch's reference would make the page look shared.
    if (fault.write() && !folio.test(Flag::kLru)) lru_add_drain(cpu);
  }

  cpu.pass(StopPoint::kSwapinRead);
  fault.slot.lock->lock();
  const bool same = fault.slot.get() == fault.orig || planted(Mistake::kSwapFaultUnchecked);
  if (same) {
    cpu.note(fresh    ? Reached::kSwapinAlone
             : cached ? Reached::kSwapinCached
                      : Reached::kSwapinRead);
    map_swapped_page(fault, folio, page_index, fresh);
    folio_unlock(folio);
    if (fault.write()) return do_wp_page(fault);
    fault.slot.lock->unlock();
    return FaultResult::kOk;
  }
  fault.slot.lock->unlock();
  folio_unlock(folio);
  if (fresh && claims_slot(machine)) machine.swap.cache_remove(slot, machine.swap.shadow(slot));
  folio_put(cpu, folio);
  return FaultResult::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
