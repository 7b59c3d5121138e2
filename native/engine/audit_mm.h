// The audit of address spaces: recomputes from page tables, page caches, swap,
// batches and pins handed out what counts and links must be. Reads and never
// repairs; with nothing running.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class MmInvariant : std::uint8_t {
  kRefcountAccounted,
  kMapcountAccounted,
  kPinsBalanced,
  kRmapComplete,
  kSwapCounted,
  kCacheLinked,
  kLruMembership,
  kExclusiveOnce,
  kVmasOrdered,
  kHugeCountsAgree,
  kDepositForEachLeaf,
  kDeferredLinked,
};
inline constexpr unsigned kMmInvariants = 12;
inline constexpr std::array<std::string_view, kMmInvariants> kMmInvariantNames = {
    "refcount-accounted", "mapcount-accounted", "pins-balanced",         "rmap-complete",
    "swap-counted",       "cache-linked",       "lru-membership",        "exclusive-once",
    "vmas-ordered",       "huge-counts-agree",  "deposit-for-each-leaf", "deferred-linked"};

struct MmAuditRow {
  MmInvariant invariant = MmInvariant::kRefcountAccounted;
  std::uint64_t where = 0;  // pfn, swap slot or address
  std::uint64_t expected = 0, found = 0;
  std::string explanation;  // who accounts for what was expected
};

/// A reference that somebody outside the address spaces holds.
struct HeldReference {
  Pfn pfn;
  bool pinned = false;  // FOLL_PIN, or a plain reference
};

/// Everything that is alive: whatever is not named here is unaccounted.
struct MmAuditInput {
  std::span<Mm* const> mms;
  std::span<const HeldReference> held;
};

std::vector<MmAuditRow> audit_mm(Machine& machine, const MmAuditInput& input);

}  // namespace pagebox::inline PAGEBOX_ENV
