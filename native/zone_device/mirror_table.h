// A device's page table for one process: page -> (frame, access).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <memory>

#include "base/plain.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class MirrorAccess : std::uint8_t { kRead, kWrite, kAtomic };

struct MirrorEntry {
  Pfn pfn;
  MirrorAccess access = MirrorAccess::kRead;
};

/// Chunks of neighbouring entries, found by the number of the chunk; the one that was
/// used last is tried first: to look for one is to write, too. Callers hold the mirror's
/// lock.
class MirrorTable {
 public:
  /// Null: no entry.
  const MirrorEntry* find(std::uint64_t address) const {
    const std::uint64_t page = address / kPageBytes;
    const Chunk* chunk = chunk_at(page / kEntries);
    return chunk != nullptr && (chunk->present & bit(page)) != 0 ? &chunk->entries[page % kEntries]
                                                                 : nullptr;
  }
  /// How many of the pages from `address` on have an entry before the first that has none; at most
  /// `pages`.
  std::uint64_t run_from(std::uint64_t address, std::uint64_t pages) const {
    const std::uint64_t first = address / kPageBytes, end = first + pages;
    for (std::uint64_t page = first; page < end;) {
      const Chunk* chunk = chunk_at(page / kEntries);
      const std::uint64_t present = chunk == nullptr ? 0 : chunk->present >> page % kEntries;
      const std::uint64_t run = static_cast<std::uint64_t>(std::countr_one(present));
      page += run;
      // Short of the chunk's end: the next one has no entry.
      if (page % kEntries != 0 || run == 0) return std::min(page, end) - first;
    }
    return pages;
  }
  void set(std::uint64_t address, MirrorEntry entry) {
    const std::uint64_t page = address / kPageBytes;
    Chunk* chunk = chunk_at(page / kEntries);
    if (chunk == nullptr) {
      chunk = (chunks_[page / kEntries] = std::make_unique<Chunk>()).get();
      last_ = page / kEntries;
      last_chunk_ = chunk;
    }
    chunk->entries[page % kEntries] = entry;
    chunk->present |= bit(page);
  }
  void erase(std::uint64_t address) {
    const std::uint64_t page = address / kPageBytes;
    Chunk* chunk = chunk_at(page / kEntries);
    if (chunk == nullptr) return;
    chunk->present &= ~bit(page);
    if (chunk->present == 0) remove(chunks_.find(page / kEntries));
  }
  /// [start, end) and the page at `end`: the kernel's test driver takes the end of a
  /// range for its last page, and recordings show it.
  void erase_range(std::uint64_t start, std::uint64_t end) {
    mark_.write();
    const std::uint64_t first = start / kPageBytes, last = end / kPageBytes;
    for (auto at = chunks_.lower_bound(first / kEntries);
         at != chunks_.end() && at->first <= last / kEntries;) {
      const std::uint64_t base = at->first * kEntries;
      const std::uint64_t from = std::max(first, base) - base;
      const std::uint64_t to = std::min(last - base, kEntries - 1);
      at->second->present &= ~(~std::uint64_t{0} >> (kEntries - 1 - (to - from)) << from);
      at = at->second->present == 0 ? remove(at) : std::next(at);
    }
  }
  void clear() {
    mark_.write();
    chunks_.clear();
    last_chunk_ = nullptr;
  }
  /// Calls fn(address, entry) for each, ascending.
  template <class Fn>
  void for_each(Fn&& fn) const {
    mark_.read();
    for (const auto& [number, chunk] : chunks_)
      for (std::uint64_t i = 0; i < kEntries; ++i)
        if ((chunk->present & bit(i)) != 0)
          fn((number * kEntries + i) * kPageBytes, chunk->entries[i]);
  }
  std::uint64_t size() const {
    mark_.read();
    std::uint64_t entries = 0;
    for (const auto& [number, chunk] : chunks_)
      entries += static_cast<std::uint64_t>(std::popcount(chunk->present));
    return entries;
  }

 private:
  static constexpr std::uint64_t kEntries = 64;
  struct Chunk {
    std::uint64_t present = 0;
    std::array<MirrorEntry, kEntries> entries;
  };
  using Chunks = std::map<std::uint64_t, std::unique_ptr<Chunk>>;

  static std::uint64_t bit(std::uint64_t page) { return std::uint64_t{1} << page % kEntries; }
  Chunk* chunk_at(std::uint64_t number) const {
    mark_.write();
    if (last_chunk_ != nullptr && last_ == number) return last_chunk_;
    const auto at = chunks_.find(number);
    if (at == chunks_.end()) return nullptr;
    last_ = number;
    last_chunk_ = at->second.get();
    return last_chunk_;
  }
  Chunks::iterator remove(Chunks::iterator at) {
    if (at->second.get() == last_chunk_) last_chunk_ = nullptr;
    return chunks_.erase(at);
  }

  [[no_unique_address]] mutable PlainMark mark_;  // of all that follows
  Chunks chunks_;                                 // by page number / kEntries; none is empty
  mutable std::uint64_t last_ = 0;
  mutable Chunk* last_chunk_ = nullptr;
};

}  // namespace pagebox::inline PAGEBOX_ENV
