// Moving a folio: entries become migration entries, the caches switch over with
// the count frozen, the entries come back pointing to the new frame. Whoever holds
// a reference of its own (a pin, a pipe) shows in the count, and the folio stays.
#include "mm/migrate.h"

#include <algorithm>

#include "base/fault.h"
#include "mm/file/page_cache.h"
#include "mm/folio_state.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::int32_t expected_refs(const Machine& machine, Page folio, bool cached) {
  return 1 + (cached ? 1 : 0) + (folio.test(Flag::kPrivate) ? 1 : 0) + machine.kept_refs(folio);
}

/// The slot of file or swap cache that names `from` names `to` now. `from` is frozen.
/// kCorrupt: no cache has `from` where its descriptor says, and nothing has changed.
Errc switch_cache(Machine& machine, Page to, Page from) {
  if (folio_test_swapcache(from)) {
    const auto slot = folio_true_swap_slot(machine, from);
    if (!slot) return slot.error;
    to.set(kFlagSwapCache);
    to.set_private_word(slot.value);
    machine.swap.cache_add(slot.value, machine.pfn_of(to));
    from.clear(kFlagSwapCache);
    from.set_private_word(0);
  } else if (AddressSpace* file = folio_file(machine, from)) {
    Guard guard(file->cache_lock);
    const std::uint64_t index = folio_index(from);
    if (file->entry(index) != CacheEntry::page(machine.pfn_of(from))) return Errc::kCorrupt;
    file->set_entry(index, CacheEntry::page(machine.pfn_of(to)));
  }
  return Errc::kOk;
}

}  // namespace

std::int32_t folio_expected_refs(Machine& machine, Page folio) {
  return expected_refs(machine, folio, folio_in_cache(machine, folio));
}

Errc folio_migrate_mapping(Cpu& cpu, Page to, Page from, std::int32_t extra_refs) {
  Machine& machine = cpu.machine;
  const bool cached = folio_in_cache(machine, from);
  const std::int32_t expected = expected_refs(machine, from, cached) + extra_refs;
  if (cached && !planted(Mistake::kMigrateUnfrozen) ? !from.try_freeze(expected)
                                                    : from.refcount() != expected)
    return Errc::kAgain;
  to.set_index(from.index());
  to.set_mapping(from.mapping());
  if (!cached) return Errc::kOk;
  // A cache is about to show it; for others it comes with the rest of the flags.
  if (from.test(Flag::kSwapBacked)) to.set(Flag::kSwapBacked);
  machine.get(to);
  const bool dirty = from.test_and_clear(Flag::kDirty);
  if (dirty) to.set(Flag::kDirty);
  if (const Errc error = switch_cache(machine, to, from); error != Errc::kOk) {
    to.ref_sub(1);
    to.set_mapping(0);
    if (dirty) from.set(Flag::kDirty);
    from.unfreeze(expected);
    return error;
  }
  from.unfreeze(planted(Mistake::kMigrateCacheReference) ? expected : expected - 1);
  return Errc::kOk;
}

void folio_migrate_flags(Cpu&, Page to, Page from) {
  const std::uint64_t had = from.flags();
  std::uint64_t carried = from.mask_of(Flag::kReferenced) | from.mask_of(Flag::kUptodate) |
                          from.mask_of(Flag::kActive) | from.mask_of(Flag::kWorkingset) |
                          from.mask_of(Flag::kDirty) | from.mask_of(Flag::kSwapBacked);
  // The bit is anon_exclusive's on anonymous pages, which the entries bring back.
  if (!folio_test_anon(from)) carried |= from.mask_of(kFlagAnonExclusive);
  (void)to.set_bits(had & carried);
  // Buffers move with the contents: their reference does too.
  if (from.test(Flag::kPrivate)) {
    from.clear(Flag::kPrivate);
    to.set(Flag::kPrivate);
    to.set_private_word(from.private_word());
    from.set_private_word(0);
    to.ref_inc();
    from.ref_sub(1);
  }
}

