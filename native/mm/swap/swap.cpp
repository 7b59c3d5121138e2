#include "mm/swap/swap.h"

#include <algorithm>
#include <span>

#include "base/fault.h"
#include "mm/folio_state.h"
#include "mm/machine.h"
#include "mm/swap/release.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {

Errc Swap::create(std::uint64_t pages, unsigned cpus) {
  table_.create(pages, cpus);
  auto mapping = Mapping::reserve_large((pages + 1) * kPageBytes);
  if (!mapping) return mapping.error;
  bytes_ = std::move(mapping.value);
  return Errc::kOk;
}

std::uint64_t Swap::used_slots() {
  Guard guard(lock_);
  book_.read();
  return table_.opened() - table_.free();
}

bool Swap::nearly_full() { return used_slots() * 2 > slots(); }

void Swap::grow() {
  const std::uint64_t slots = table_.opened();
  if (slots == map_.size()) return;
  map_.resize(slots);
  cache_.resize(slots);
  shadow_.resize(slots);
}

void Swap::occupy(std::uint64_t slot, Pfn pfn) {
  map_[slot] = kHasCache;
  cache_[slot] = pfn.value + 1;
  shadow_[slot] = 0;
}

Result<std::uint64_t> Swap::alloc_slot(Pfn pfn, unsigned cpu) {
  Guard guard(lock_);
  book_.write();
  const auto slot = table_.take(cpu);
  if (!slot) return slot;
  grow();
  occupy(slot.value, pfn);
  return slot;
}

Result<std::uint64_t> Swap::alloc_slots(Pfn first_page, std::uint64_t count) {
  Guard guard(lock_);
  book_.write();
  const auto first = table_.take_run(count);
  if (!first) return first;
  grow();
  for (std::uint64_t i = 0; i < count; ++i) occupy(first.value + i, first_page + i);
  return first;
}

Errc Swap::duplicate(std::uint64_t slot) {
  Guard guard(lock_);
  book_.write();
  return duplicate_locked(slot);
}

Errc Swap::duplicate_cached(std::uint64_t first, Pfn pfn, std::uint64_t index) {
  Guard guard(lock_);
  book_.write();
  return has_cached(first, pfn) ? duplicate_locked(first + index) : Errc::kNoEnt;
}

Errc Swap::duplicate_locked(std::uint64_t slot) {
  if (!in_use(slot)) return Errc::kCorrupt;
  if ((map_[slot] & ~kHasCache) == kHasCache - 1) return Errc::kNoMem;
  ++map_[slot];
  return Errc::kOk;
}

bool Swap::free(std::uint64_t slot) {
  Guard guard(lock_);
  book_.write();
  return free_locked(slot);
}

void Swap::free_claimed(std::uint64_t slot) {
  Guard guard(lock_);
  book_.write();
  (void)free_locked(slot);
  drop_cache_locked(slot, false);
}

bool Swap::free_locked(std::uint64_t slot) {
  if (!in_use(slot) || map_[slot] == kHasCache) return false;
  --map_[slot];
  if (map_[slot] == 0) release(slot);
  return map_[slot] == kHasCache;
}

std::uint32_t Swap::users(std::uint64_t slot) {
  Guard guard(lock_);
  book_.read();
  return in_use(slot) ? map_[slot] & ~kHasCache : 0;
}

void Swap::cache_add(std::uint64_t slot, Pfn pfn) {
  Guard guard(lock_);
  book_.write();
  if (in_use(slot)) cache_[slot] = pfn.value + 1;
}

bool Swap::caches(std::uint64_t slot, Pfn pfn) {
  Guard guard(lock_);
  book_.read();
  return has_cached(slot, pfn);
}

Result<std::uint64_t> Swap::slot_of(Pfn pfn) {
  Guard guard(lock_);
  book_.read();
  const auto at = std::ranges::find(cache_, pfn.value + 1);
  if (at == cache_.end()) return Errc::kCorrupt;
  return static_cast<std::uint64_t>(at - cache_.begin());
}

Page Swap::cache_get(Machine& machine, std::uint64_t slot) {
  Guard guard(lock_);
  book_.write();
  if (!in_use(slot) || cache_[slot] == 0) return {};
  const Page folio = compound_head(machine.memmap, machine.page({cache_[slot] - 1}));
  // The cache holds a reference unless reclaim has frozen the count at zero.
  if (folio.try_ref_add_unless_zero(1)) return folio;
  if (folio_was_freed(folio)) drop_freed_locked(machine.damage, slot);
  return {};
}

