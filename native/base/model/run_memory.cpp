#include "base/model/run_memory.h"

#include <sys/mman.h>
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "base/plain.h"
#include "base/sanitizer.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

namespace pagebox::inline PAGEBOX_ENV {

[[gnu::tls_model("initial-exec")]] constinit thread_local RunMemory* run_memory_in_use = nullptr;

namespace {

constexpr std::size_t kHeapBytes = std::size_t{1} << 30;    // of a slot, from its start
constexpr std::size_t kMostMapped = std::size_t{15} << 30;  // behind the heap
/// More is copied no quicker than a machine is made.
constexpr std::size_t kMostKept = std::size_t{8} << 20;
constexpr std::size_t kLineBytes = 64;
alignas(kLineBytes) constexpr std::array<std::byte, 4096> kZeroPage{};

// Blocks of one class have one size, so a freed one fits the next: multiples of 16 bytes
// to 1 KiB, then powers of two.
constexpr unsigned kSmallClasses = 64, kClasses = kSmallClasses + 32;

unsigned class_of(std::size_t bytes) {
  if (bytes <= std::size_t{kSmallClasses} * 16) return static_cast<unsigned>((bytes + 15) / 16) - 1;
  return kSmallClasses + static_cast<unsigned>(std::bit_width(bytes - 1)) - 11;
}
std::size_t bytes_of(unsigned of) {
  if (of < kSmallClasses) return std::size_t{of + 1} * 16;
  return std::size_t{1} << (of - kSmallClasses + 11);
}

/// Before each block.
struct alignas(16) BlockHead {
  std::uint32_t of = 0;      // its class
  std::uint32_t offset = 0;  // from the block's begin to what was handed out
};

/// Of kLineBytes, aligned so.
bool line_differs(const std::byte* one, const std::byte* other) {
  using Part = std::uint64_t __attribute__((vector_size(16), may_alias));
  const auto* a = reinterpret_cast<const Part*>(one);
  const auto* b = reinterpret_cast<const Part*>(other);
  Part difference = a[0] ^ b[0];
  for (unsigned i = 1; i < kLineBytes / sizeof(Part); ++i) difference |= a[i] ^ b[i];
  return (difference[0] | difference[1]) != 0;
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  return std::rotl(hash ^ word, 29) * 0x9e3779b97f4a7c15U;
}

}  // namespace

struct RunMemory::Head {
  struct Free {
    Free* next;
  };
  RunMemory* owner = nullptr;
  std::size_t heap_used = 0, mapped = 0;
  std::array<Free*, kClasses> free{};
};

RunMemory::Head& RunMemory::head() const { return *reinterpret_cast<Head*>(base_); }

RunMemory* RunMemory::owner_of(const void* at) {
  const auto within = reinterpret_cast<std::uintptr_t>(at) % (std::uintptr_t{1} << kSlotShift);
  return reinterpret_cast<const Head*>(static_cast<const std::byte*>(at) - within)->owner;
}

std::unique_ptr<RunMemory> RunMemory::create() {
#if defined(PAGEBOX_ASAN) || defined(PAGEBOX_TSAN)
  return nullptr;
#else
  const OutsideRunMemory outside;
  std::unique_ptr<RunMemory> memory(new RunMemory);
  for (std::uintptr_t slot = 0; slot < kSlots && memory->base_ == nullptr; ++slot) {
    const std::uintptr_t wanted = (kWindow << kWindowShift) + (slot << kSlotShift);
    void* at = mmap(reinterpret_cast<void*>(wanted), kHeapBytes + kMostMapped,  // NOLINT
                    PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (at == MAP_FAILED) {
      if (errno == EEXIST) continue;
      return nullptr;
    }
    // A kernel that does not know the flag takes the address for a hint.
    if (reinterpret_cast<std::uintptr_t>(at) != wanted) {
      munmap(at, kHeapBytes + kMostMapped);
      return nullptr;
    }
    memory->base_ = static_cast<std::byte*>(at);
  }
  if (memory->base_ == nullptr) return nullptr;
  // Huge ones would make a page of each few bytes 2 MiB that are all looked at.
  madvise(memory->base_, kHeapBytes + kMostMapped, MADV_NOHUGEPAGE);
  madvise(memory->base_, kHeapBytes + kMostMapped, MADV_DONTFORK);
  memory->marked_.resize((kHeapBytes + kMostMapped) / kPageBytes / 64);
  auto* head = ::new (memory->base_) Head;
  head->owner = memory.get();
  head->heap_used = (sizeof(Head) + 15) / 16 * 16;
  head->mapped = kHeapBytes;
  memory->add(0);
  // Is `new` led here by the linker? Without that nothing would be restored.
  const UseRunMemory use(memory.get());
  auto* volatile probe = new std::uint64_t;
  const bool led = owns(probe);
  delete probe;
  return led ? std::move(memory) : nullptr;
#endif
}

RunMemory::~RunMemory() {
  if (base_ != nullptr) munmap(base_, kHeapBytes + kMostMapped);
}

void* RunMemory::allocate(std::size_t size_bytes, std::size_t alignment_bytes) {
  if (size_bytes > kHeapBytes / 2) return nullptr;
  const std::size_t slack = alignment_bytes > 16 ? alignment_bytes - 16 : 0;
  const unsigned of = class_of(std::max<std::size_t>(size_bytes + slack, 16));
  Head& head = this->head();
  std::byte* begin = nullptr;
  Head::Free* const free = head.free[of];
  if (free != nullptr) {
    head.free[of] = free->next;
    begin = reinterpret_cast<std::byte*>(free);
  } else {
    const std::size_t whole = sizeof(BlockHead) + bytes_of(of);
    if (whole > kHeapBytes - head.heap_used) return nullptr;
    begin = base_ + head.heap_used + sizeof(BlockHead);
    head.heap_used += whole;
  }
  // Of a large block only what is asked for: the rest may be pages, is zero, and stays so.
  if (const bool is_small = of < kSmallClasses; free == nullptr || !is_small) {
    std::byte* const last = begin + (is_small ? bytes_of(of) : size_bytes + slack) - 1;
    for (std::byte* at = begin - sizeof(BlockHead); at < last; at += kPageBytes) mark(at);
    mark(last);
  }
  std::byte* handed = begin;
  if (slack != 0) handed += -reinterpret_cast<std::uintptr_t>(begin) & (alignment_bytes - 1);
  ::new (handed - sizeof(BlockHead)) BlockHead{of, static_cast<std::uint32_t>(handed - begin)};
  return handed;
}

void RunMemory::release(void* at) {
  auto* handed = static_cast<std::byte*>(at);
  const BlockHead block = *reinterpret_cast<BlockHead*>(handed - sizeof(BlockHead));
  std::byte* begin = handed - block.offset;
  // What lies in a free block is no part of the machine's state: all are the same. (Pages of it
  // that were never asked for are zero before and after.)
  std::memset(begin, 0, std::min(bytes_of(block.of), kPageBytes));
  RunMemory* owner = owner_of(at);
  auto* free = ::new (begin) Head::Free{owner->head().free[block.of]};
  owner->head().free[block.of] = free;
}

std::byte* RunMemory::map(std::size_t size_bytes, std::size_t alignment_bytes, bool by_page) {
  Head& head = this->head();
  const std::size_t alignment = std::max(alignment_bytes, kPageBytes);
  const std::size_t start = (head.mapped + alignment - 1) & ~(alignment - 1);
  const std::size_t bytes = (size_bytes + kPageBytes - 1) & ~(kPageBytes - 1);
  constexpr std::size_t kEnd = kHeapBytes + kMostMapped;
  if (start > kEnd || bytes > kEnd - start) return nullptr;
  head.mapped = start + bytes;
  if (!by_page)
    for (std::size_t at = start; at < start + bytes; at += kPageBytes) mark(base_ + at);
  return base_ + start;
}

void RunMemory::mark(const std::byte* at) {
  RunMemory* owner = owner_of(at);
  const auto page = static_cast<std::uint32_t>((at - owner->base_) / kPageBytes);
  std::uint64_t& word = owner->marked_[page / 64];
  if ((word >> page % 64 & 1) != 0) return;
  word |= std::uint64_t{1} << page % 64;
  owner->add(page);
}

void RunMemory::add(std::uint32_t page) {
  const OutsideRunMemory outside;
  marked_[page / 64] |= std::uint64_t{1} << page % 64;
  pages_.push_back(page);
}

bool RunMemory::keep() {
  const OutsideRunMemory outside;
  if (pages_.size() * kPageBytes > kMostKept) return false;
  // Those that are all zero go behind, and are held against one page of zeros that stays in
  // the cache: half of what has to be looked at each time.
  const auto is_zero = [this](std::uint32_t page) {
    return std::memcmp(base_ + page * kPageBytes, kZeroPage.data(), kPageBytes) == 0;
  };
  std::sort(pages_.begin(), pages_.end(), [&](std::uint32_t one, std::uint32_t other) {
    return std::pair(is_zero(one), one) < std::pair(is_zero(other), other);
  });
  kept_pages_ = static_cast<std::size_t>(std::find_if(pages_.begin(), pages_.end(), is_zero) -
                                         pages_.begin());
  kept_.resize(kept_pages_ * kPageBytes);
  for (std::size_t i = 0; i < kept_pages_; ++i)
    std::memcpy(kept_.data() + i * kPageBytes, base_ + pages_[i] * kPageBytes, kPageBytes);
  has_kept_ = true;
  return true;
}

const std::byte* RunMemory::kept_page(std::size_t index) const {
  return index < kept_pages_ ? kept_.data() + index * kPageBytes : kZeroPage.data();
}

bool RunMemory::differs(std::size_t index) const {
  return std::memcmp(base_ + pages_[index] * kPageBytes, kept_page(index), kPageBytes) != 0;
}

StateDigest RunMemory::digest() {
  const OutsideRunMemory outside;
  changed_.clear();
  // Page by page, and the pages added up: the order in which they were marked is none of
  // the state.
  std::uint64_t low = 0, high = 0;
  for (std::size_t i = 0; i < pages_.size(); ++i) {
    if (!differs(i)) continue;
    const std::byte* now = base_ + pages_[i] * kPageBytes;
    const std::byte* kept = kept_page(i);
    std::uint64_t lines = 0;
    for (unsigned line = 0; line < kPageBytes / kLineBytes; ++line)
      lines |= std::uint64_t{line_differs(now + line * kLineBytes, kept + line * kLineBytes)}
               << line;
    changed_.push_back({static_cast<std::uint32_t>(i), lines});
    std::uint64_t page_low = mix(mix(0x243f6a8885a308d3U, pages_[i]), lines);
    std::uint64_t page_high = mix(mix(0x13198a2e03707344U, pages_[i]), lines);
    for (std::uint64_t left = lines; left != 0; left &= left - 1) {
      std::array<std::uint64_t, kLineBytes / 8> words{};
      std::memcpy(words.data(), now + std::countr_zero(left) * kLineBytes, kLineBytes);
      for (const std::uint64_t word : words) {
        page_low = mix(page_low, word);
        page_high = mix(page_high, ~word);
      }
    }
    low += mix(page_low, page_high);
    high += mix(page_high, page_low);
  }
  return {low, high};
}

void RunMemory::copy_back(std::size_t index) {
  std::memcpy(base_ + pages_[index] * kPageBytes, kept_page(index), kPageBytes);
}

void RunMemory::restore() {
  for (std::size_t i = 0; i < pages_.size(); ++i)
    if (differs(i)) copy_back(i);
}

void RunMemory::restore_digested() {
  for (const auto& [index, lines] : changed_) {
    std::byte* now = base_ + pages_[index] * kPageBytes;
    const std::byte* kept = kept_page(index);
    for (std::uint64_t left = lines; left != 0; left &= left - 1) {
      const std::size_t at = std::countr_zero(left) * kLineBytes;
      std::memcpy(now + at, kept + at, kLineBytes);
    }
  }
}

bool RunMemory::is_as_kept() const {
  // Pages nobody marked were zero and must be so.
  const std::size_t end = head().mapped;
  for (std::size_t page = 0; page < end / kPageBytes; ++page) {
    if (page == (head().heap_used + kPageBytes - 1) / kPageBytes)
      page = kHeapBytes / kPageBytes;  // nothing between heap and mappings
    if (page >= end / kPageBytes) break;
    if ((marked_[page / 64] >> page % 64 & 1) != 0) continue;
    if (std::memcmp(base_ + page * kPageBytes, kZeroPage.data(), kPageBytes) != 0) return false;
  }
  for (std::size_t i = 0; i < pages_.size(); ++i)
    if (differs(i)) return false;
  return has_kept_;
}

}  // namespace pagebox::inline PAGEBOX_ENV
