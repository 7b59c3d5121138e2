#include "mm/file/memory_disk.h"

#include <cstring>
#include <new>

#include "base/sched.h"

namespace pagebox::inline PAGEBOX_ENV {

Errc MemoryDisk::read_page(std::uint64_t index, std::byte* out) {
  Guard guard(lock_);
  mark_.read();
  sched_copied(Access::kBytesWrite, out);
  if (const auto* block = blocks_.find(index); block != nullptr)
    std::memcpy(out, (*block)->data(), kPageBytes);
  else
    std::memset(out, 0, kPageBytes);
  return Errc::kOk;
}

Errc MemoryDisk::write_page(std::uint64_t index, const std::byte* from) {
  Guard guard(lock_);
  mark_.write();
  sched_copied(Access::kBytesRead, from);
  if (const auto* block = blocks_.find(index); block != nullptr) {
    std::memcpy((*block)->data(), from, kPageBytes);
    return Errc::kOk;
  }
  try {
    auto fresh = std::make_unique<Block>();
    std::memcpy(fresh->data(), from, kPageBytes);
    blocks_.set(index, std::move(fresh));
  } catch (const std::bad_alloc&) {
    return Errc::kNoSpc;
  }
  return Errc::kOk;
}

Errc MemoryDisk::truncate(std::uint64_t pages) {
  Guard guard(lock_);
  mark_.write();
  for (std::uint64_t at = blocks_.next(pages); at != blocks_.kNone; at = blocks_.next(at))
    blocks_.set(at, nullptr);
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
