#include "mm/swap/lru_batch.h"

#include "base/fault.h"
#include "mm/folio_state.h"
#include "mm/gup/pin_question.h"
#include "mm/machine.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

void relink(Zone& zone, Page folio) { (void)zone.add(folio, Zone::kind_of(folio)); }

/// A pin may have it off its list by now: then its last unpin will link it.
void lru_add(Machine& machine, Page folio) {
  settle_lru_flags(folio);
  (void)machine.pins.putback_locked(machine.pfn_of(folio));
}

/// Nobody but the batch holds it: it is freed, from no list.
bool is_added(Page folio) { return !folio.test(Flag::kLru) && folio.refcount() > 1; }

/// Pages of one list in a row: its head is everybody's, and visited once.
void lru_add_each(Machine& machine, std::span<const Pfn> folios) {
  if (machine.pins.isolates()) {
    for (const Pfn pfn : folios)
      if (const Page folio = machine.page(pfn); is_added(folio)) lru_add(machine, folio);
    return;
  }
  UninitArray<Page, kFolioBatchSize> run;
  std::size_t count = 0;
  LruKind kind{};
  const auto link = [&] {
    if (count != 0) (void)machine.zone.add_each(run.first(count), kind);
    count = 0;
  };
  for (const Pfn pfn : folios) {
    const Page folio = machine.page(pfn);
    if (!is_added(folio)) continue;
    settle_lru_flags(folio);
    if (const LruKind its = Zone::kind_of(folio); its != kind) {
      link();
      kind = its;
    }
    run[count++] = folio;
  }
  link();
}

void lru_activate(Zone& zone, Page folio) {
  if (folio.test(Flag::kActive) || folio.test(Flag::kUnevictable)) return;
  (void)zone.remove(folio);
  folio.set(Flag::kActive);
  relink(zone, folio);
}

void lru_deactivate(Zone& zone, Page folio) {
  if (folio.test(Flag::kUnevictable) || !folio.test(Flag::kActive)) return;
  (void)zone.remove(folio);
  folio.clear(Flag::kActive);
  folio.clear(Flag::kReferenced);
  relink(zone, folio);
}

void lru_lazyfree(Zone& zone, Page folio) {
  if (!folio_test_anon(folio) || !folio.test(Flag::kSwapBacked) || folio_test_swapcache(folio) ||
      folio.test(Flag::kUnevictable))
    return;
  (void)zone.remove(folio);
  folio.clear(Flag::kActive);
  folio.clear(Flag::kReferenced);
  // Clean and not swap-backed: reclaim may drop it without writing.
  folio.clear(Flag::kSwapBacked);
  relink(zone, folio);
}

void lru_move_each(Machine& machine, std::span<const Pfn> folios, LruMove move) {
  for (const Pfn pfn : folios) {
    const Page folio = machine.page(pfn);
    if (!folio.test(Flag::kLru)) {
      note_lru_skipped(machine, folio);
      continue;
    }
    if (move == LruMove::kActivate) lru_activate(machine.zone, folio);
    if (move == LruMove::kDeactivate) lru_deactivate(machine.zone, folio);
    if (move == LruMove::kLazyfree) lru_lazyfree(machine.zone, folio);
  }
}

void drain(Cpu& cpu, std::span<Pfn> folios, LruMove move) {
  if (folios.empty()) return;
  {
    Guard guard(cpu.machine.zone.lru_lock());
    if (move == LruMove::kAdd)
      lru_add_each(cpu.machine, folios);
    else
      lru_move_each(cpu.machine, folios, move);
  }
  folios_put(cpu, folios);
}

/// The lock of `batches` is held; this releases it.
void drain_locked(Cpu& cpu, LruBatches& batches, LruMove move) {
  UninitArray<Pfn, kFolioBatchSize> room;
  if (planted(Mistake::kBatchUnlocked)) batches.lock.unlock();
  const std::span<Pfn> taken = batches.moves[static_cast<unsigned>(move)].take(room);
  if (!planted(Mistake::kBatchUnlocked)) batches.lock.unlock();
  drain(cpu, taken, move);
}

/// The callers' references become the batch's.
void batch_add(Cpu& cpu, std::span<const Pfn> folios, LruMove move) {
  cpu.batches.lock.lock();
  FolioBatch& batch = cpu.batches.moves[static_cast<unsigned>(move)];
  for (std::size_t i = 0; i < folios.size(); ++i) {
    const unsigned count = batch.add(folios[i]);
    const bool huge = cpu.machine.page(folios[i]).test(Flag::kHead);  // it waits for nobody
    if (count < kFolioBatchSize && !huge) continue;
    drain_locked(cpu, cpu.batches, move);
    if (i + 1 == folios.size()) return;
    cpu.batches.lock.lock();
  }
  cpu.batches.lock.unlock();
}

/// With a reference of its own.
void batch_add(Cpu& cpu, Page folio, LruMove move) {
  cpu.machine.get(folio);
  const Pfn pfn = cpu.machine.pfn_of(folio);
  batch_add(cpu, std::span(&pfn, 1), move);
}

void drain_cpu(Cpu& cpu, Cpu& of) {
  std::array<bool, kLruMoves> filled{};
  of.batches.lock.lock();
  const bool mlocks = of.batches.mlock.count != 0;
  for (unsigned i = 0; i < kLruMoves; ++i) filled[i] = of.batches.moves[i].count != 0;
  bool locked = true;
  for (const LruMove move :
       {LruMove::kAdd, LruMove::kDeactivate, LruMove::kLazyfree, LruMove::kActivate}) {
    if (!filled[static_cast<unsigned>(move)]) continue;
    if (!locked) of.batches.lock.lock();
    drain_locked(cpu, of.batches, move);
    locked = false;
  }
  if (locked) of.batches.lock.unlock();
  if (mlocks) mlock_drain(of);
}