namespace {

/// Both locked, `from` unmapped. True: `to` has taken its place.
bool move_to_new_folio(Cpu& cpu, Page to, Page from) {
  Machine& machine = cpu.machine;
  // First: what has moved cannot go back.
  if (cpu.fails(FailSite::kCopy)) return false;
  if (folio_migrate_mapping(cpu, to, from, 0) != Errc::kOk) return false;
  machine.frames.copy(machine.pfn_of(to), machine.pfn_of(from));
  folio_migrate_flags(cpu, to, from);
  return true;
}

}  // namespace

Errc migrate_folio(Cpu& cpu, Page folio) {
  Machine& machine = cpu.machine;
  const auto fresh = machine.alloc_folio(cpu);
  if (!fresh) {
    folio_putback_lru(cpu, folio);
    return fresh.error;
  }
  const Page to = fresh.value;
  bool moved = false;
  to.set(Flag::kLocked);
  if (folio_trylock(folio)) {
    const bool unmapped = !folio_mapped(machine, folio) || try_to_migrate(cpu, folio);
    if (unmapped) cpu.pass(StopPoint::kMigrateUnmapped);
    moved = unmapped && move_to_new_folio(cpu, to, folio);
    if (moved) cpu.pass(StopPoint::kMigrateMoved);
    if (moved || !planted(Mistake::kMigrateLeavesEntries))
      remove_migration_entries(cpu, folio, moved ? to : folio);
    if (moved) folio.set_mapping(0);
    folio_unlock(folio);
  }
  if (!moved || !planted(Mistake::kMovedStaysLocked)) folio_unlock(to);
  cpu.note(moved ? Reached::kMoved : Reached::kMoveHeld);
  if (!moved) {
    folio_put(cpu, to);
    folio_putback_lru(cpu, folio);
    return Errc::kAgain;
  }
  folio_putback_lru(cpu, to);  // and the reference it was born with
  folio_put(cpu, folio);
  return Errc::kOk;
}

namespace {

/// Off its list, with a reference. False: it is on none, or is not moved by itself.
bool isolate_for_move(Cpu& cpu, Page folio) {
  if (!folio.test(Flag::kLru) || folio.test(Flag::kHead) || !folio.try_ref_add_unless_zero(1))
    return false;
  const auto isolated = cpu.machine.zone.isolate(folio);
  if (isolated && isolated.value) return true;
  folio_put(cpu, folio);
  return false;
}

/// Moves up to `most` pages below `at`, which becomes the last one that was looked at.
unsigned move_below(Cpu& cpu, Pfn& at, Pfn first, std::uint64_t most) {
  unsigned moved = 0;
  while (at > first && most != 0) {
    at.value -= 1;
    const Page folio = cpu.machine.page(at);
    if (!isolate_for_move(cpu, folio)) continue;
    --most;
    if (migrate_folio(cpu, folio) == Errc::kOk) ++moved;
  }
  return moved;
}

}  // namespace

unsigned compact_range(Cpu& cpu, Pfn first, Pfn end) {
  lru_add_drain_all(cpu);
  Pfn at = std::min(end, cpu.machine.allocator.end_of_used());
  return move_below(cpu, at, first, ~std::uint64_t{0});
}

unsigned compact_some(Cpu& cpu, Pfn first, Pfn end, std::uint64_t most) {
  Machine& machine = cpu.machine;
  const Pfn top = std::min(end, machine.allocator.end_of_used());
  Pfn at{machine.compacted_to.load(atomics::kRelaxed)};
  if (at <= first || at > top) {
    lru_add_drain_all(cpu);
    at = top;
  }
  const unsigned moved = move_below(cpu, at, first, most);
  machine.compacted_to.store(at.value, atomics::kRelaxed);
  return moved;
}

}  // namespace pagebox::inline PAGEBOX_ENV
