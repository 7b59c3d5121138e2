// A write (or unshare) fault on a present, read-only entry: take the page over,
// write in place, or copy.
#include "base/fault.h"
#include "mm/fault/fault.h"
#include "mm/file/page_cache.h"
#include "mm/folio_state.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Nobody else maps it or holds a reference, so the page may become ours.
bool can_reuse_anon_folio(Fault& fault, Page folio) {
  Cpu& cpu = fault.cpu;
  if (cpu.machine.has(Quirk::kReuseByMapcount)) return folio_mapcount(folio) == 1;
  const std::int32_t kept = cpu.machine.kept_refs(folio);
  if (folio_test_large(folio) || folio.refcount() > 3 + kept) return false;
  // A reference may just be this CPU's LRU batch.
  if (!folio.test(Flag::kLru)) lru_add_drain(cpu);
  if (folio.refcount() > 1 + kept + (folio_test_swapcache(folio) ? 1 : 0)) return false;
  if (!folio_trylock(folio)) return false;
  if (folio_test_swapcache(folio)) (void)folio_free_swap(cpu, folio);
  const bool ours = folio.refcount() == 1 + kept;
  if (ours) folio_move_anon_rmap(cpu.machine, folio, fault.vma);
  folio_unlock(folio);
  return ours;
}

void reuse(Fault& fault) {
  fault.slot.make_writable(maybe_mkwrite(fault.orig.with(Pte::kAccessed).mkdirty(), fault.vma));
  fault.broke_cow = true;
}

Reached copied_because(const Fault& fault, Page old) {
  if (fault.unshare()) return Reached::kUnshare;
  if (!old) return Reached::kCopyZero;
  const bool anon = folio_test_anon(compound_head(fault.machine().memmap, old));
  return anon ? Reached::kCopyShared : Reached::kCopyFile;
}

/// The entry's lock is held; `old` has our reference. It is null for the zero page and
/// for memory whose entries are not counted (dax): what is copied stays there, as its
/// owner unmaps it before it takes the memory away.
FaultResult wp_page_copy(Fault& fault, Page old) {
  Cpu& cpu = fault.cpu;
  Machine& machine = cpu.machine;
  Vma& vma = fault.vma;
  fault.slot.lock->unlock();
  const auto give_up = [&](FaultResult result) {
    if (old) folio_put(cpu, compound_head(machine.memmap, old));
    return result;
  };
  if (anon_vma_prepare(cpu, vma) != Errc::kOk) return give_up(FaultResult::kOom);
  const auto fresh = machine.alloc_folio(cpu);
  if (!fresh) return give_up(FaultResult::kOom);
  const Page copy = fresh.value;
  if (machine.is_zero_pfn(fault.orig.pfn())) {
    machine.frames.clear(machine.pfn_of(copy));
  } else if (cpu.fails(FailSite::kCopy)) {
    folio_put(cpu, copy);
    return give_up(FaultResult::kSigbus);
  } else {
    machine.frames.copy(machine.pfn_of(copy), fault.orig.pfn());
  }
  copy.set(Flag::kUptodate);
  cpu.pass(StopPoint::kCowCopied);

  bool copied = false;
  {
    Invalidation invalidation(
        cpu, *vma.mm, {fault.address, fault.address + kPageBytes, NotifyEvent::kClear, nullptr});
    Guard guard(*fault.slot.lock);
    if (fault.slot.get() == fault.orig || planted(Mistake::kCowUnchecked)) {
      Pte entry = Pte::of(machine.pfn_of(copy), vma.page_prot);
      if (fault.unshare())
        entry = fault.orig.soft_dirty() ? entry.with(Pte::kSoftDirty) : entry;
      else
        entry = maybe_mkwrite(entry.mkdirty(), vma);
      // Empty first: fast GUP must never see the old page with the new bits.
      (void)fault.slot.clear_and_flush();
      folio_add_new_anon_rmap(cpu, copy, vma, fault.address, true);
      folio_add_lru_vma(cpu, copy, vma);
      fault.slot.map(entry);
      if (old) folio_remove_rmap(cpu, old, vma);
      copied = true;
      fault.broke_cow = !fault.unshare();
    }
  }
  // Asked of the descriptor only where somebody counts: it is an access.
  if (cpu.reached != nullptr) cpu.note(copied ? copied_because(fault, old) : Reached::kLost);
  if (!copied) folio_put(cpu, copy);
  if (old) {
    const Page folio = compound_head(machine.memmap, old);
    if (copied) {
      free_swap_cache(cpu, folio);
      folio_put(cpu, folio);  // the entry's reference
    }
    folio_put(cpu, folio);
  }
  return FaultResult::kOk;
}

/// Shared file mapping: the file's page becomes writable in place.
FaultResult wp_page_shared(Fault& fault, Page page) {
  Cpu& cpu = fault.cpu;
  Machine& machine = cpu.machine;
  const Page folio = compound_head(machine.memmap, page);
  cpu.note(Reached::kWriteShared);
  machine.get(folio);
  if (fault.vma.file->tracks_dirty()) {
    // page_mkwrite: the file system hears of the write before it can happen.
    fault.slot.lock->unlock();
    folio_lock(folio);
    const std::uint64_t index = fault.vma.pgoff_of(fault.address);
    const bool truncated = !folio_is_at(machine, *fault.vma.file, index, folio);
    if (!truncated) folio_mark_dirty(machine, folio);
    fault.slot.lock->lock();
    if (!truncated && fault.slot.get() == fault.orig) reuse(fault);
    fault.slot.lock->unlock();
  } else {
    reuse(fault);
    fault.slot.lock->unlock();
    folio_lock(folio);
    folio_mark_dirty(machine, folio);
  }
  folio_unlock(folio);
  folio_put(cpu, folio);
  return FaultResult::kOk;
}

}  // namespace

FaultResult do_wp_page(Fault& fault) {
  Machine& machine = fault.machine();
  const Page page = vm_normal_page(machine, fault.orig);
  if ((fault.vma.flags & kVmShared) != 0) {
    if (page) return wp_page_shared(fault, page);
    // No page whose dirt anybody follows (wp_pfn_shared).
    reuse(fault);
    fault.slot.lock->unlock();
    return FaultResult::kOk;
  }
  if (page) {
    const Page folio = compound_head(machine.memmap, page);
    const bool exclusive = folio_test_anon(folio) && page_anon_exclusive(page);
    if (exclusive || (folio_test_anon(folio) && can_reuse_anon_folio(fault, folio))) {
      fault.cpu.note(exclusive ? Reached::kReuseExclusive : Reached::kReuseLast);
      page.set(kFlagAnonExclusive);
      if (!fault.unshare()) reuse(fault);
      fault.slot.lock->unlock();
      return FaultResult::kOk;
    }
    machine.get(folio);
  }
  return wp_page_copy(fault, page);
}

}  // namespace pagebox::inline PAGEBOX_ENV
