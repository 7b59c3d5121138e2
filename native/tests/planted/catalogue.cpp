#include "tests/planted/catalogue.h"

#include <algorithm>
#include <array>

namespace pagebox::testing {
namespace {

struct Name {
  std::string_view name, room, what;
};
constexpr auto kNames = std::to_array<Name>({
#define PAGEBOX_MISTAKE_ROW(id, name, room, what) {name, room, what},
    PAGEBOX_MISTAKES(PAGEBOX_MISTAKE_ROW)
#undef PAGEBOX_MISTAKE_ROW
});

using enum Mistake;

// Budgets are some four times what was needed: seeds are fixed, but the core changes.
constexpr auto kCatalogue = std::to_array<Entry>({
    {kPinFromZero, "programs refcount-bias", 2000},
    {kOwnCounterStoredBack, "programs own-counter", 2000},
    {kMapcountPinsOnce, "programs mapcount-overlay", 2000},
    {kTailStoredBack, "programs folio-pincount", 2000},
    {kFlagBeforeWord, "programs flag-and-word", 2000},
    {kFlagLockGap, "programs flag-and-word", 2000},
    {kFlagLastUnchecked, "programs flag-and-word", 2000},
    {kPackedFirstUnchecked, "programs packed-64", 2000},
    {kPackedFlagAssumed, "programs packed-64", 2000},
    {kPackedLastUnlocked, "programs packed-64", 2000},
    {kListLastUnlocked, "programs lru-overlay", 2000},
    {kListPutbackPinned, "programs lru-overlay", 2000},
    {kSideTableStoredBack, "programs side-table", 2000},
    {kShardedPinsFirst, "programs sharded", 2000},
    {kNarrowNeighbours, "pages narrow", 2000},
    {kSaturatedCountsDown, "programs saturating", 2000},
    {kFreezeLooksFirst, "programs refcount-bias", 2000},
    {kGetFromZero, "mm", 2000},
    {kFlagsStoredBack, "mm", 2000},
    {kLruLengthKept, "mm", 2000},
    {kSplitTailsUnlisted, "huge pages", 0},
    {kFreshMapcountZero, "mm", 2000},
    {kFreedFlagsKept, "mm", 2000},
    {kAllocatorLockGap, "mm", 2000},
    {kAnonFaultUnchecked, "mm", 2000},
    {kSwapFaultUnchecked, "mm", 2000},
    {kCowUnchecked, "mm", 2000},
    {kFileFaultUnchecked, "mm", 2000},
    {kFaultAroundKeeps, "mm", 2000},
    {kForkNoReference, "mm", 2000},
    {kForkSwapUncounted, "mm", 2000},
    {kForkKeepsMigrationWrite, "mm", 2000},
    {kForkKeepsExclusive, "mm", 2000},
    {kForkUnlisted, "mm", 2000},
    {kZapKeepsReference, "mm", 2000},
    {kMigrateUncounted, "mm", 2000},
    {kMigrateCacheReference, "mm", 2000},
    {kMigrateLeavesEntries, "mm", 2000},
    {kSwapClaimUnchecked, "mm", 2000},
    {kReclaimUnfrozen, "mm", 2000},
    {kBatchUnlocked, "mm", 2000},
    {kMunlockKeepsList, "mm", 2000},
    {kBackedOffPinKept, "mm", 2000},
    {kGrabbedPageKept, "mm", 2000},
    {kFastGupOneLook, "dax", 0},
    {kTableUnchecked, "mm", 2000},
    {kLostTableKept, "mm", 2000},
    {kPmdSplitReferences, "huge pages", 0},
    {kWritebackKeepsPage, "mm", 2000},
    {kCollectStaysLocked, "touch", 2000},
    {kCollectKeepsMapping, "touch", 2000},
    {kInsertUnchecked, "touch", 2000},
    {kDestinationKept, "touch", 2000},
    {kDeviceFaultUnchecked, "touch", 2000},
    {kPagemapReferenceKept, "touch", 2000},
    {kExclusiveKeepsMapping, "touch", 2000},
    {kExclusiveUnchecked, "touch", 2000},
    {kMirrorNoRetry, "touch", 2000},
    {kMirrorNoWait, "touch", 2000},
    {kDaxLooksFirst, "dax", 0},
    {kDaxKeepsOwner, "dax", 0},
    {kBlindRefcount, "mm", 2000, kCowUnchecked, Invariant::kRefcountAccounted},
    {kBlindPincount, "programs side-table", 2000, kSideTableStoredBack, Invariant::kPincountExact},
    {kBlindLruLists, "mm", 2000, kMunlockKeepsList, Invariant::kLruLinked},
    {kBlindSwap, "mm", 2000, kForkSwapUncounted, Invariant::kSwapCounted},
    {kBlindExclusive, "mm", 2000, kForkKeepsExclusive, Invariant::kExclusiveOnce},
    {kBlindMigration, "mm", 2000, kMigrateLeavesEntries, Invariant::kMigrationFinished},
    {kBlindMirror, "touch", 2000, kMirrorNoRetry, Invariant::kMirrorInStep},
});

static_assert(
    [] {
      for (unsigned i = 0; i < kNames.size(); ++i)
        if (std::ranges::count(kCatalogue, static_cast<Mistake>(i), &Entry::fault) != 1)
          return false;
      return kCatalogue.size() == kNames.size();
    }(),
    "each fault is in the catalogue once");

}  // namespace

std::span<const Entry> catalogue() { return kCatalogue; }

const Entry* entry_named(std::string_view name) {
  const auto at = std::ranges::find_if(
      kCatalogue, [&](const Entry& entry) { return name_of(entry.fault) == name; });
  return at == kCatalogue.end() ? nullptr : &*at;
}

std::string_view name_of(Mistake mistake) { return kNames[static_cast<unsigned>(mistake)].name; }
std::string_view room_of(Mistake mistake) { return kNames[static_cast<unsigned>(mistake)].room; }

}  // namespace pagebox::testing
