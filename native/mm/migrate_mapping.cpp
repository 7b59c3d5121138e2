// The step of migration that decides: whoever holds an unexpected reference (a
// pin is nothing else) keeps the folio where it is.
#include "mm/folio_state.h"
#include "mm/migrate.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// The new page, referenced for the cache, with the old one's place in it.
void take_over(Machine& machine, Page to, Page from) {
  to.set_word(4, folio_index(from));
  to.set_word(3, from.word(3));
  if (from.test(Flag::kSwapBacked)) to.set(Flag::kSwapBacked);
  if (from.test_and_clear(Flag::kDirty)) to.set(Flag::kDirty);
  machine.get(to);
}

Errc move_in_swap_cache(Machine& machine, Page to, Page from, std::int32_t expected) {
  // Frozen, so a lookup in the swap cache finds nothing until it finds the new page.
  if (!from.try_freeze(expected)) return Errc::kAgain;
  const std::uint64_t slot = folio_swap_slot(from);
  take_over(machine, to, from);
  to.set_word(5, slot);
  to.set(kFlagSwapCache);
  machine.swap.cache_add(slot, machine.pfn_of(to));
  from.unfreeze(expected - 1);
  return Errc::kOk;
}

Errc move_in_file(Machine& machine, AddressSpace& file, Page to, Page from,
                  std::int32_t expected) {
  Guard guard(file.cache_lock);
  if (!from.try_freeze(expected)) return Errc::kAgain;
  take_over(machine, to, from);
  file.set_entry(folio_index(from), CacheEntry::page(machine.pfn_of(to)));
  from.unfreeze(expected - 1);
  return Errc::kOk;
}

}  // namespace

std::int32_t folio_expected_refs(Machine& machine, Page folio) {
  if (!folio_test_swapcache(folio) && folio_file(machine, folio) == nullptr) return 1;
  return 2 + (folio.test(Flag::kPrivate) ? 1 : 0);
}

Errc folio_migrate_mapping(Cpu& cpu, Page to, Page from, std::int32_t extra_refs) {
  Machine& machine = cpu.machine;
  const std::int32_t expected = folio_expected_refs(machine, from) + extra_refs;
  if (folio_test_anon(from) && folio_test_swapcache(from))
    return move_in_swap_cache(machine, to, from, expected);
  if (AddressSpace* file = folio_file(machine, from))
    return move_in_file(machine, *file, to, from, expected);
  if (from.refcount() != expected) return Errc::kAgain;
  to.set_word(4, folio_index(from));
  to.set_word(3, from.word(3));
  if (from.test(Flag::kSwapBacked)) to.set(Flag::kSwapBacked);
  return Errc::kOk;
}

void folio_migrate_flags(Cpu&, Page to, Page from) {
  for (const Flag flag : {Flag::kReferenced, Flag::kUptodate, Flag::kWorkingset,
                          Flag::kMappedToDisk, Flag::kDirty, Flag::kReclaim})
    if (from.test(flag)) to.set(flag);
  if (from.test_and_clear(Flag::kActive))
    to.set(Flag::kActive);
  else if (from.test_and_clear(Flag::kUnevictable))
    to.set(Flag::kUnevictable);
  if (folio_test_swapcache(from)) {
    from.clear(kFlagSwapCache);
    from.set_word(5, 0);
  }
  from.clear(Flag::kPrivate);
}

}  // namespace pagebox::inline PAGEBOX_ENV
