#include "base/mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/memory_changes.h"
#ifdef PAGEBOX_MODEL
#include "base/model/run_memory.h"
#endif

namespace pagebox::inline PAGEBOX_ENV {

namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kHugeBytes = std::size_t{2} << 20;

std::size_t page_up(std::size_t bytes) { return (bytes + kPageBytes - 1) & ~(kPageBytes - 1); }

#ifdef PAGEBOX_MODEL
/// Part of the memory that a schedule's machine lies in: it goes with that.
bool is_lent(const std::byte* data) { return RunMemory::owns(data); }
bool is_lending() { return run_memory_in_use != nullptr; }
std::byte* lent(std::size_t size_bytes, std::size_t alignment_bytes) {
  RunMemory* memory = run_memory_in_use;
  return memory == nullptr ? nullptr : memory->map(size_bytes, alignment_bytes);
}
#else
bool is_lent(const std::byte*) { return false; }
bool is_lending() { return false; }
std::byte* lent(std::size_t, std::size_t) { return nullptr; }
#endif

}  // namespace

Mapping::~Mapping() {
  if (data_ != nullptr && !is_lent(data_)) munmap(data_, size_bytes_);
  if (fd_ >= 0) close(fd_);
}

void Mapping::swap(Mapping& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(fd_, other.fd_);
}

Result<Mapping> Mapping::reserve_large(std::size_t size_bytes) {
  // Memory of a schedule's machine is never made of them.
  const bool may_be_huge = size_bytes >= kHugeBytes && !is_lending();
  return reserve(size_bytes, may_be_huge ? kHugeBytes : kPageBytes);
}

Result<Mapping> Mapping::reserve(std::size_t size_bytes, std::size_t alignment_bytes) {
  if (size_bytes == 0 || size_bytes > SIZE_MAX / 4) return Errc::kInval;
  if (alignment_bytes == 0) alignment_bytes = kPageBytes;
  if (!std::has_single_bit(alignment_bytes) || alignment_bytes > SIZE_MAX / 4) return Errc::kInval;
  const std::size_t slack = alignment_bytes > kPageBytes ? alignment_bytes - kPageBytes : 0;
  Mapping result;
  result.size_bytes_ = page_up(size_bytes);
  result.data_ = lent(size_bytes, alignment_bytes);
  if (result.data_ != nullptr) return result;
  size_bytes = page_up(size_bytes);
  const std::size_t whole = size_bytes + slack;
  void* at = mmap(nullptr, whole, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return Errc::kNoMem;
  auto* start = static_cast<std::byte*>(at);
  const auto misfit = reinterpret_cast<std::uintptr_t>(start) & (alignment_bytes - 1);
  const std::size_t head = misfit == 0 ? 0 : alignment_bytes - misfit;
  if (head != 0) munmap(start, head);
  if (slack != head) munmap(start + head + size_bytes, slack - head);
  madvise(start + head, size_bytes, MADV_DONTFORK);
  result.data_ = start + head;
  return result;
}

Result<Mapping> Mapping::memfd(std::size_t size_bytes, const char* name) {
  if (size_bytes == 0 || size_bytes > SIZE_MAX / 4) return Errc::kInval;
  Mapping result;
  result.size_bytes_ = page_up(size_bytes);
  result.data_ = lent(result.size_bytes_, 0);
  if (result.data_ != nullptr) return result;
  result.fd_ = memfd_create(name, MFD_CLOEXEC);
  if (result.fd_ < 0) return Errc::kNoMem;
  size_bytes = page_up(size_bytes);
  if (ftruncate(result.fd_, static_cast<off_t>(size_bytes)) != 0) return Errc::kNoMem;
  void* at =
      mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, result.fd_, 0);
  if (at == MAP_FAILED) return Errc::kNoMem;
  madvise(at, size_bytes, MADV_DONTFORK);
  result.data_ = static_cast<std::byte*>(at);
  result.size_bytes_ = size_bytes;
  return result;
}

Errc Mapping::discard(std::size_t offset_bytes, std::size_t size_bytes) {
  if (offset_bytes % kPageBytes != 0 || size_bytes % kPageBytes != 0) return Errc::kInval;
  if (offset_bytes > size_bytes_ || size_bytes > size_bytes_ - offset_bytes) return Errc::kInval;
  if (size_bytes == 0) return Errc::kOk;
  if (is_lent(data_)) {
    memory_changes(data_ + offset_bytes, size_bytes);
    std::memset(data_ + offset_bytes, 0, size_bytes);
    return Errc::kOk;
  }
  if (fd_ >= 0) {
    // DONTNEED would only drop this mapping's view of the file's pages.
    const int done = fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                               static_cast<off_t>(offset_bytes), static_cast<off_t>(size_bytes));
    return done == 0 ? Errc::kOk : Errc::kNoMem;
  }
  const int done = madvise(data_ + offset_bytes, size_bytes, MADV_DONTNEED);
  return done == 0 ? Errc::kOk : Errc::kNoMem;
}

Errc Mapping::populate(std::size_t size_bytes) {
  size_bytes = std::min(page_up(size_bytes), size_bytes_);
  if (size_bytes == 0 || is_lent(data_)) return Errc::kOk;
#ifdef MADV_POPULATE_WRITE
  if (madvise(data_, size_bytes, MADV_POPULATE_WRITE) == 0) return Errc::kOk;
  if (errno != EINVAL) return Errc::kNoMem;
#endif
  // Before Linux 5.14 each page is asked for by a write that changes nothing.
  for (std::size_t at = 0; at < size_bytes; at += kPageBytes)
    (void)__atomic_fetch_or(reinterpret_cast<unsigned char*>(data_ + at), 0, __ATOMIC_RELAXED);
  return Errc::kOk;
}

Errc Mapping::advise_huge_pages() {
  return madvise(data_, size_bytes_, MADV_HUGEPAGE) == 0 ? Errc::kOk : Errc::kInval;
}

}  // namespace pagebox::inline PAGEBOX_ENV
