#include "mm/memory_disk.h"

#include <cstring>

namespace pagebox::inline PAGEBOX_ENV {

Errc MemoryDisk::read_page(std::uint64_t index, std::byte* out) {
  Guard guard(lock_);
  if ((index + 1) * kPageBytes <= bytes_.size())
    std::memcpy(out, bytes_.data() + index * kPageBytes, kPageBytes);
  else
    std::memset(out, 0, kPageBytes);
  return Errc::kOk;
}

Errc MemoryDisk::write_page(std::uint64_t index, const std::byte* from) {
  Guard guard(lock_);
  if ((index + 1) * kPageBytes > bytes_.size()) bytes_.resize((index + 1) * kPageBytes);
  std::memcpy(bytes_.data() + index * kPageBytes, from, kPageBytes);
  return Errc::kOk;
}

Errc MemoryDisk::truncate(std::uint64_t pages) {
  Guard guard(lock_);
  if (pages * kPageBytes < bytes_.size()) bytes_.resize(pages * kPageBytes);
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
