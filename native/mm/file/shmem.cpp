// tmpfs and shared anonymous memory: files whose only store is memory and swap.
#include "mm/file/page_cache.h"
#include "mm/folio_state.h"
#include "mm/swap/release.h"
#include "mm/swap/swap_writes.h"
#include "mm/zap.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

CacheEntry entry_of(AddressSpace& file, std::uint64_t index) {
  Guard guard(file.cache_lock);
  return file.entry(index);
}

/// Replaces the swap slot by its page. Empty with kAgain: look again.
Result<Page> swapin(Cpu& cpu, AddressSpace& file, std::uint64_t index, std::uint64_t slot,
                    ShmemGet why) {
  Machine& machine = cpu.machine;
  const Page folio = read_swap_cache(cpu, slot);
  if (!folio) return entry_of(file, index).is_swap() ? Errc::kNoMem : Errc::kAgain;
  folio_lock(folio);
  bool ours = folio_test_swapcache(folio) && folio_swap_slot(folio) == slot;
  if (ours) {
    Guard guard(file.cache_lock);
    const CacheEntry entry = file.entry(index);
    ours = entry.is_swap() && entry.slot() == slot;
    if (ours) {
      folio_set_file(machine, folio, file, index);
      machine.get(folio);
      file.set_entry(index, CacheEntry::page(machine.pfn_of(folio)));
    }
  }
  if (!ours) {
    folio_unlock(folio);
    folio_put(cpu, folio);
    return Errc::kAgain;
  }
  if (why == ShmemGet::kWrite) folio_mark_accessed(cpu, folio);
  machine.swap.free(slot);
  delete_from_swap_cache(cpu, folio);
  // Its slot is gone: the page is the only copy.
  folio.set(Flag::kDirty);
  return folio;
}

Result<Page> fill_hole(Cpu& cpu, AddressSpace& file, std::uint64_t index, ShmemGet why) {
  Machine& machine = cpu.machine;
  const auto fresh = machine.alloc_folio(cpu);
  if (!fresh) return fresh.error;
  const Page folio = fresh.value;
  machine.frames.clear(machine.pfn_of(folio));
  folio.set(Flag::kLocked);
  folio.set(Flag::kSwapBacked);
  if (filemap_add_folio(cpu, file, index, folio) != Errc::kOk) {
    folio_unlock(folio);
    folio_put(cpu, folio);
    return Errc::kAgain;
  }
  if (why == ShmemGet::kWrite) folio.set(Flag::kReferenced);
  folio.set(Flag::kUptodate);
  return folio;
}

}  // namespace

Result<Page> shmem_get_folio(Cpu& cpu, AddressSpace& file, std::uint64_t index, ShmemGet why) {
  Machine& machine = cpu.machine;
  if (why != ShmemGet::kWrite && index >= file.size_pages()) return Errc::kFault;
  Retry retry("a page of a file");
  do {
    const auto cached = filemap_get_ram_folio(cpu, file, index);
    if (!cached) return cached.error;
    if (const Page folio = cached.value) {
      retry.looks_at(folio.at());
      folio_lock(folio);
      if (folio_is_at(machine, file, index, folio)) {
        if (why == ShmemGet::kWrite) folio_mark_accessed(cpu, folio);
        return folio;
      }
      folio_unlock(folio);
      folio_put(cpu, folio);
      continue;
    }
    const CacheEntry entry = entry_of(file, index);
    if (entry.is_page()) continue;
    if (!entry.is_swap() && why == ShmemGet::kRead) return Page();
    const auto folio = entry.is_swap() ? swapin(cpu, file, index, entry.slot(), why)
                                       : fill_hole(cpu, file, index, why);
    if (folio || folio.error != Errc::kAgain) return folio;
  } while (retry.again());
  return Errc::kLivelock;
}

void shmem_punch_hole(Cpu& cpu, AddressSpace& file, std::uint64_t first, std::uint64_t pages) {
  // Private copies survive: they are nobody's hole.
  unmap_mapping_pages(cpu, file, first, pages, false);
  if (filemap_remove_range(cpu, file, first, first + pages, false)) lru_add_drain(cpu);
}

bool shmem_writepage(Cpu& cpu, Page folio, SwapWrites& writes) {
  Machine& machine = cpu.machine;
  AddressSpace* file = folio_file(machine, folio);
  const std::uint64_t index = folio_index(folio);
  const bool known = file != nullptr && filemap_caches(machine, *file, index, folio);
  Result<std::uint64_t> slot = Errc::kCorrupt;
  if (known)
    slot = cpu.fails(FailSite::kSwapSlot)
               ? Errc::kNoMem
               : machine.swap.alloc_slot(machine.pfn_of(folio), cpu.index);
  if (!slot) {
    folio.set(Flag::kDirty);
    return false;
  }
  folio.set_private_word(slot.value);
  folio.set(kFlagSwapCache);
  machine.get(folio);
  (void)machine.swap.duplicate(slot.value);  // the file's own hold on it
  (void)filemap_remove_folio(cpu, *file, index, folio, CacheEntry::swap(slot.value));
  if (writes.add(folio)) return true;
  folio.set(Flag::kDirty);
  return false;
}

void shmem_swapin_range(Cpu& cpu, AddressSpace& file, std::uint64_t first, std::uint64_t end) {
  for (std::uint64_t index = first; index < end; ++index) {
    index = filemap_next_slot(file, index, end);
    if (index == end) break;
    const CacheEntry entry = entry_of(file, index);
    if (!entry.is_swap()) continue;
    if (const Page folio = read_swap_cache(cpu, entry.slot())) folio_put(cpu, folio);
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
