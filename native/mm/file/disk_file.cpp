// Files on a disk (ext2): reading pages in, with readahead, and preparing pages
// to be written.
#include <algorithm>

#include "mm/file/page_cache.h"
#include "mm/folio_state.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kReadaheadPages = 32;                   // 128 KiB
constexpr std::uint64_t kLookaheadPages = kReadaheadPages / 4;  // where the next one starts

/// Reads one page that is not cached. PG_owner_2 is PG_mappedtodisk here: read
/// whole from the disk, without buffers.
Errc read_page(Cpu& cpu, AddressSpace& file, std::uint64_t index, bool marker) {
  Machine& machine = cpu.machine;
  const auto fresh = machine.alloc_folio(cpu);
  if (!fresh) return fresh.error;
  const Page folio = fresh.value;
  folio.set(Flag::kLocked);
  if (marker) folio.set(Flag::kReclaim);  // PG_readahead
  if (filemap_add_folio(cpu, file, index, folio) == Errc::kOk) {
    const Errc error = file.disk->read_page(index, machine.frames.at(machine.pfn_of(folio)));
    if (error != Errc::kOk) {
      (void)filemap_remove_folio(cpu, file, index, folio, {});
      folio_unlock(folio);
      folio_put(cpu, folio);
      return error;
    }
    folio.set(Flag::kUptodate);
    folio.set(Flag::kOwner2);
  }
  folio_unlock(folio);
  folio_put(cpu, folio);
  return Errc::kOk;
}

/// Read-around: a window about the page that is missing.
Errc readahead(Cpu& cpu, AddressSpace& file, std::uint64_t index) {
  const std::uint64_t start = index > kReadaheadPages / 2 ? index - kReadaheadPages / 2 : 0;
  const std::uint64_t end = std::min(start + kReadaheadPages, file.size_pages());
  const std::uint64_t marker = end - start >= kLookaheadPages ? end - kLookaheadPages : ~0ULL;
  Errc error = Errc::kOk;
  for (std::uint64_t at = start; at < end; ++at) {
    {
      Guard guard(file.cache_lock);
      if (file.entry(at).is_page()) continue;
    }
    const Errc one = read_page(cpu, file, at, at == marker);
    if (at == index) error = one;
  }
  return error;
}

}  // namespace

Result<Page> disk_get_folio(Cpu& cpu, AddressSpace& file, std::uint64_t index) {
  Machine& machine = cpu.machine;
  for (Retry retry("a page of a file");;) {
    if (index >= file.size_pages()) return Errc::kFault;
    const auto cached = filemap_get_ram_folio(cpu, file, index);
    if (!cached) return cached.error;
    const Page folio = cached.value;
    if (!folio) {
      if (const Errc error = readahead(cpu, file, index); error != Errc::kOk) return error;
      if (!retry.again()) return Errc::kLivelock;
      continue;
    }
    retry.looks_at(folio.at());
    folio_lock(folio);
    if (folio_is_at(machine, file, index, folio)) {
      folio.clear(Flag::kReclaim);  // the marker was noticed; reclaim shares its bit
      return folio;
    }
    folio_unlock(folio);
    folio_put(cpu, folio);
    if (!retry.again()) return Errc::kLivelock;
  }
}

Result<Page> disk_write_begin(Cpu& cpu, AddressSpace& file, std::uint64_t index) {
  Machine& machine = cpu.machine;
  Retry retry("a page of a file");
  do {
    const auto cached = filemap_get_ram_folio(cpu, file, index);
    if (!cached) return cached.error;
    Page folio = cached.value;
    if (folio) {
      retry.looks_at(folio.at());
      folio_lock(folio);
      if (!folio_is_at(machine, file, index, folio)) {
        folio_unlock(folio);
        folio_put(cpu, folio);
        continue;
      }
    } else {
      const auto fresh = machine.alloc_folio(cpu);
      if (!fresh) return fresh.error;
      folio = fresh.value;
      folio.set(Flag::kLocked);
      if (filemap_add_folio(cpu, file, index, folio) != Errc::kOk) {
        folio_unlock(folio);
        folio_put(cpu, folio);
        continue;
      }
    }
    if (!folio.test_and_set(Flag::kPrivate)) {
      // Buffer heads: `private` names them, and they hold a reference.
      folio.set_private_word(machine.memmap.addresses().of_object(ObjectKind::kBufferHead,
                                                                  machine.pfn_of(folio).value));
      machine.get(folio);
    }
    return folio;
  } while (retry.again());
  return Errc::kLivelock;
}

}  // namespace pagebox::inline PAGEBOX_ENV
