// mlock: folios of locked vmas go to the unevictable list. How many vmas lock one
// is v6.12's mlock_count. The kernel keeps it in word 2, because it links no
// unevictable folio; our zones do link them, so it lies beside (lru_lock held).
#include "base/fault.h"
#include "mm/folio_state.h"
#include "mm/gup/pin_question.h"
#include "mm/machine.h"
#include "mm/swap/lru_batch.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::uint32_t mlock_count(Machine& machine, Page folio) {
  return machine.mlock_counts.of(machine.pfn_of(folio));
}
void set_mlock_count(Machine& machine, Page folio, std::uint32_t count) {
  machine.mlock_counts.set(machine.pfn_of(folio), count);
}

void relink(Machine& machine, Page folio, bool unevictable, std::uint32_t count) {
  if (folio.test(Flag::kLru)) (void)machine.zone.remove(folio);
  if (unevictable) {
    folio.set(Flag::kUnevictable);
    folio.clear(Flag::kActive);
  } else {
    folio.clear(Flag::kUnevictable);
  }
  (void)machine.pins.putback_locked(machine.pfn_of(folio));
  set_mlock_count(machine, folio, unevictable ? count : 0);
}

void mlock_on_lru(Machine& machine, Page folio) {
  // Off its list: whoever holds it puts it right.
  if (!folio.test(Flag::kLru)) return note_lru_skipped(machine, folio);
  if (folio_evictable(folio)) {
    if (folio.test(Flag::kUnevictable)) relink(machine, folio, false, 0);
  } else if (folio.test(Flag::kUnevictable)) {
    set_mlock_count(machine, folio, mlock_count(machine, folio) + 1);
  } else {
    relink(machine, folio, true, 1);
  }
}

void mlock_new(Machine& machine, Page folio) {
  if (folio.test(Flag::kLru)) return;
  if (folio_evictable(folio))
    (void)machine.pins.putback_locked(machine.pfn_of(folio));
  else
    relink(machine, folio, true, 1);
}

void munlock_on_lru(Machine& machine, Page folio) {
  const bool on_list = folio.test(Flag::kLru);
  if (!on_list) note_lru_skipped(machine, folio);
  if (on_list && folio.test(Flag::kUnevictable)) {
    std::uint32_t count = mlock_count(machine, folio);
    if (count > 0) set_mlock_count(machine, folio, --count);
    if (count > 0) return;
  }
  folio.clear(Flag::kMlocked);
  if (planted(Mistake::kMunlockKeepsList)) return folio.clear(Flag::kUnevictable);
  if (on_list && folio.test(Flag::kUnevictable)) relink(machine, folio, false, 0);
}

void batch_add(Cpu& cpu, Page folio, MlockMove move) {
  cpu.machine.get(folio);
  for (;;) {
    {
      Guard guard(cpu.batches.lock);
      FolioBatch& batch = cpu.batches.mlock;
      if (batch.count < kFolioBatchSize) {
        const unsigned count = batch.add(cpu.machine.pfn_of(folio));
        cpu.batches.mlock_moves[count - 1] = move;
        if (count < kFolioBatchSize && !folio.test(Flag::kHead)) return;
        folio = Page();
      }
    }
    mlock_drain(cpu);
    if (!folio) return;
  }
}

bool locks(const Vma& vma) { return (vma.flags & (kVmLocked | kVmSpecial)) == kVmLocked; }

}  // namespace

void mlock_folio(Cpu& cpu, Page folio) {
  folio.set(Flag::kMlocked);
  batch_add(cpu, folio, MlockMove::kLock);
}

void mlock_new_folio(Cpu& cpu, Page folio) {
  folio.set(Flag::kMlocked);
  batch_add(cpu, folio, MlockMove::kLockNew);
}

void munlock_folio(Cpu& cpu, Page folio) { batch_add(cpu, folio, MlockMove::kUnlock); }

void mlock_drain(Cpu& cpu) {
  cpu.batches.lock.lock();
  if (cpu.batches.mlock.count == 0) return cpu.batches.lock.unlock();
  UninitArray<Pfn, kFolioBatchSize> room;
  const std::span<const Pfn> folios = cpu.batches.mlock.take(room);
  const auto moves = cpu.batches.mlock_moves;
  cpu.batches.lock.unlock();
  for (std::size_t i = 0; i < folios.size(); ++i) {
    const Page folio = cpu.machine.page(folios[i]);
    {
      Guard guard(cpu.machine.zone.lru_lock());
      if (moves[i] == MlockMove::kLock) mlock_on_lru(cpu.machine, folio);
      if (moves[i] == MlockMove::kLockNew) mlock_new(cpu.machine, folio);
      if (moves[i] == MlockMove::kUnlock) munlock_on_lru(cpu.machine, folio);
    }
    folio_put(cpu, folio);
  }
}

void mlock_vma_folio(Cpu& cpu, Page folio, const Vma& vma) {
  if (locks(vma)) mlock_folio(cpu, folio);
}

void munlock_vma_folio(Cpu& cpu, Page folio, const Vma& vma) {
  if (locks(vma)) munlock_folio(cpu, folio);
}

}  // namespace pagebox::inline PAGEBOX_ENV
