// What of a RunMemory differs from what was kept, and how that comes back.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "base/model/run_memory.h"
#include "base/model/run_memory_parts.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

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

StateDigest RunMemory::digest_of_constants() const {
  StateDigest all;
  for (std::size_t at = kConstants; at < constants_used_; at += kLineBytes) {
    const StateDigest of = digest_of(static_cast<std::uint32_t>(at / kLineBytes), base_ + at);
    all.low += of.low;
    all.high += of.high;
  }
  return all;
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

/// Of blocks that were asked for since keep(): zero then.
template <class Step>
void RunMemory::each_fresh_line(Step step) {
  for (std::size_t at = kept_heap_used_; at < heap_used_;) {
    const std::size_t page = at / kPageBytes;
    const std::size_t end = std::min((page + 1) * kPageBytes, heap_used_);
    if ((marked_[page / 64] >> page % 64 & 1) == 0) {  // of a large block, not asked for
      at = end;
      continue;
    }
    for (; at < end; at += kLineBytes) step(static_cast<std::uint32_t>(at / kLineBytes));
  }
}

/// step(line, kept) for each of these lines of a mapping's page.
template <class Step>
void RunMemory::each_line(std::uint32_t page, std::uint64_t lines, Step step) const {
  const auto first = static_cast<std::uint32_t>(kHeapBytes / kLineBytes + page * kPageLines);
  for (; lines != 0; lines &= lines - 1) {
    const auto line = static_cast<unsigned>(std::countr_zero(lines));
    step(first + line, kept_of(page) + line * kLineBytes);
  }
}

StateDigest RunMemory::digest() {
  const OutsideRunMemory outside;
  changed_.clear();
  warm_up();
  // Line by line, and the lines added up: the order in which they were found is none of the state.
  StateDigest all;
  const auto add_if_differs = [&](std::uint32_t line, const std::byte* kept) {
    const std::byte* const now = base_ + std::size_t{line} * kLineBytes;
    if (!line_differs(now, kept)) return false;
    const StateDigest of = digest_of(line, now);
    all.low += of.low;
    all.high += of.high;
    return true;
  };
  for (std::size_t i = 0; i < hot_.size(); ++i)
    if (add_if_differs(hot_[i].line, hot_[i].kept))
      changed_.push_back(static_cast<std::uint32_t>(i));
  each_fresh_line([&](std::uint32_t line) { add_if_differs(line, kZeroPage.data()); });
  // Of mappings no more is left to be copied back than differs.
  std::size_t left = 0;
  for (const std::uint32_t page : written_pages_) {
    const bool is_whole = written_[page].lines == ~std::uint64_t{0};
    std::uint64_t differs = 0;
    if (!is_whole || std::memcmp(mapped_page(page), kept_of(page), kPageBytes) != 0)
      each_line(page, written_[page].lines, [&](std::uint32_t line, const std::byte* kept) {
        if (add_if_differs(line, kept)) differs |= std::uint64_t{1} << line % kPageLines;
      });
    written_[page].lines = differs;
    if (differs != 0) written_pages_[left++] = page;
  }
  written_pages_.resize(left);
  return all;
}

/// What is handed out next is what was then.
void RunMemory::reset_books() {
  heap_used_ = kept_heap_used_;
  mapped_ = kept_mapped_;
  held_back_bytes_ = 0;
  for (; !held_back_.empty(); held_back_.pop_back())
    set_bits(bits(kFreedBits), held_back_.back().first, held_back_.back().count, false);
  for (unsigned word = 0; word < changed_lists_.size(); ++word)
    for (std::uint64_t left = std::exchange(changed_lists_[word], 0); left != 0; left &= left - 1) {
      const unsigned of = word * 64 + static_cast<unsigned>(std::countr_zero(left));
      free_[of].assign(kept_free_[of].begin(), kept_free_[of].end());
    }
}

void RunMemory::restore_others() {
  each_fresh_line([this](std::uint32_t line) {
    std::memset(base_ + std::size_t{line} * kLineBytes, 0, kLineBytes);
  });
  for (const std::uint32_t page : written_pages_)
    each_line(page, std::exchange(written_[page].lines, 0),
              [this](std::uint32_t line, const std::byte* kept) {
                std::memcpy(base_ + std::size_t{line} * kLineBytes, kept, kLineBytes);
              });
  written_pages_.clear();
}

void RunMemory::restore() {
  const OutsideRunMemory outside;
  warm_up();
  for (const auto& [line, kept] : hot_) {
    std::byte* now = base_ + std::size_t{line} * kLineBytes;
    if (line_differs(now, kept)) std::memcpy(now, kept, kLineBytes);
  }
  restore_others();
  reset_books();
}

void RunMemory::restore_digested() {
  const OutsideRunMemory outside;
  for (const std::uint32_t i : changed_)
    std::memcpy(base_ + std::size_t{hot_[i].line} * kLineBytes, hot_[i].kept, kLineBytes);
  restore_others();
  reset_books();
}

bool RunMemory::is_as_kept() const {
  if (!has_kept_ || heap_used_ != kept_heap_used_ || mapped_ != kept_mapped_ ||
      !held_back_.empty() || free_ != kept_free_ || digest_of_constants() != kept_constants_)
    return false;
  const auto is_page = [this](std::size_t at, const std::byte* kept) {
    return std::memcmp(base_ + at, kept, kPageBytes) == 0;
  };
  // Pages of the heap nobody asked for, and of mappings nobody wrote, were zero and must be so.
  for (std::size_t at = 0; at < heap_used_; at += kPageBytes) {
    const std::size_t page = at / kPageBytes;
    if ((marked_[page / 64] >> page % 64 & 1) == 0 && !is_page(at, kZeroPage.data())) return false;
  }
  for (std::size_t at = kHeapBytes; at < mapped_; at += kPageBytes)
    if (!is_page(at, kept_of(static_cast<std::uint32_t>((at - kHeapBytes) / kPageBytes))))
      return false;
  return std::ranges::all_of(
      pages_, [&](const Page& page) { return is_page(page.number * kPageBytes, page.kept); });
}

}  // namespace pagebox::inline PAGEBOX_ENV
