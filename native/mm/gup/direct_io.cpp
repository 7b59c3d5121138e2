// Direct I/O: pins the user's frames with fast GUP and moves their bytes, past
// the page cache. A page that cannot be pinned ends the transfer with EFAULT;
// what was moved before it stays moved.
#include <algorithm>
#include <array>

#include "mm/fault/user_access.h"
#include "mm/file/file_io.h"
#include "mm/file/page_cache.h"
#include "mm/file/writeback.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "mm/swap/release.h"
#include "mm/zap.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Takes the range out of the page cache, mapped or not. False: a page got dirty
/// again meanwhile.
bool invalidate_pages(Cpu& cpu, AddressSpace& file, std::uint64_t first, std::uint64_t pages) {
  Machine& machine = cpu.machine;
  bool all = true, found = false;
  const std::uint64_t end = first + pages;
  for (std::uint64_t index = first; index < end; ++index) {
    index = filemap_next_slot(file, index, end);
    if (index == end) break;
    const Page folio = filemap_get_folio(machine, file, index);
    if (!folio) continue;
    found = true;
    if (folio_mapped(cpu.machine, folio)) unmap_mapping_pages(cpu, file, index, end - index, false);
    folio_lock(folio);
    if (folio_is_at(machine, file, index, folio)) {
      if (folio_mapped(cpu.machine, folio)) unmap_mapping_pages(cpu, file, index, 1, false);
      filemap_release_folio(cpu, folio);
      if (folio.test(Flag::kDirty))
        all = false;
      else
        (void)filemap_remove_folio(cpu, file, index, folio, {});
    }
    folio_unlock(folio);
    folio_put(cpu, folio);
  }
  if (found) lru_add_drain(cpu);  // folio_batch_release
  return all;
}

/// Pages of the file that one request covers: to the end of an extent. ext2 with
/// blocks of 1 KiB maps 12 of them directly, and allocates beyond the end anew.
std::uint64_t extent_pages(std::uint64_t file_page, std::uint64_t old_size) {
  constexpr std::uint64_t kDirectPages = 12 * 1024 / kPageBytes;
  std::uint64_t end = ~0ULL;
  if (file_page < kDirectPages) end = kDirectPages;
  if (file_page < old_size) end = std::min(end, old_size);
  return end - file_page;
}

/// Calls move(page of the transfer, pfn) for each page, pinned request by request,
/// until it fails. How many, and why not all.
template <class Move>
IoResult for_each_pinned(Cpu& cpu, Mm& mm, AddressSpace& file, std::uint64_t file_page,
                         std::uint64_t address, std::uint64_t pages, std::uint32_t flags,
                         Move&& move) {
  std::array<Pfn, 16> batch;
  std::uint64_t done = 0;
  while (done < pages) {
    const auto want = std::min({std::uint64_t{batch.size()}, pages - done,
                                extent_pages(file_page + done, file.size_pages())});
    const GupResult had = pin_user_pages_fast(cpu, mm, address + done * kPageBytes, flags,
                                              std::span(batch).first(want));
    Errc error = had.pages == 0 ? Errc::kFault : Errc::kOk;
    std::uint64_t moved = 0;
    for (; moved < had.pages && error == Errc::kOk; ++moved)
      error = move(done + moved, batch[moved]);
    if (had.pages > 0 && error != Errc::kOk) --moved;
    for (std::uint64_t i = 0; i < had.pages; ++i) unpin_user_page(cpu, batch[i]);
    done += moved;
    if (error != Errc::kOk) return {done * kPageBytes, error};
  }
  return {done * kPageBytes, Errc::kOk};
}

}  // namespace

