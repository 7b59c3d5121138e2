// What a folio's words say: lock bit, owner, index, counts. Thin readings of the
// descriptor; which word holds what is in page/page.h.
#pragma once

#include <cstdint>

#include "base/env.h"
#include "mm/address_space.h"
#include "mm/huge/large_folio.h"
#include "mm/machine.h"
#include "page/address.h"
#include "page/page.h"

namespace pagebox::inline PAGEBOX_ENV {

inline bool folio_test_anon(Page folio) { return (folio.mapping() & kMappingAnon) != 0; }
inline std::uint64_t folio_index(Page folio) { return folio.index(); }
inline bool folio_test_swapcache(Page folio) {
  return folio.test_both(Flag::kSwapBacked, kFlagSwapCache);
}
/// The file, null for anonymous pages and truncated ones.
AddressSpace* folio_file(Machine& machine, Page folio);
/// Swap or a file knows it.
inline bool folio_in_cache(Machine& machine, Page folio) {
  if (!folio_test_anon(folio) && folio_file(machine, folio) != nullptr) return true;
  return folio_test_swapcache(folio);
}
inline bool page_anon_exclusive(Page page) { return page.test(kFlagAnonExclusive); }
/// The LRU's idea of a file page: one that is not swapped.
inline bool folio_is_file_lru(Page folio) { return !folio.test(Flag::kSwapBacked); }

/// Null unless the page is anonymous and its word names an anon_vma.
AnonVma* folio_anon_vma(Machine& machine, Page folio);
void folio_set_anon(Machine& machine, Page folio, AnonVma& anon_vma, std::uint64_t index);
void folio_set_file(Machine& machine, Page folio, AddressSpace& file, std::uint64_t index);

/// Then a pin, which asks nobody, changes `_mapcount` too.
inline bool pins_count_as_mappings(const Machine& machine) {
  return machine.pins.scheme().place == CountPlace::kMapcount;
}
/// Mappings without pins, which mapcount-overlay counts in: what decisions are made by.
/// `emptied`: entries that the caller has emptied and not yet counted out.
std::int32_t page_mapcount(Machine& machine, Page page, std::int32_t emptied = 0);
/// The same of any part of a folio; entries that were emptied still count.
std::int32_t large_folio_mapcount(Machine& machine, Page folio);
inline std::int32_t folio_mapcount(Machine& machine, Page folio, std::int32_t emptied = 0) {
  if (folio_test_large(folio)) return large_folio_mapcount(machine, folio);
  // Where pins do not count as mappings, or nothing is there to tell apart.
  const std::int32_t raw = page_mapcount(folio);
  if (!pins_count_as_mappings(machine) || raw <= emptied) return raw;
  return page_mapcount(machine, folio, emptied);
}
inline bool folio_mapped(Machine& machine, Page folio) {
  return folio_mapcount(machine, folio) > 0;
}

inline bool folio_trylock(Page folio) { return !folio.test_and_set(Flag::kLocked); }
/// A lock that nobody gives back is taken all the same, and the run is told: its bit lies
/// in a word that a scheme may have counted over.
void folio_lock(Page folio);
/// A cache holds a reference of its page: none is there only while its folio lock's owner
/// has frozen the count. True: nobody has, so the page was freed under the cache.
bool folio_was_freed(Page folio);
inline void folio_unlock(Page folio) {
  // Who sets PG_waiters after this finds the lock free, and clears it as its owner.
  const std::uint64_t waiters = folio.mask_of(Flag::kWaiters);
  const std::uint64_t before = folio.clear_bits(folio.mask_of(Flag::kLocked) | waiters);
  if ((before & waiters) != 0) wake(folio.low_flags());
}

/// A sleep until a folio is unlocked, without a reference: that would be one too many
/// for who migrates it.
struct FolioWait {
  Page folio;
  std::uint32_t seen = 0;  // the low half of its flags
};
/// Something that keeps the folio locked and alive is held: the table's lock over
/// its migration entry.
FolioWait folio_prepare_wait(Page folio);
/// With nothing held. May return early. False: given up, it stays locked.
[[nodiscard]] bool folio_wait_unlocked(const FolioWait& wait);

/// Sets PG_dirty; the file's page is dirty from now on. True if it was not.
bool folio_mark_dirty(Machine& machine, Page folio);

}  // namespace pagebox::inline PAGEBOX_ENV
