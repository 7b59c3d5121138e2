// read(2) and write(2) on files, buffered and direct. Positions and lengths are
// whole pages; results are bytes, or the errno if nothing was moved.
#pragma once

#include <cstdint>
#include <span>

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

struct IoResult {
  std::uint64_t bytes = 0;
  Errc error = Errc::kOk;
};

/// Pages that one read(2) or write(2) moves at most: 0x7ffff000 bytes (rw_verify_area, v6.12).
inline constexpr std::uint64_t kMaxIoPages = 0x7ffff000 / kPageBytes;

// From and to the memory of a process: at most kMaxIoPages, the rest is a short transfer.
IoResult buffered_read(Cpu& cpu, Mm& mm, AddressSpace& file, std::uint64_t file_page,
                       std::uint64_t address, std::uint64_t pages);
IoResult buffered_write(Cpu& cpu, Mm& mm, AddressSpace& file, std::uint64_t file_page,
                        std::uint64_t address, std::uint64_t pages);
/// Pins the frames by fast GUP and moves their bytes without the page cache.
IoResult direct_read(Cpu& cpu, Mm& mm, AddressSpace& file, std::uint64_t file_page,
                     std::uint64_t address, std::uint64_t pages);
IoResult direct_write(Cpu& cpu, Mm& mm, AddressSpace& file, std::uint64_t file_page,
                      std::uint64_t address, std::uint64_t pages);

// From and to a buffer outside every address space: first words of each page.
IoResult kernel_read(Cpu& cpu, AddressSpace& file, std::uint64_t file_page,
                     std::span<std::uint64_t> words);
IoResult kernel_write(Cpu& cpu, AddressSpace& file, std::uint64_t file_page,
                      std::span<const std::uint64_t> words);
/// The same with whole pages of bytes.
IoResult kernel_read_bytes(Cpu& cpu, AddressSpace& file, std::uint64_t file_page,
                           std::span<std::byte> out);
IoResult kernel_write_bytes(Cpu& cpu, AddressSpace& file, std::uint64_t file_page,
                            std::span<const std::byte> from);
/// O_DIRECT read into such a buffer.
IoResult kernel_direct_read_bytes(Cpu& cpu, AddressSpace& file, std::uint64_t file_page,
                                  std::span<std::byte> out);
IoResult kernel_direct_read(Cpu& cpu, AddressSpace& file, std::uint64_t file_page,
                            std::span<std::uint64_t> words);

}  // namespace pagebox::inline PAGEBOX_ENV
