#include "base/model/run_memory.h"

#include <sys/mman.h>
#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "base/model/run_memory_parts.h"
#include "base/sanitizer.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

namespace pagebox::inline PAGEBOX_ENV {

[[gnu::tls_model("initial-exec")]] constinit thread_local RunMemory* run_memory_in_use = nullptr;

namespace {

/// More is copied no quicker than a machine is made.
constexpr std::size_t kMostKept = std::size_t{64} << 20;
template <class Each>
constexpr std::size_t kWrittenBytes = kMostMapped / kZeroPage.size() * sizeof(Each);

}  // namespace

std::unique_ptr<RunMemory> RunMemory::create() {
#if defined(PAGEBOX_ASAN) || defined(PAGEBOX_TSAN)
  return nullptr;
#else
  const OutsideRunMemory outside;
  std::unique_ptr<RunMemory> memory(new RunMemory);
  for (std::uintptr_t slot = 0; slot < kSlots && memory->base_ == nullptr; ++slot) {
    const std::uintptr_t wanted = (kWindow << kWindowShift) + (slot << kSlotShift);
    void* at = mmap(reinterpret_cast<void*>(wanted), kUsedBytes,  // NOLINT
                    PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (at == MAP_FAILED) {
      if (errno == EEXIST) continue;
      return nullptr;
    }
    // A kernel that does not know the flag takes the address for a hint.
    if (reinterpret_cast<std::uintptr_t>(at) != wanted) {
      munmap(at, kUsedBytes);
      return nullptr;
    }
    memory->base_ = static_cast<std::byte*>(at);
  }
  if (memory->base_ == nullptr) return nullptr;
  void* written = mmap(nullptr, kWrittenBytes<Written>, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (written == MAP_FAILED) return nullptr;
  memory->written_ = static_cast<Written*>(written);
  // Huge ones would make a page of each few bytes 2 MiB that are all looked at.
  madvise(memory->base_, kUsedBytes, MADV_NOHUGEPAGE);
  madvise(memory->base_, kUsedBytes, MADV_DONTFORK);
  memory->marked_.resize(kHeapBytes / kPageBytes / 64);
  ::new (memory->base_) Head{memory.get()};
  memory->heap_used_ = (sizeof(Head) + 15) / 16 * 16;
  memory->mapped_ = kHeapBytes;
  memory->constants_used_ = kConstants;
  memory->add(0);
  memory->heap_marked_ = kPageBytes;
  // Is `new` led here by the linker? Without that nothing would be restored.
  const UseRunMemory use(memory.get());
  auto* volatile probe = new std::uint64_t;
  const bool led = owns(probe);
  delete probe;
  return led ? std::move(memory) : nullptr;
#endif
}

RunMemory::~RunMemory() {
  if (written_ != nullptr) munmap(written_, kWrittenBytes<Written>);
  if (base_ != nullptr) munmap(base_, kUsedBytes);
}

std::byte* RunMemory::map(std::size_t size_bytes, std::size_t alignment_bytes) {
  const std::size_t alignment = std::max(alignment_bytes, kPageBytes);
  const std::size_t start = (mapped_ + alignment - 1) & ~(alignment - 1);
  const std::size_t bytes = (size_bytes + kPageBytes - 1) & ~(kPageBytes - 1);
  constexpr std::size_t kEnd = kFreedBits;
  if (start > kEnd || bytes > kEnd - start) return nullptr;
  mapped_ = start + bytes;
  return base_ + start;
}

const std::byte* RunMemory::kept_of(std::uint32_t page) const {
  const std::byte* const kept = written_[page].kept;
  return kept == nullptr ? kZeroPage.data() : kept;
}

/// Counted from the first line of all mappings.
void RunMemory::note_lines(std::size_t first, std::size_t last) {
  last = std::min(last, kMostMapped / kLineBytes - 1);
  for (std::size_t page = first / kPageLines; page <= last / kPageLines; ++page) {
    Written& written = written_[page];
    const std::size_t begin = page * kPageLines;
    std::uint64_t lines = ~std::uint64_t{0};
    if (first > begin) lines &= ~std::uint64_t{0} << (first - begin);
    if (last < begin + kPageLines - 1)
      lines &= ~std::uint64_t{0} >> (begin + kPageLines - 1 - last);
    if (written.lines == 0) {
      const OutsideRunMemory outside;
      written_pages_.push_back(static_cast<std::uint32_t>(page));
    }
    written.lines |= lines;
  }
}

void RunMemory::add(std::uint32_t page) {
  const OutsideRunMemory outside;
  marked_[page / 64] |= std::uint64_t{1} << page % 64;
  pages_.push_back({page, kZeroPage.data()});
  // Of a large block that was free and is used again, more than before.
  if (has_kept_ && page * kPageBytes < kept_heap_used_)
    look_at(page, kept_lines(page), kZeroPage.data());
}

/// Those that the heap had when it was kept.
std::uint64_t RunMemory::kept_lines(std::uint32_t page) const {
  const std::size_t lines = kept_heap_used_ / kLineBytes - page * kPageLines;
  return lines >= kPageLines ? ~std::uint64_t{0} : (std::uint64_t{1} << lines) - 1;
}

/// Of each page of the heap, those that lie in free blocks which are not used again.
std::vector<std::uint64_t> RunMemory::dead_lines() const {
  std::vector<std::pair<std::size_t, std::size_t>> blocks;
  for (unsigned of = 0; of < kDroppedClasses; ++of)
    for (const std::uint32_t begin : free_[of])
      blocks.emplace_back(std::size_t{begin} * 16 - sizeof(BlockHead),
                          std::size_t{begin} * 16 + bytes_of(of));
  std::sort(blocks.begin(), blocks.end());
  std::vector<std::uint64_t> dead(heap_used_ / kPageBytes + 1);
  for (std::size_t i = 0; i < blocks.size();) {
    auto [at, end] = blocks[i++];
    while (i < blocks.size() && blocks[i].first == end) end = blocks[i++].second;
    for (std::size_t line = (at + kLineBytes - 1) / kLineBytes; line < end / kLineBytes; ++line)
      dead[line / 64] |= std::uint64_t{1} << line % 64;
  }
  return dead;
}

bool RunMemory::keep() {
  const OutsideRunMemory outside;
  if ((pages_.size() + written_pages_.size()) * kPageBytes > kMostKept) return false;
  std::sort(pages_.begin(), pages_.end(),
            [](const Page& one, const Page& other) { return one.number < other.number; });
  // Those that are all zero are held against one page of zeros that stays in the cache: half of
  // what has to be looked at each time.
  std::size_t nonzero = 0;
  for (Page& page : pages_) {
    const bool is_zero =
        std::memcmp(base_ + page.number * kPageBytes, kZeroPage.data(), kPageBytes) == 0;
    page.kept = is_zero ? kZeroPage.data() : nullptr;
    nonzero += is_zero ? 0 : 1;
  }
  kept_.resize((nonzero + written_pages_.size()) * kPageBytes);
  const std::vector<std::uint64_t> dead = dead_lines();
  for (unsigned of = 0; of < kDroppedClasses; ++of) free_[of].clear();
  kept_free_ = free_;
  changed_lists_ = {};
  heap_used_ = (heap_used_ + kLineBytes - 1) / kLineBytes * kLineBytes;
  kept_heap_used_ = heap_used_;
  kept_mapped_ = mapped_;
  heap_marked_ = heap_used_ / kPageBytes * kPageBytes;
  hot_.clear();
  cold_.clear();
  std::byte* next = kept_.data();
  for (Page& page : pages_) {
    if (page.kept == nullptr) {
      std::memcpy(next, base_ + page.number * kPageBytes, kPageBytes);
      page.kept = next;
      next += kPageBytes;
    }
    look_at(page.number, kept_lines(page.number) & ~dead[page.number], page.kept);
  }
  for (const std::uint32_t page : written_pages_) {
    std::memcpy(next, mapped_page(page), kPageBytes);
    written_[page] = {0, next};
    next += kPageBytes;
  }
  written_pages_.clear();
  kept_constants_ = digest_of_constants();
  has_kept_ = true;
  return true;
}

/// `lines` of the page, from now on.
void RunMemory::look_at(std::uint32_t page, std::uint64_t lines, const std::byte* kept) {
  for (unsigned at = 0; lines != 0;) {
    const unsigned gap = static_cast<unsigned>(std::countr_zero(lines));
    at += gap;
    lines >>= gap;
    const unsigned count = static_cast<unsigned>(std::countr_one(lines));
    const std::uint32_t line = page * (kPageBytes / kLineBytes) + at;
    const std::byte* of = kept + at * kLineBytes;
    if (Cold* last = cold_.empty() ? nullptr : &cold_.back();
        last != nullptr && last->line + last->lines == line &&
        last->kept + last->lines * kLineBytes == of)
      last->lines += count;
    else
      cold_.push_back({line, count, of});
    at += count;
    lines = count == 64 ? 0 : lines >> count;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
