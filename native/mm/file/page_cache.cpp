#include "mm/file/page_cache.h"

#include <algorithm>

#include "base/fault.h"
#include "mm/folio_state.h"
#include "mm/swap/release.h"
#include "mm/zap.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

/// One look at what the cache has, with a reference; an empty page: nothing. kAgain: `seen` is
/// frozen, as reclaim or migration is about to put something else there; or, to who leaves those
/// alone, somebody moves it from its device or drops it, whom a reference would only hold up.
Result<Page> look_up(Machine& machine, AddressSpace& file, std::uint64_t index, Page& seen,
                     bool leaves_moving = false) {
  Guard guard(file.cache_lock);
  const CacheEntry entry = file.entry(index);
  if (!entry.is_page()) return Page();
  seen = machine.page(entry.pfn());
  if (leaves_moving && machine.is_device_private(entry.pfn()) && seen.test(Flag::kLocked))
    return Errc::kAgain;
  if (seen.try_ref_add_unless_zero(1)) return seen;
  if (!folio_was_freed(seen)) return Errc::kAgain;
  machine.damage.add(
      {entry.pfn(), "_refcount", 1, 0, "freed while the page cache had it: the file has lost it"});
  file.set_entry(index, {});
  return Page();
}

}  // namespace

Page filemap_get_folio(Machine& machine, AddressSpace& file, std::uint64_t index) {
  Retry retry("a page of the page cache");
  do {
    Page seen;
    if (const auto folio = look_up(machine, file, index, seen)) return folio.value;
    retry.looks_at(seen.at());
  } while (retry.pause());
  return {};
}

Result<Page> filemap_get_ram_folio(Cpu& cpu, AddressSpace& file, std::uint64_t index) {
  Machine& machine = cpu.machine;
  Retry retry("a page of the page cache to leave its device");
  do {
    Page folio;
    const auto got = look_up(machine, file, index, folio, true);
    if (got && (!got.value || !machine.is_device_private(machine.pfn_of(got.value))))
      return got.value;
    retry.looks_at(folio.at());
    if (!got) continue;
    if (folio.test(Flag::kLocked)) {  // since
      folio_put(cpu, folio);
      continue;
    }
    const PagemapRange* range = machine.pagemap(machine.pfn_of(folio));
    if (range == nullptr)
      folio_put(cpu, folio);  // the memory has gone: somebody wrote over the count
    else if (range->ops->migrate_device_page(range->self, cpu, folio) == Errc::kNoMem)
      return Errc::kNoMem;
  } while (retry.pause());
  return Errc::kLivelock;
}

Errc filemap_add_folio(Cpu& cpu, AddressSpace& file, std::uint64_t index, Page folio) {
  Machine& machine = cpu.machine;
  folio_set_file(machine, folio, file, index);
  bool refault = false;
  {
    Guard guard(file.cache_lock);
    const CacheEntry entry = file.entry(index);
    if (entry.is_page() || entry.is_swap()) {
      folio.set_mapping(0);
      return Errc::kExist;
    }
    refault = entry.is_shadow();
    machine.get(folio);
    file.set_entry(index, CacheEntry::page(machine.pfn_of(folio)));
  }
  // Evicted not long ago: straight to the active list.
  if (refault) folio.set(Flag::kActive);
  folio_add_lru(cpu, folio);
  return Errc::kOk;
}

bool filemap_remove_folio(Cpu& cpu, AddressSpace& file, std::uint64_t index, Page folio,
                          CacheEntry leave) {
  Machine& machine = cpu.machine;
  {
    Guard guard(file.cache_lock);
    if (file.entry(index) != CacheEntry::page(machine.pfn_of(folio))) return false;
    file.set_entry(index, leave);
  }
  folio.set_mapping(0);
  folio_put(cpu, folio);
  return true;
}

bool folio_is_at(Machine& machine, AddressSpace& file, std::uint64_t index, Page folio) {
  const bool owner = folio_file(machine, folio) == &file;
  if (owner && folio_index(folio) == index) return true;
  if (!filemap_caches(machine, file, index, folio)) return false;
  constexpr const char* kWhy = "a page of a file names it: the page cache knew better";
  const Pfn pfn = machine.pfn_of(folio);
  if (!owner)
    machine.damage.add({pfn, "mapping",
                        machine.memmap.addresses().of_object(ObjectKind::kAddressSpace, file.index),
                        folio.mapping(), kWhy});
  else
    machine.damage.add({pfn, "index", index, folio_index(folio), kWhy});
  return true;
}

bool filemap_caches(Machine& machine, AddressSpace& file, std::uint64_t index, Page folio) {
  Guard guard(file.cache_lock);
  return file.entry(index) == CacheEntry::page(machine.pfn_of(folio));
}

