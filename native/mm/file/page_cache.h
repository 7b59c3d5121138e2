// The page cache: finding, adding and removing pages of files.
#pragma once

#include <cstdint>

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

class SwapWrites;

/// The cached page with a reference; empty if there is none. Waits while somebody has
/// its count frozen: whoever migrates or reclaims it.
Page filemap_get_folio(Machine& machine, AddressSpace& file, std::uint64_t index);
/// The same for whoever wants contents: a page that lives where no CPU reaches comes
/// back to RAM first. kNoMem: there is no RAM for it.
Result<Page> filemap_get_ram_folio(Cpu& cpu, AddressSpace& file, std::uint64_t index);
/// Adds a locked new page; takes the cache's reference. kExist: somebody was first.
Errc filemap_add_folio(Cpu& cpu, AddressSpace& file, std::uint64_t index, Page folio);
/// Takes a locked page out; drops the cache's reference.
/// What its descriptor says of file and index does not count. False: it is not there.
bool filemap_remove_folio(Cpu& cpu, AddressSpace& file, std::uint64_t index, Page folio,
                          CacheEntry leave);
/// The locked folio is the file's page at this index. Where its descriptor denies it and
/// the cache has it, that is Damage, and the cache is right.
bool folio_is_at(Machine& machine, AddressSpace& file, std::uint64_t index, Page folio);
/// The file has this page at this index, whatever its descriptor says.
bool filemap_caches(Machine& machine, AddressSpace& file, std::uint64_t index, Page folio);
/// Of a locked and isolated folio that a cache has: freezes its count at zero and takes it out.
/// False: somebody else holds it.
bool remove_mapping(Cpu& cpu, Page folio, bool reclaimed);
/// Empties the slots [first, end): pages leave mappings (private copies too if
/// `even_cows`) and cache, swap slots are given back. True: there were pages.
bool filemap_remove_range(Cpu& cpu, AddressSpace& file, std::uint64_t first, std::uint64_t end,
                          bool even_cows);
/// The first slot of [first, end) that holds anything; `end`: none does. Locks the cache.
std::uint64_t filemap_next_slot(AddressSpace& file, std::uint64_t first, std::uint64_t end);
/// Drops buffers (PG_private) and their reference. Locked.
void filemap_release_folio(Cpu& cpu, Page folio);

/// What a lookup of a tmpfs page is for.
enum class ShmemGet : std::uint8_t { kRead, kWrite, kCache };
/// The page, locked, with a reference; holes are filled (kRead: left, empty page
/// with kOk). Swapped pages come back. kFault: beyond the end.
Result<Page> shmem_get_folio(Cpu& cpu, AddressSpace& file, std::uint64_t index, ShmemGet why);
/// MADV_REMOVE: pages [first, first + pages) become a hole.
void shmem_punch_hole(Cpu& cpu, AddressSpace& file, std::uint64_t first, std::uint64_t pages);
/// A dirty unmapped tmpfs page goes from its file to the swap cache, and is written with `writes`.
/// Locked. False: no swap left.
bool shmem_writepage(Cpu& cpu, Page folio, SwapWrites& writes);
void shmem_swapin_range(Cpu& cpu, AddressSpace& file, std::uint64_t first, std::uint64_t end);

/// The page of a disk file, read if need be; locked, with a reference.
Result<Page> disk_get_folio(Cpu& cpu, AddressSpace& file, std::uint64_t index);
/// A page about to be written whole; created without reading.
Result<Page> disk_write_begin(Cpu& cpu, AddressSpace& file, std::uint64_t index);
/// Takes every page from `pages` on out of mappings and cache, dirty or not.
void drop_cache(Cpu& cpu, AddressSpace& file, std::uint64_t pages);
/// The same, and sets the size.
void truncate_file(Cpu& cpu, AddressSpace& file, std::uint64_t pages);

}  // namespace pagebox::inline PAGEBOX_ENV
