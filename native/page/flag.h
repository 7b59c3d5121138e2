// Page flags by the kernel's names. Which bit a flag has is the layout's matter
// (v4.20 and v6.12 number them differently); a flag may not exist in one.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class Flag : std::uint8_t {
  kLocked,
  kWriteback,
  kReferenced,
  kUptodate,
  kDirty,
  kLru,
  kHead,
  kWaiters,
  kActive,
  kWorkingset,
  kError,
  kSlab,
  kOwnerPriv1,
  kOwner2,
  kArch1,
  kReserved,
  kPrivate,
  kPrivate2,
  kMappedToDisk,
  kReclaim,
  kSwapBacked,
  kUnevictable,
  kMlocked,
  kUncached,
  kHwpoison,
  kYoung,
  kIdle,
  kArch2,
};
inline constexpr unsigned kFlags = 28;

/// PG_swapcache is PG_owner_priv_1 on anonymous pages.
inline constexpr Flag kFlagSwapCache = Flag::kOwnerPriv1;
/// PG_anon_exclusive: the bit of another flag, on anonymous pages; which one the layout says
/// (mappedtodisk since v5.19, owner_2 in v6.12). Behind all that have names.
inline constexpr Flag kFlagAnonExclusive = static_cast<Flag>(kFlags);

inline constexpr std::array<std::string_view, kFlags> kFlagNames = {
    "locked",       "writeback", "referenced", "uptodate",    "dirty",   "lru",
    "head",         "waiters",   "active",     "workingset",  "error",   "slab",
    "owner_priv_1", "owner_2",   "arch_1",     "reserved",    "private", "private_2",
    "mappedtodisk", "reclaim",   "swapbacked", "unevictable", "mlocked", "uncached",
    "hwpoison",     "young",     "idle",       "arch_2"};

}  // namespace pagebox::inline PAGEBOX_ENV