/// Not on a list yet: it may still lie in this CPU's batch, and be added active.
void activate_in_batch(Cpu& cpu, Page folio) {
  const Pfn pfn = cpu.machine.pfn_of(folio);
  Guard guard(cpu.batches.lock);
  const FolioBatch& batch = cpu.batches.moves[static_cast<unsigned>(LruMove::kAdd)];
  for (const Pfn each : batch.held())
    if (each == pfn) return folio.set(Flag::kActive);
}

}  // namespace

bool folio_evictable(Page folio) { return !folio.test(Flag::kMlocked); }

void settle_lru_flags(Page folio) {
  // Set and cleared under this lock only.
  if (folio.test(Flag::kUnevictable)) folio.clear(Flag::kUnevictable);
  if (folio_evictable(folio)) return;
  folio.clear(Flag::kActive);
  folio.set(Flag::kUnevictable);
}

void folio_add_lru(Cpu& cpu, Page folio) { batch_add(cpu, folio, LruMove::kAdd); }

void folio_add_lru_vma(Cpu& cpu, Page folio, const Vma& vma) {
  if ((vma.flags & (kVmLocked | kVmSpecial)) == kVmLocked)
    mlock_new_folio(cpu, folio);
  else
    folio_add_lru(cpu, folio);
}

void folio_give_lru_vma(Cpu& cpu, Page folio, const Vma& vma) {
  if ((vma.flags & (kVmLocked | kVmSpecial)) == kVmLocked) {
    mlock_new_folio(cpu, folio);
    folio_put(cpu, folio);
  } else {
    folio_putback_lru(cpu, folio);
  }
}

void folio_activate(Cpu& cpu, Page folio) {
  note_lru_skipped(cpu.machine, folio);
  if (folio.test(Flag::kLru) && !folio.test(Flag::kActive) && !folio.test(Flag::kUnevictable))
    batch_add(cpu, folio, LruMove::kActivate);
}

void folio_deactivate(Cpu& cpu, Page folio) {
  note_lru_skipped(cpu.machine, folio);
  if (folio.test(Flag::kLru) && !folio.test(Flag::kUnevictable) && folio.test(Flag::kActive))
    batch_add(cpu, folio, LruMove::kDeactivate);
}

void folio_mark_lazyfree(Cpu& cpu, Page folio) {
  note_lru_skipped(cpu.machine, folio);
  if (folio.test(Flag::kLru) && folio_test_anon(folio) && folio.test(Flag::kSwapBacked) &&
      !folio_test_swapcache(folio) && !folio.test(Flag::kUnevictable))
    batch_add(cpu, folio, LruMove::kLazyfree);
}

void folio_mark_accessed(Cpu& cpu, Page folio) {
  if (!folio.test(Flag::kReferenced)) {
    folio.set(Flag::kReferenced);
  } else if (!folio.test(Flag::kUnevictable) && !folio.test(Flag::kActive)) {
    if (folio.test(Flag::kLru)) {
      folio_activate(cpu, folio);
    } else {
      note_lru_skipped(cpu.machine, folio);
      activate_in_batch(cpu, folio);
    }
    folio.clear(Flag::kReferenced);
  }
}

bool folio_isolate_lru(Cpu& cpu, Page folio) {
  Pfn pfn = cpu.machine.pfn_of(folio);
  return folios_isolate_lru(cpu, std::span(&pfn, 1)) == 1;
}

std::size_t folios_isolate_lru(Cpu& cpu, std::span<Pfn> folios) {
  Machine& machine = cpu.machine;
  UninitArray<Page, kLockedFolios> room;
  for (std::size_t i = 0; i < folios.size(); ++i) {
    room[i] = machine.page(folios[i]);
    machine.get(room[i]);
  }
  const std::span<Page> pages = room.first(folios.size());
  std::size_t isolated = 0, skipped = 0;  // both at the front of their list
  {
    const Guard guard(machine.zone.lru_lock());
    Zone::Removals removals(machine.zone);
    for (std::size_t at = 0; at < pages.size();) {
      for (std::size_t gone = removals.remove_each(pages.subspan(at)); gone > 0; --gone)
        folios[isolated++] = folios[at++];
      if (at < pages.size()) pages[skipped++] = pages[at++];
    }
  }
  for (const Page folio : pages.first(skipped)) {
    note_lru_skipped(machine, folio);
    folio_put(cpu, folio);
  }
  return isolated;
}

void folio_putback_lru(Cpu& cpu, Page folio) {
  const Pfn pfn = cpu.machine.pfn_of(folio);
  folios_putback_lru(cpu, std::span(&pfn, 1));
}

void folios_putback_lru(Cpu& cpu, std::span<const Pfn> folios) {
  batch_add(cpu, folios, LruMove::kAdd);
}

void lru_add_drain(Cpu& cpu) { drain_cpu(cpu, cpu); }

void lru_add_drain_all(Cpu& cpu) {
  for (unsigned i = 0; i < cpu.machine.cpus(); ++i) drain_cpu(cpu, cpu.machine.cpu(i));
}

}  // namespace pagebox::inline PAGEBOX_ENV