bool remove_mapping(Cpu& cpu, Page folio, bool reclaimed) {
  Machine& machine = cpu.machine;
  // One for the isolation, one a page for the cache: anybody else keeps it alive.
  const auto pages = static_cast<std::int32_t>(folio_nr_pages(folio));
  const auto freezes = [&] {
    if (!planted(Mistake::kReclaimUnfrozen)) return folio.try_freeze(1 + pages);
    return folio.refcount() == 1 + pages && (folio.set_refcount(0), true);
  };
  if (!freezes()) return false;
  if (folio.test(Flag::kDirty)) {
    folio.unfreeze(1 + pages);
    return false;
  }
  if (folio_test_swapcache(folio)) {
    const Pfn pfn = machine.pfn_of(folio);
    if (pages > 1 || !machine.swap.cache_remove_page(folio_swap_slot(folio), pfn, reclaimed)) {
      const auto first = folio_true_swap_slot(machine, folio);
      if (!first) {
        folio.unfreeze(1 + pages);
        return false;
      }
      for (std::int32_t i = 0; i < pages; ++i)
        machine.swap.cache_remove(first.value + static_cast<std::uint64_t>(i), reclaimed);
    }
    // Frozen, so nobody else sets a flag.
    folio.set_flags(folio.flags() & ~folio.mask_of(kFlagSwapCache));
    folio.set_private_word(0);
  } else if (AddressSpace* file = folio_file(machine, folio)) {
    Guard guard(file->cache_lock);
    if (file->entry(folio_index(folio)) != CacheEntry::page(machine.pfn_of(folio))) {
      folio.unfreeze(1 + pages);
      return false;
    }
    const bool shadow = reclaimed && folio_is_file_lru(folio);
    file->set_entry(folio_index(folio), shadow ? CacheEntry::shadow() : CacheEntry{});
    folio.set_mapping(0);
  }
  return true;
}

void filemap_release_folio(Cpu& cpu, Page folio) {
  if (!folio.test(Flag::kPrivate) || !folio.test_and_clear(Flag::kPrivate)) return;
  folio.set_private_word(0);
  folio_put(cpu, folio);
}

namespace {

/// False: what stood there has changed meanwhile.
bool remove_slot(Cpu& cpu, AddressSpace& file, std::uint64_t index, bool even_cows, bool& pages,
                 Retry& retry) {
  Machine& machine = cpu.machine;
  CacheEntry entry;
  {
    Guard guard(file.cache_lock);
    entry = file.entry(index);
    if (!entry.is_page()) file.set_entry(index, {});
  }
  if (entry.is_swap()) free_swap_and_cache(cpu, entry.slot());
  if (!entry.is_page()) return true;
  const Page folio = filemap_get_folio(machine, file, index);
  if (!folio) return false;  // reclaimed: its swap slot or its shadow is there now
  pages = true;
  retry.looks_at(folio.at());
  folio_lock(folio);
  const bool ours = folio_is_at(machine, file, index, folio);
  if (ours) {
    if (folio_mapped(machine, folio)) unmap_mapping_pages(cpu, file, index, 1, even_cows);
    filemap_release_folio(cpu, folio);
    folio.clear(Flag::kDirty);
    folio.clear(Flag::kOwner2);
    (void)filemap_remove_folio(cpu, file, index, folio, {});
  }
  folio_unlock(folio);
  folio_put(cpu, folio);
  return ours;  // else it was migrated
}

}  // namespace

std::uint64_t filemap_next_slot(AddressSpace& file, std::uint64_t first, std::uint64_t end) {
  Guard guard(file.cache_lock);
  return std::min(file.next_slot(first), end);
}

bool filemap_remove_range(Cpu& cpu, AddressSpace& file, std::uint64_t first, std::uint64_t end,
                          bool even_cows) {
  {
    // Whoever writes on meanwhile is not run after.
    Guard guard(file.cache_lock);
    end = std::min(end, file.slots_end());
  }
  bool pages = false;
  for (std::uint64_t index = first; index < end; ++index) {
    index = filemap_next_slot(file, index, end);
    if (index == end) break;
    for (Retry retry("a page to leave the page cache");
         !remove_slot(cpu, file, index, even_cows, pages, retry) && retry.again();) {}
  }
  return pages;
}

void drop_cache(Cpu& cpu, AddressSpace& file, std::uint64_t pages) {
  unmap_mapping_pages(cpu, file, pages, ~0ULL >> 1, true);
  if (filemap_remove_range(cpu, file, pages, ~0ULL, true)) lru_add_drain(cpu);  // batch_release
}

void truncate_file(Cpu& cpu, AddressSpace& file, std::uint64_t pages) {
  file.set_size_pages(pages);
  drop_cache(cpu, file, pages);
  if (file.disk == nullptr) return;
  if (const Errc error = file.disk->truncate(pages); error != Errc::kOk)
    file.set_write_error(error);
}

}  // namespace pagebox::inline PAGEBOX_ENV
