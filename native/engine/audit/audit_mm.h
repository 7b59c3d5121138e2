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
  kHugetlbCounted,
  kWordsKept,
};
inline constexpr unsigned kMmInvariants = 14;
inline constexpr std::array<std::string_view, kMmInvariants> kMmInvariantNames = {
    "refcount-accounted", "mapcount-accounted", "pins-balanced",         "rmap-complete",
    "swap-counted",       "cache-linked",       "lru-membership",        "exclusive-once",
    "vmas-ordered",       "huge-counts-agree",  "deposit-for-each-leaf", "deferred-linked",
    "hugetlb-counted",    "words-kept"};

enum class MmPlace : std::uint8_t { kPfn, kSlot, kAddress, kNowhere };

struct MmAuditRow {
  MmInvariant invariant = MmInvariant::kRefcountAccounted;
  std::uint64_t where = 0;  // pfn, swap slot or address, as `place` says
  std::uint64_t expected = 0, found = 0;
  std::string explanation;  // who accounts for what was expected
  MmPlace place = MmPlace::kPfn;
  std::string_view word;  // of the descriptor, where the invariant alone does not say it
};

/// References that somebody outside the address spaces holds.
struct HeldReference {
  Pfn pfn;
  bool pinned = false;    // FOLL_PIN, or a plain reference
  bool by_pfn = false;    // taken of the page itself: GUP's statistics know nothing of it
  bool isolated = false;  // one that keeps the page off its LRU
  std::uint32_t count = 1;
};

/// Everything that is alive: whatever is not named here is unaccounted.
struct MmAuditInput {
  std::span<Mm* const> mms;
  std::span<const HeldReference> held;
  /// Heads that are none of the machine's, though in its memmap. Null: there are none.
  bool (*is_foreign)(const void* context, Pfn pfn) = nullptr;
  const void* context = nullptr;
  /// Somebody may hold references and pins that nobody wrote down: more than is
  /// accounted for is taken for them.
  bool held_is_partial = false;
};

std::vector<MmAuditRow> audit_mm(Machine& machine, const MmAuditInput& input);

}  // namespace pagebox::inline PAGEBOX_ENV
