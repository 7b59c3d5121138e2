// /proc/pid/pagemap, /proc/kpagecount and /proc/kpageflags for a range.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

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
/// As the recordings spell them.
inline constexpr std::array<std::string_view, 10> kPagemapStateNames = {"none",
                                                                        "present",
                                                                        "swap",
                                                                        "dev_private_w",
                                                                        "dev_private_r",
                                                                        "dev_exclusive_w",
                                                                        "dev_exclusive_r",
                                                                        "migration",
                                                                        "hwpoison",
                                                                        "marker"};
static_assert(static_cast<unsigned>(PagemapState::kMarker) == kPagemapStateNames.size() - 1);

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
inline constexpr std::array<std::string_view, 23> kKpageFlagNames = {
    "LOCKED",         "REFERENCED",    "UPTODATE", "DIRTY",       "LRU",       "ACTIVE",
    "WRITEBACK",      "RECLAIM",       "MMAP",     "ANON",        "SWAPCACHE", "SWAPBACKED",
    "COMPOUND_HEAD",  "COMPOUND_TAIL", "HUGE",     "UNEVICTABLE", "THP",       "MLOCKED",
    "ANON_EXCLUSIVE", "PRIVATE",       "OWNER_2",  "ZERO_PAGE",   "NOPAGE"};
static_assert(kKpfNopage == kKpageFlagNames.size() - 1);

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
  bool has_descriptor = true;  // else memory that is only numbers (FS_DAX_LIMITED)
};

/// Drains this Cpu's batches first, so that LRU flags are settled.
void read_pagemap(Cpu& cpu, Mm& mm, std::uint64_t start, std::span<PagemapEntry> out);

}  // namespace pagebox::inline PAGEBOX_ENV
