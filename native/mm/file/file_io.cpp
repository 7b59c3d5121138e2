// Buffered read(2) and write(2).
#include "mm/file/file_io.h"

#include <algorithm>
#include <array>

#include "mm/fault/user_access.h"
#include "mm/file/page_cache.h"
#include "mm/folio_state.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

using PageBytes = std::array<std::byte, kPageBytes>;

Result<Page> write_begin(Cpu& cpu, AddressSpace& file, std::uint64_t index) {
  return file.is_shmem() ? shmem_get_folio(cpu, file, index, ShmemGet::kWrite)
                         : disk_write_begin(cpu, file, index);
}

void write_end(Cpu& cpu, AddressSpace& file, std::uint64_t index, Page folio,
               const PageBytes& bytes) {
  Machine& machine = cpu.machine;
  machine.frames.write(machine.pfn_of(folio), bytes.data());
  folio.set(Flag::kUptodate);
  if (index >= file.size_pages()) file.set_size_pages(index + 1);
  folio_mark_dirty(machine, folio);
  folio_unlock(folio);
  folio_put(cpu, folio);
}

/// One page of the file as read(2) gives it; holes are zero.
Errc read_page(Cpu& cpu, AddressSpace& file, std::uint64_t index, PageBytes& out) {
  Machine& machine = cpu.machine;
  const auto found = file.is_shmem() ? shmem_get_folio(cpu, file, index, ShmemGet::kRead)
                                     : disk_get_folio(cpu, file, index);
  if (!found) return found.error;
  const Page folio = found.value;
  if (!folio) {
    out.fill(std::byte{0});
    return Errc::kOk;
  }
  folio_unlock(folio);
  folio_mark_accessed(cpu, folio);
  machine.frames.read(machine.pfn_of(folio), out.data());
  folio_put(cpu, folio);
  return Errc::kOk;
}

IoResult ended(std::uint64_t pages, Errc error) {
  return {pages * kPageBytes, pages > 0 ? Errc::kOk : error};
}

std::uint64_t first_word(const PageBytes& bytes) {
  return *reinterpret_cast<const std::uint64_t*>(bytes.data());
}

}  // namespace

IoResult buffered_read(Cpu& cpu, Mm& mm, AddressSpace& file, std::uint64_t file_page,
                       std::uint64_t address, std::uint64_t pages) {
  pages = std::min(pages, kMaxIoPages);
  alignas(8) PageBytes bytes;
  for (std::uint64_t i = 0; i < pages; ++i) {
    if (file_page + i >= file.size_pages()) return ended(i, Errc::kOk);
    if (const Errc error = read_page(cpu, file, file_page + i, bytes); error != Errc::kOk)
      return ended(i, error);
    if (copy_page_to_user(cpu, mm, address + i * kPageBytes, bytes.data()) != FaultResult::kOk)
      return ended(i, Errc::kFault);
  }
  return ended(pages, Errc::kOk);
}

IoResult buffered_write(Cpu& cpu, Mm& mm, AddressSpace& file, std::uint64_t file_page,
                        std::uint64_t address, std::uint64_t pages) {
  pages = std::min(pages, kMaxIoPages);
  alignas(8) PageBytes bytes;
  for (std::uint64_t i = 0; i < pages; ++i) {
    // The user's page first: no page of the file is touched for a bad address.
    if (copy_page_from_user(cpu, mm, address + i * kPageBytes, bytes.data()) != FaultResult::kOk)
      return ended(i, Errc::kFault);
    const auto folio = write_begin(cpu, file, file_page + i);
    if (!folio) return ended(i, folio.error);
    write_end(cpu, file, file_page + i, folio.value, bytes);
  }
  return ended(pages, Errc::kOk);
}

IoResult kernel_read(Cpu& cpu, AddressSpace& file, std::uint64_t file_page,
                     std::span<std::uint64_t> words) {
  alignas(8) PageBytes bytes;
  for (std::uint64_t i = 0; i < words.size(); ++i) {
    if (file_page + i >= file.size_pages()) return ended(i, Errc::kOk);
    if (const Errc error = read_page(cpu, file, file_page + i, bytes); error != Errc::kOk)
      return ended(i, error);
    words[i] = first_word(bytes);
  }
  return ended(words.size(), Errc::kOk);
}

IoResult kernel_read_bytes(Cpu& cpu, AddressSpace& file, std::uint64_t file_page,
                           std::span<std::byte> out) {
  alignas(8) PageBytes bytes;
  const std::uint64_t pages = out.size() / kPageBytes;
  for (std::uint64_t i = 0; i < pages; ++i) {
    if (file_page + i >= file.size_pages()) return ended(i, Errc::kOk);
    if (const Errc error = read_page(cpu, file, file_page + i, bytes); error != Errc::kOk)
      return ended(i, error);
    std::ranges::copy(bytes, out.subspan(i * kPageBytes).begin());
  }
  return ended(pages, Errc::kOk);
}

IoResult kernel_write_bytes(Cpu& cpu, AddressSpace& file, std::uint64_t file_page,
                            std::span<const std::byte> from) {
  alignas(8) PageBytes bytes;
  const std::uint64_t pages = from.size() / kPageBytes;
  for (std::uint64_t i = 0; i < pages; ++i) {
    std::ranges::copy(from.subspan(i * kPageBytes, kPageBytes), bytes.begin());
    const auto folio = write_begin(cpu, file, file_page + i);
    if (!folio) return ended(i, folio.error);
    write_end(cpu, file, file_page + i, folio.value, bytes);
  }
  return ended(pages, Errc::kOk);
}

IoResult kernel_write(Cpu& cpu, AddressSpace& file, std::uint64_t file_page,
                      std::span<const std::uint64_t> words) {
  alignas(8) PageBytes bytes;
  bytes.fill(std::byte{0});
  for (std::uint64_t i = 0; i < words.size(); ++i) {
    *reinterpret_cast<std::uint64_t*>(bytes.data()) = words[i];
    const auto folio = write_begin(cpu, file, file_page + i);
    if (!folio) return ended(i, folio.error);
    write_end(cpu, file, file_page + i, folio.value, bytes);
  }
  return ended(words.size(), Errc::kOk);
}

}  // namespace pagebox::inline PAGEBOX_ENV
