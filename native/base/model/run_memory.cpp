#include "base/model/run_memory.h"

#include <sys/mman.h>
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "base/model/run_memory_parts.h"
#include "base/plain.h"
#include "base/sanitizer.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

namespace pagebox::inline PAGEBOX_ENV {

[[gnu::tls_model("initial-exec")]] constinit thread_local RunMemory* run_memory_in_use = nullptr;

namespace {

constexpr std::size_t kMostMapped = std::size_t{15} << 30;  // behind the heap
/// More is copied no quicker than a machine is made.
constexpr std::size_t kMostKept = std::size_t{64} << 20;
alignas(64) constexpr std::array<std::byte, 4096> kZeroPage{};

/// Of a line, aligned so.
bool line_differs(const std::byte* one, const std::byte* other) {
  using Part = std::uint64_t __attribute__((vector_size(16), may_alias));
  const auto* a = reinterpret_cast<const Part*>(one);
  const auto* b = reinterpret_cast<const Part*>(other);
  const Part difference = (a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]);
  return (difference[0] | difference[1]) != 0;
}

std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// A line's share of a digest: products of its words, as wyhash has them (Wang Yi; public domain),
/// with two sets of keys.
StateDigest digest_of(std::uint32_t line, const std::byte* at) {
  std::array<std::uint64_t, 8> w{};
  std::memcpy(w.data(), at, sizeof w);
  const std::uint64_t low = fold(w[0] ^ 0xa0761d6478bd642fU, w[1] ^ 0xe7037ed1a0b428dbU) ^
                            fold(w[2] ^ 0x8ebc6af09c88c6e3U, w[3] ^ 0x589965cc75374cc3U) ^
                            fold(w[4] ^ 0x1d8e4e27c47d124fU, w[5] ^ 0xeb44accab455d165U) ^
                            fold(w[6] ^ 0x452821e638d01377U, w[7] ^ 0xbe5466cf34e90c6cU);
  const std::uint64_t high = fold(w[0] ^ 0x243f6a8885a308d3U, w[7] ^ 0x13198a2e03707344U) ^
                             fold(w[1] ^ 0xa4093822299f31d0U, w[2] ^ 0x082efa98ec4e6c89U) ^
                             fold(w[3] ^ 0xc0ac29b7c97c50ddU, w[4] ^ 0x3f84d5b5b5470917U) ^
                             fold(w[5] ^ 0x9216d5d98979fb1bU, w[6] ^ 0xd1310ba698dfb5acU);
  const std::uint64_t place = (std::uint64_t{line} + 1) * 0x9e3779b97f4a7c15U;
  return {fold(low ^ place, high ^ 0x2ffd72dbd01adfb7U),
          fold(high ^ ~place, low ^ 0xb8e1afed6a267e96U)};
}

}  // namespace

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
  if (base_ != nullptr) munmap(base_, kHeapBytes + kMostMapped);
}

StateDigest RunMemory::digest_of_constants() const {
  StateDigest all;
  for (std::size_t at = kConstants; at < constants_used_; at += kLineBytes) {
    const StateDigest of = digest_of(static_cast<std::uint32_t>(at / kLineBytes), base_ + at);
    all.low += of.low;
    all.high += of.high;
  }
  return all;
}

std::byte* RunMemory::map(std::size_t size_bytes, std::size_t alignment_bytes, bool by_page) {
  const std::size_t alignment = std::max(alignment_bytes, kPageBytes);
  const std::size_t start = (mapped_ + alignment - 1) & ~(alignment - 1);
  const std::size_t bytes = (size_bytes + kPageBytes - 1) & ~(kPageBytes - 1);
  constexpr std::size_t kEnd = kHeapBytes + kMostMapped;
  if (start > kEnd || bytes > kEnd - start) return nullptr;
  mapped_ = start + bytes;
  if (by_page) return base_ + start;
  for (std::size_t at = start; at < start + bytes; at += kPageBytes) mark(base_ + at);
  const std::size_t lines = (size_bytes % kPageBytes + kLineBytes - 1) / kLineBytes;
  if (lines != 0 && lines != kPageBytes / kLineBytes) {
    const OutsideRunMemory outside;
    tails_.push_back({static_cast<std::uint32_t>((start + size_bytes) / kPageBytes),
                      ~std::uint64_t{0} << lines});
  }
  return base_ + start;
}