void Swap::forget(DamageLog& damage, Pfn first, std::uint64_t pages) {
  Guard guard(lock_);
  book_.write();
  for (std::uint64_t slot = 0; slot < cache_.size(); ++slot)
    if (cache_[slot] > first.value && cache_[slot] - 1 - first.value < pages)
      drop_freed_locked(damage, slot);
}

void Swap::drop_freed_locked(DamageLog& damage, std::uint64_t slot) {
  damage.add({{cache_[slot] - 1},
              "_refcount",
              1,
              0,
              "freed while the swap cache had it: what was not written is lost"});
  drop_cache_locked(slot, false);
}

Page Swap::cached_page(const Machine& machine, std::uint64_t slot) {
  Guard guard(lock_);
  book_.read();
  return in_use(slot) && cache_[slot] != 0 ? machine.page({cache_[slot] - 1}) : Page();
}

void Swap::cache_remove(std::uint64_t slot, bool leave_shadow) {
  Guard guard(lock_);
  book_.write();
  drop_cache_locked(slot, leave_shadow);
}

bool Swap::cache_remove_page(std::uint64_t slot, Pfn pfn, bool leave_shadow) {
  Guard guard(lock_);
  book_.write();
  if (!has_cached(slot, pfn)) return false;
  drop_cache_locked(slot, leave_shadow);
  return true;
}

void Swap::drop_cache_locked(std::uint64_t slot, bool leave_shadow) {
  if (!in_use(slot) || (map_[slot] & kHasCache) == 0) return;
  cache_[slot] = 0;
  shadow_[slot] = leave_shadow ? 1 : 0;
  map_[slot] &= static_cast<std::uint8_t>(~kHasCache);
  if (map_[slot] == 0) release(slot);
}

bool Swap::shadow(std::uint64_t slot) {
  Guard guard(lock_);
  book_.read();
  return in_use(slot) && shadow_[slot] != 0;
}

bool Swap::cache_claim(std::uint64_t slot) {
  Guard guard(lock_);
  book_.write();
  if (!in_use(slot)) return false;
  if ((map_[slot] & kHasCache) != 0 && !planted(Mistake::kSwapClaimUnchecked)) return false;
  map_[slot] |= kHasCache;
  return true;
}

Swap::Claim Swap::claim_alone(std::uint64_t slot, bool claim) {
  Guard guard(lock_);
  book_.write();
  if (!in_use(slot) || map_[slot] != 1) return {false, false};
  if (claim) map_[slot] |= kHasCache;
  return {true, shadow_[slot] != 0};
}

void Swap::release(std::uint64_t slot) {
  shadow_[slot] = 0;
  table_.give(slot);
}

std::uint64_t folio_swap_slot(Page folio) { return folio.private_word(); }

Result<std::uint64_t> folio_true_swap_slot(Machine& machine, Page folio) {
  const std::uint64_t says = folio_swap_slot(folio);
  const Pfn pfn = machine.pfn_of(folio);
  if (machine.swap.caches(says, pfn)) return says;
  auto is = machine.swap.slot_of(pfn);
  if (is)
    machine.damage.add({pfn, "private", is.value, says,
                        "the swap entry of a page in the swap cache: the cache knew better"});
  return is;
}

Result<std::uint64_t> folio_duplicate_swap(Machine& machine, Page folio, std::uint64_t index) {
  const std::uint64_t says = folio_swap_slot(folio);
  const Errc error = machine.swap.duplicate_cached(says, machine.pfn_of(folio), index);
  if (error == Errc::kOk) return says + index;
  if (error != Errc::kNoEnt) return error;
  const auto first = folio_true_swap_slot(machine, folio);
  if (!first) return first;
  if (const Errc lost = machine.swap.duplicate(first.value + index); lost != Errc::kOk) return lost;
  return first.value + index;
}

Result<std::uint64_t> folio_page_of_slot(Machine& machine, Page folio, std::uint64_t slot) {
  const std::uint64_t first = folio_swap_slot(folio);
  // Whoever has the folio locked has it from the cache, under this slot: a single page
  // that says the same is it.
  if (folio_test_swapcache(folio) && slot == first && !folio_test_large(folio)) return 0;
  const Page cached = machine.swap.cached_page(machine, slot);
  if (!cached || compound_head(machine.memmap, cached) != folio) return Errc::kCorrupt;
  const Pfn pfn = machine.pfn_of(folio);
  const std::uint64_t index = machine.pfn_of(cached) - pfn;
  if (index >= folio_nr_pages(folio)) return Errc::kCorrupt;  // it says it is a tail, of this one
  if (!folio_test_swapcache(folio) || slot - index != first)
    machine.damage.add({pfn, "private", slot - index, first,
                        "the swap entry of a page in the swap cache: the cache knew better"});
  return index;
}

