// The driver's part of a migration: where the pages go.
#pragma once

#include <algorithm>
#include <span>

#include "base/uninit_array.h"
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

}  // namespace pagebox::inline PAGEBOX_ENV