void RunMemory::add(std::uint32_t page) {
  const OutsideRunMemory outside;
  marked_[page / 64] |= std::uint64_t{1} << page % 64;
  pages_.push_back({page, kZeroPage.data()});
  if (has_kept_) look_at(page, ~std::uint64_t{0}, kZeroPage.data());
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
  if (pages_.size() * kPageBytes > kMostKept) return false;
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
  kept_.resize(nonzero * kPageBytes);
  const std::vector<std::uint64_t> dead = dead_lines();
  for (unsigned of = 0; of < kDroppedClasses; ++of) free_[of].clear();
  kept_free_ = free_;
  changed_lists_ = {};
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
    std::uint64_t lines = ~std::uint64_t{0};
    if (page.number < dead.size()) lines = ~dead[page.number];
    const auto tail = std::ranges::find(tails_, page.number, &Tail::page);
    if (tail != tails_.end()) lines &= ~tail->lines;
    look_at(page.number, lines, page.kept);
  }
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

/// Lines that differ and did not before are hot from now on.
void RunMemory::warm_up() {
  for (std::size_t i = 0; i < cold_.size(); ++i) {
    const Cold all = cold_[i];
    const std::byte* const now = base_ + std::size_t{all.line} * kLineBytes;
    if (std::memcmp(now, all.kept, all.lines * kLineBytes) == 0) continue;
    // What is left of it: the first part in its place, the others behind.
    bool is_first = true;
    const auto leave = [&](std::uint32_t begin, std::uint32_t end) {
      if (begin == end) return;
      const Cold part{all.line + begin, end - begin, all.kept + begin * kLineBytes};
      if (is_first)
        cold_[i] = part;
      else
        cold_.push_back(part);
      is_first = false;
    };
    std::uint32_t begin = 0;
    for (std::uint32_t at = 0; at < all.lines; ++at) {
      const std::byte* kept = all.kept + at * kLineBytes;
      if (!line_differs(now + at * kLineBytes, kept)) continue;
      leave(begin, at);
      hot_.push_back({all.line + at, kept});
      begin = at + 1;
    }
    leave(begin, all.lines);
    if (is_first) cold_[i] = {all.line, 0, all.kept};
  }
}

StateDigest RunMemory::digest() {
  const OutsideRunMemory outside;
  changed_.clear();
  warm_up();
  // Line by line, and the lines added up: the order in which they were found is none of the state.
  StateDigest all;
  for (std::size_t i = 0; i < hot_.size(); ++i) {
    const std::byte* const now = base_ + std::size_t{hot_[i].line} * kLineBytes;
    if (!line_differs(now, hot_[i].kept)) continue;
    changed_.push_back(static_cast<std::uint32_t>(i));
    const StateDigest of = digest_of(hot_[i].line, now);
    all.low += of.low;
    all.high += of.high;
  }
  return all;
}

/// What is handed out next is what was then.
void RunMemory::reset_books() {
  heap_used_ = kept_heap_used_;
  mapped_ = kept_mapped_;
  for (unsigned word = 0; word < changed_lists_.size(); ++word)
    for (std::uint64_t left = std::exchange(changed_lists_[word], 0); left != 0; left &= left - 1) {
      const unsigned of = word * 64 + static_cast<unsigned>(std::countr_zero(left));
      free_[of].assign(kept_free_[of].begin(), kept_free_[of].end());
    }
}

void RunMemory::restore() {
  const OutsideRunMemory outside;
  warm_up();
  for (const auto& [line, kept] : hot_) {
    std::byte* now = base_ + std::size_t{line} * kLineBytes;
    if (line_differs(now, kept)) std::memcpy(now, kept, kLineBytes);
  }
  reset_books();
}

void RunMemory::restore_digested() {
  const OutsideRunMemory outside;
  for (const std::uint32_t i : changed_)
    std::memcpy(base_ + std::size_t{hot_[i].line} * kLineBytes, hot_[i].kept, kLineBytes);
  reset_books();
}

bool RunMemory::is_as_kept() const {
  if (!has_kept_ || heap_used_ != kept_heap_used_ || mapped_ != kept_mapped_ ||
      free_ != kept_free_ || digest_of_constants() != kept_constants_)
    return false;
  // Pages nobody marked were zero and must be so.
  for (std::size_t page = 0; page < mapped_ / kPageBytes; ++page) {
    if (page == (heap_used_ + kPageBytes - 1) / kPageBytes)
      page = kHeapBytes / kPageBytes;  // nothing between heap and mappings
    if (page >= mapped_ / kPageBytes) break;
    if ((marked_[page / 64] >> page % 64 & 1) != 0) continue;
    if (std::memcmp(base_ + page * kPageBytes, kZeroPage.data(), kPageBytes) != 0) return false;
  }
  return std::ranges::all_of(pages_, [this](const Page& page) {
    return std::memcmp(base_ + page.number * kPageBytes, page.kept, kPageBytes) == 0;
  });
}

}  // namespace pagebox::inline PAGEBOX_ENV
