// /proc/pid/pagemap, /proc/kpagecount and /proc/kpageflags for a range.
#pragma once

#include <cstdint>
#include <span>

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class PagemapState : std::uint8_t {
  kNone,
  kPresent,
  kSwap,
  kDevicePrivateWrite,
  kDevicePrivateRead,
  kDeviceExclusiveWrite,
  kDeviceExclusiveRead,
  kMigration,
  kHwpoison,
  kMarker,
};

/// Bits of `flags`, in the order of the recordings' kpageflags names.
enum KpageFlag : std::uint32_t {
  kKpfLocked,
  kKpfReferenced,
  kKpfUptodate,
  kKpfDirty,
  kKpfLru,
  kKpfActive,
  kKpfWriteback,
  kKpfReclaim,
  kKpfMmap,
  kKpfAnon,
  kKpfSwapcache,
  kKpfSwapbacked,
  kKpfCompoundHead,
  kKpfCompoundTail,
  kKpfHuge,
  kKpfUnevictable,
  kKpfThp,
  kKpfMlocked,
  kKpfAnonExclusive,
  kKpfPrivate,
  kKpfOwner2,
  kKpfZeroPage,
  kKpfNopage,
};

struct PagemapEntry {
  PagemapState state = PagemapState::kNone;
  bool soft_dirty = false;
  bool exclusive = false;  // mapped exactly once
  bool file = false;
  bool uffd_wp = false;
  bool has_mapcount = false;  // not for zero and device pages
  std::uint32_t mapcount = 0;
  bool has_flags = false;
  std::uint32_t flags = 0;  // 1 << KpageFlag
  Pfn pfn;
};

/// Drains this Cpu's batches first, so that LRU flags are settled.
void read_pagemap(Cpu& cpu, Mm& mm, std::uint64_t start, std::span<PagemapEntry> out);

}  // namespace pagebox::inline PAGEBOX_ENV