Result<std::uint64_t> add_to_swap(Cpu& cpu, Page folio) {
  Machine& machine = cpu.machine;
  const std::uint64_t pages = folio_nr_pages(folio);
  const Pfn pfn = machine.pfn_of(folio);
  // Who still looks for the slot's last page finds this one locked, and looks again.
  if (cpu.fails(FailSite::kSwapSlot)) return Errc::kNoSpc;
  const auto slot =
      pages > 1 ? machine.swap.alloc_slots(pfn, pages) : machine.swap.alloc_slot(pfn, cpu.index);
  if (!slot) return slot;
  folio.set_private_word(slot.value);
  // Dirty too: clean entries of a MADV_FREE page would let it be dropped unwritten.
  (void)folio.set_bits(folio.mask_of(kFlagSwapCache) | folio.mask_of(Flag::kDirty));
  folio.ref_inc(static_cast<std::int32_t>(pages));
  return slot;
}

void delete_from_swap_cache(Cpu& cpu, Page folio) {
  const auto first = folio_true_swap_slot(cpu.machine, folio);
  const Pfn pfn = cpu.machine.pfn_of(folio);
  std::uint64_t removed = 0;
  for (std::uint64_t i = 0; first && i < folio_nr_pages(folio); ++i) {
    if (i > 0 && !cpu.machine.swap.caches(first.value + i, pfn + i)) break;
    cpu.machine.swap.cache_remove(first.value + i, false);
    ++removed;
  }
  folio.clear(kFlagSwapCache);
  folio.set_private_word(0);
  for (std::uint64_t i = 0; i < removed; ++i) folio_put(cpu, folio);
}

bool folio_free_swap(Cpu& cpu, Page folio) {
  if (!folio_test_swapcache(folio) || folio.test(Flag::kWriteback)) return false;
  const auto first = folio_true_swap_slot(cpu.machine, folio);
  for (std::uint64_t i = 0; first && i < folio_nr_pages(folio); ++i)
    if (cpu.machine.swap.users(first.value + i) > 0) return false;
  delete_from_swap_cache(cpu, folio);
  folio.set(Flag::kDirty);
  return true;
}

void free_swap_cache(Cpu& cpu, Page folio) {
  if (!folio_test_swapcache(folio) || folio_mapped(cpu.machine, folio) || !folio_trylock(folio))
    return;
  (void)folio_free_swap(cpu, folio);
  folio_unlock(folio);
}

void free_swap_and_cache(Cpu& cpu, std::uint64_t slot) {
  Machine& machine = cpu.machine;
  if (!machine.swap.free(slot)) return;
  const Page folio = machine.swap.cache_get(machine, slot);
  if (!folio) return;
  if (folio_trylock(folio)) {
    if (folio_page_of_slot(machine, folio, slot) &&
        (!folio_mapped(machine, folio) || machine.swap.nearly_full()))
      (void)folio_free_swap(cpu, folio);
    folio_unlock(folio);
  }
  folio_put(cpu, folio);
}

Page read_swap_cache(Cpu& cpu, std::uint64_t slot) {
  Machine& machine = cpu.machine;
  for (Retry retry("a page of the swap cache");;) {
    if (const Page cached = machine.swap.cache_get(machine, slot)) return cached;
    if (machine.swap.users(slot) == 0) return {};  // raced: nobody swaps it in any more
    if (machine.swap.cache_claim(slot)) break;
    if (retry.asks_next()) retry.looks_at(machine.swap.cached_page(machine, slot).at());
    if (!retry.pause()) return {};
  }
  const Page any = machine.zero_page();
  Pfn pfn;
  const FreshPage fresh{.flags = any.mask_of(Flag::kLocked) | any.mask_of(Flag::kSwapBacked)};
  if (machine.alloc_pages(cpu, fresh, std::span(&pfn, 1)) == 0) {
    machine.swap.cache_remove(slot, machine.swap.shadow(slot));
    return {};
  }
  const Page folio = machine.page(pfn);
  folio.set_private_word(slot);
  folio.set(kFlagSwapCache);
  machine.get(folio);
  machine.swap.cache_add(slot, pfn);
  // A refault soon after eviction: straight to the active list.
  if (machine.swap.shadow(slot)) folio.set(Flag::kActive);
  folio_add_lru(cpu, folio);
  machine.frames.write(pfn, machine.swap.bytes(slot));
  folio.set(Flag::kUptodate);
  folio_unlock(folio);
  return folio;
}

}  // namespace pagebox::inline PAGEBOX_ENV
