// Swap: slots with counts, their bytes, and the swap cache (slot -> page).
//
//   map byte   |7 cache|6 ......... 0 users|   users: page-table entries and
//                                              tmpfs slots that hold the slot
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/errc.h"
#include "base/lock.h"
#include "base/mapping.h"
#include "base/plain.h"
#include "mm/swap/swap_slots.h"
#include "page/page.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

class Cpu;
class DamageLog;
class Machine;

class Swap {
 public:
  static constexpr std::uint8_t kHasCache = 0x80;

  Errc create(std::uint64_t pages, unsigned cpus);
  std::uint64_t slots() const { return table_.slots(); }
  std::uint64_t used_slots();
  /// vm_swap_full: more than half in use, so swap cache is dropped eagerly.
  bool nearly_full();

  // Slots. Each takes the lock.
  /// A slot with this page in the cache and no user, `cpu`'s next one. kNoSpc: full.
  Result<std::uint64_t> alloc_slot(Pfn pfn, unsigned cpu);
  /// `count` slots side by side, the first divisible by it, for pages that follow each
  /// other. kNoSpc: none are.
  Result<std::uint64_t> alloc_slots(Pfn first, std::uint64_t count);
  /// kNoMem: too many users; kCorrupt: nobody has this slot.
  Errc duplicate(std::uint64_t slot);
  /// duplicate(first + index), if the cache has the page under `first`; kNoEnt: it has not.
  Errc duplicate_cached(std::uint64_t first, Pfn pfn, std::uint64_t index);
  /// Drops one user. True: only the cache is left.
  bool free(std::uint64_t slot);
  /// The same for who has claimed it (claim_alone()), and with it the claim.
  void free_claimed(std::uint64_t slot);
  std::uint32_t users(std::uint64_t slot);

  // The swap cache. Slots come from page tables and files, and from descriptors, where
  // somebody may have overwritten them: one that nobody has is not there.
  /// The slot whose page this is, whatever its descriptor says. kCorrupt: none.
  Result<std::uint64_t> slot_of(Pfn pfn);
  bool caches(std::uint64_t slot, Pfn pfn);
  void cache_add(std::uint64_t slot, Pfn pfn);
  /// The folio of the page, with a reference taken under the lock.
  Page cache_get(Machine& machine, std::uint64_t slot);
  /// The page itself, without a reference: for messages.
  Page cached_page(const Machine& machine, std::uint64_t slot);
  /// Drops the cache's hold on the slot; keeps a shadow if the page was evicted.
  void cache_remove(std::uint64_t slot, bool leave_shadow);
  /// The same if it is this page that the cache has there. False: nothing was done.
  bool cache_remove_page(std::uint64_t slot, Pfn pfn, bool leave_shadow);
  bool shadow(std::uint64_t slot);
  /// These pages are being freed. If the cache still has one that is Damage, and it lets
  /// go: they are somebody else's from now on.
  void forget(DamageLog& damage, Pfn first, std::uint64_t pages);
  /// Takes kHasCache for a slot not cached yet. False: somebody has it.
  bool cache_claim(std::uint64_t slot);
  /// The same where the slot has one user, who does without the cache. Without `claim` it is only
  /// looked at.
  struct Claim {
    bool taken, shadow;
  };
  Claim claim_alone(std::uint64_t slot, bool claim = true);

  /// Of a slot that does not exist: bytes that are nobody's.
  std::byte* bytes(std::uint64_t slot) {
    return bytes_.data() + std::min(slot, slots()) * kPageBytes;
  }
  SpinLock& lock() { return lock_; }

  /// For the audit, with nothing running.
  std::uint8_t raw(std::uint64_t slot) const { return slot < map_.size() ? map_[slot] : 0; }
  std::uint64_t cached(std::uint64_t slot) const { return slot < cache_.size() ? cache_[slot] : 0; }

 private:
  bool in_use(std::uint64_t slot) const { return slot < map_.size() && map_[slot] != 0; }
  bool has_cached(std::uint64_t slot, Pfn pfn) const {
    return slot < cache_.size() && cache_[slot] == pfn.value + 1;
  }
  Errc duplicate_locked(std::uint64_t slot);
  bool free_locked(std::uint64_t slot);
  void release(std::uint64_t slot);
  void drop_cache_locked(std::uint64_t slot, bool leave_shadow);
  void drop_freed_locked(DamageLog& damage, std::uint64_t slot);
  void grow();
  void occupy(std::uint64_t slot, Pfn pfn);
  SpinLock lock_;
  // Stands for the vectors: each method marks it under lock_.
  [[no_unique_address]] PlainMark book_;
  // As long as slots were ever used: a machine is made for each short scenario.
  std::vector<std::uint8_t> map_;
  std::vector<std::uint64_t> cache_;  // pfn + 1, 0: none
  std::vector<std::uint8_t> shadow_;
  SwapSlots table_;
  Mapping bytes_;
};

/// Of a huge folio its first page's; the others follow. As its descriptor says.
std::uint64_t folio_swap_slot(Page folio);
/// The same for who acts on it: if the swap cache has the page under another slot, that
/// is Damage, and the answer. kCorrupt: the page is in no swap cache.
Result<std::uint64_t> folio_true_swap_slot(Machine& machine, Page folio);
/// One more user of the slot of the folio's page `index`: which one. As folio_true_swap_slot()
/// and Swap::duplicate().
Result<std::uint64_t> folio_duplicate_swap(Machine& machine, Page folio, std::uint64_t index);
/// Which page of the folio the swap cache has under the slot. What its descriptor says is
/// believed as long as it fits; else the cache is asked, and knows better (Damage). Folio
/// locked. kCorrupt: none of its pages.
Result<std::uint64_t> folio_page_of_slot(Machine& machine, Page folio, std::uint64_t slot);
/// Gives an unmapped or mapped anonymous folio a slot (a huge one as many as it has
/// pages) and puts it into the swap cache, dirty. Folio locked. The first slot; kNoSpc: no room.
Result<std::uint64_t> add_to_swap(Cpu& cpu, Page folio);
/// Takes a locked folio out of the swap cache (its slot goes if nobody uses it).
void delete_from_swap_cache(Cpu& cpu, Page folio);
/// The same if no entry needs the slot any more; the folio turns dirty. Locked.
bool folio_free_swap(Cpu& cpu, Page folio);
/// An unmapped page leaves: its slot may go too, if the folio lock is free.
void free_swap_cache(Cpu& cpu, Page folio);
/// A page table or tmpfs slot lets go of its slot.
void free_swap_and_cache(Cpu& cpu, std::uint64_t slot);
/// The folio of the slot, in the swap cache, read if need be; locked or not,
/// with a reference. Null: no memory, or given up (base/retry.h).
Page read_swap_cache(Cpu& cpu, std::uint64_t slot);

}  // namespace pagebox::inline PAGEBOX_ENV