IoResult direct_read(Cpu& cpu, Mm& mm, AddressSpace& file, std::uint64_t file_page,
                     std::uint64_t address, std::uint64_t pages) {
  pages = std::min(pages, kMaxIoPages);
  Machine& machine = cpu.machine;
  const std::uint64_t size = file.size_pages();
  if (file_page >= size) return {};
  const std::uint64_t mapped = std::min(pages, size - file_page);
  filemap_write_and_wait(cpu, file, file_page, mapped);
  alignas(8) std::array<std::byte, kPageBytes> bytes;
  IoResult result = for_each_pinned(
      cpu, mm, file, file_page, address, mapped, kFollWrite, [&](std::uint64_t i, Pfn pfn) {
        const Page folio = compound_head(machine.memmap, machine.page(pfn));
        const bool moves = file.disk->moves_frames();
        const Errc error =
            file.disk->read_page(file_page + i, moves ? machine.frames.at(pfn) : bytes.data());
        if (error != Errc::kOk) return error;
        if (!moves) machine.frames.write(pfn, bytes.data());
        folio_lock(folio);
        folio_mark_dirty(machine, folio);
        folio_unlock(folio);
        return Errc::kOk;
      });
  // Beyond the end is a hole: the rest of the buffer is zeroed, though not counted.
  bytes.fill(std::byte{0});
  for (std::uint64_t i = mapped; i < pages && result.error == Errc::kOk; ++i)
    if (copy_page_to_user(cpu, mm, address + i * kPageBytes, bytes.data()) != FaultResult::kOk)
      result.error = Errc::kFault;
  return result;
}

IoResult direct_write(Cpu& cpu, Mm& mm, AddressSpace& file, std::uint64_t file_page,
                      std::uint64_t address, std::uint64_t pages) {
  pages = std::min(pages, kMaxIoPages);
  Machine& machine = cpu.machine;
  filemap_write_and_wait(cpu, file, file_page, pages);
  if (!invalidate_pages(cpu, file, file_page, pages))
    return buffered_write(cpu, mm, file, file_page, address, pages);
  alignas(8) std::array<std::byte, kPageBytes> bytes;
  const IoResult result =
      for_each_pinned(cpu, mm, file, file_page, address, pages, 0, [&](std::uint64_t i, Pfn pfn) {
        if (file.disk->moves_frames())
          return file.disk->write_page(file_page + i, machine.frames.at(pfn));
        machine.frames.read(pfn, bytes.data());
        return file.disk->write_page(file_page + i, bytes.data());
      });
  const std::uint64_t end = file_page + result.bytes / kPageBytes;
  if (result.error == Errc::kOk && end > file.size_pages()) file.set_size_pages(end);
  (void)invalidate_pages(cpu, file, file_page, pages);
  return result;
}

IoResult kernel_direct_read(Cpu& cpu, AddressSpace& file, std::uint64_t file_page,
                            std::span<std::uint64_t> words) {
  alignas(kPageBytes) std::array<std::byte, kPageBytes> bytes;
  const std::uint64_t size = file.size_pages();
  const std::uint64_t pages =
      file_page >= size ? 0 : std::min<std::uint64_t>(words.size(), size - file_page);
  filemap_write_and_wait(cpu, file, file_page, pages);
  for (std::uint64_t i = 0; i < pages; ++i) {
    if (const Errc error = file.disk->read_page(file_page + i, bytes.data()); error != Errc::kOk)
      return {i * kPageBytes, error};
    words[i] = *reinterpret_cast<const std::uint64_t*>(bytes.data());
  }
  return {pages * kPageBytes, Errc::kOk};
}

IoResult kernel_direct_read_bytes(Cpu& cpu, AddressSpace& file, std::uint64_t file_page,
                                  std::span<std::byte> out) {
  alignas(kPageBytes) std::array<std::byte, kPageBytes> bytes;
  const std::uint64_t size = file.size_pages(), wanted = out.size() / kPageBytes;
  const std::uint64_t pages = file_page >= size ? 0 : std::min(wanted, size - file_page);
  filemap_write_and_wait(cpu, file, file_page, pages);
  for (std::uint64_t i = 0; i < pages; ++i) {
    if (const Errc error = file.disk->read_page(file_page + i, bytes.data()); error != Errc::kOk)
      return {i * kPageBytes, error};
    std::ranges::copy(bytes, out.subspan(i * kPageBytes).begin());
  }
  return {pages * kPageBytes, Errc::kOk};
}

}  // namespace pagebox::inline PAGEBOX_ENV
