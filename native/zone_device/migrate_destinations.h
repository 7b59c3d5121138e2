// The driver's part of a migration: where the pages go.
#pragma once

#include <algorithm>
#include <span>

#include "base/uninit_array.h"
#include "mm/folio_state.h"
#include "mm/swap/release.h"
#include "zone_device/migrate_device.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Gives each page of `src` that moves(word) a place in `dst`, while there are any, in
/// order. `alloc` fills a span with locked pages and says how many it had.
template <class Moves, class Alloc>
void give_destinations(std::span<const MigratePfn> src, std::span<MigratePfn> dst, Moves&& moves,
                       Alloc&& alloc) {
  constexpr std::size_t kRun = 64;
  UninitArray<Pfn, kRun> pages;
  for (std::size_t at = 0; at < src.size(); at += kRun) {
    const std::size_t end = std::min(src.size(), at + kRun);
    std::size_t wanted = 0, given = 0;
    for (std::size_t i = at; i < end; ++i) wanted += moves(src[i]) ? 1 : 0;
    if (wanted == 0) continue;
    const std::size_t had = alloc(pages.first(wanted));
    for (std::size_t i = at; i < end && given < had; ++i)
      if (moves(src[i])) dst[i] = MigratePfn::of(pages[given++]);
    if (had < wanted) return;
  }
}

/// Pages whose contents cannot be read give their places back, and stay where they are. How
/// many; a migration that nobody asks to fail does not look at its pages for this.
inline std::uint64_t drop_failed_copies(Cpu& cpu, std::span<const MigratePfn> src,
                                        std::span<MigratePfn> dst) {
  std::uint64_t failed = 0;
  if (cpu.control == nullptr) return failed;
  for (std::size_t i = 0; i < src.size(); ++i) {
    if (!dst[i].valid() || !src[i].valid() || !cpu.fails(FailSite::kCopy)) continue;
    const Page page = cpu.machine.page(dst[i].pfn());
    folio_unlock(page);
    folio_put(cpu, page);
    dst[i] = {};
    ++failed;
  }
  return failed;
}

/// The contents of what has a place go there. In a row: a locked instruction between two pages
/// would wait for the first.
inline void copy_to_destinations(const Machine& machine, std::span<const MigratePfn> src,
                                 std::span<const MigratePfn> dst) {
  UninitArray<FrameCopy, 512> copies;
  std::size_t count = 0;
  for (std::size_t i = 0; i < src.size(); ++i) {
    if (!dst[i].valid()) continue;
    if (!src[i].valid()) {
      machine.frames.clear(dst[i].pfn());
      continue;
    }
    copies[count++] = {dst[i].pfn(), src[i].pfn()};
    if (count < copies.size()) continue;
    machine.frames.copy_each(copies.first(count));
    count = 0;
  }
  machine.frames.copy_each(copies.first(count));
}

}  // namespace pagebox::inline PAGEBOX_ENV
