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
    {kPinFromZero, "programs refcount-bias", 4000},
    {kOwnCounterStoredBack, "programs own-counter", 6000},
    {kMapcountPinsOnce, "programs mapcount-overlay", 8000},
    {kTailStoredBack, "programs folio-pincount", 12000},
    {kLinkForCount, "programs flag-and-word", 60000},
    {kFlagLockGap, "programs flag-and-word", 6400},
    {kFlagLastUnchecked, "programs flag-and-word", 60000},
    {kPackedFirstUnchecked, "programs packed-64", 12000},
    {kPackedFlagAssumed, "isolated page", 50},
    {kPackedLastUnlocked, "programs packed-64", 4000},
    {kListLastUnlocked, "programs lru-overlay", 4000},
    {kListPutbackPinned, "programs lru-overlay", 12000},
    {kSideTableStoredBack, "programs side-table", 6000},
    {kShardedPinsFirst, "programs sharded", 6000},
    {kNarrowNeighbours, "pages narrow", 100},
    {kSaturatedCountsDown, "programs saturating", 6000},
    {kFreezeLooksFirst, "programs refcount-bias", 2008},
    {kGetFromZero, "file cache", 250},
    {kFlagsStoredBack, "mm", 500},
    {kLruLengthKept, "mm", 50},
    {kSplitTailsUnlisted, "huge pages", 0},
    {kFreshMapcountZero, "mm", 50},
    {kFreedFlagsKept, "file cache", 50},
    {kFreeUnlocked, "mm", 50},
    {kAnonFaultUnchecked, "faults", 50},
    {kSwapFaultUnchecked, "faults", 100},
    {kCowUnchecked, "mm", 100},
    {kFileFaultUnchecked, "touch", 100},
    {kFaultAroundKeeps, "touch", 100},
    {kFaultLetsGo, "unmapped fault", 200},
    {kForkNoReference, "mm", 3000},
    {kForkSwapUncounted, "mm", 200},
    {kForkKeepsMigrationWrite, "mm", 8000},
    {kForkKeepsExclusive, "mm", 50},
    {kForkUnlisted, "mm", 50},
    {kZapKeepsReference, "device faults", 50},
    {kMigrateUnfrozen, "file cache", 2000},
    {kMigrateCacheReference, "mm", 50},
    {kMovedStaysLocked, "mm", 50},
    {kMigrateLeavesEntries, "mm", 50},
    {kSwapClaimUnchecked, "faults", 100},
    {kReclaimUnfrozen, "swap", 8000},
    {kBatchUnlocked, "mm", 50},
    {kMunlockKeepsList, "mlock", 50},
    {kBackedOffPinKept, "mm", 2000},
    {kGrabbedPageKept, "mm", 50},
    {kFastGupOneLook, "dax", 0},
    {kTableUnchecked, "mm", 500},
    {kLostTableKept, "mm", 500},
    {kPmdSplitReferences, "huge pages", 0},
    {kCollapseHeld, "pinned collapse", 10},
    {kWritebackKeepsPage, "mm", 200},
    {kCollectKeepsMapping, "touch", 50},
    {kInsertUnchecked, "device faults", 50},
    {kDestinationKept, "touch", 2000},
    {kDeviceFaultUnchecked, "two device faults", 250},
    {kPagemapReferenceKept, "touch", 500},
    {kExclusiveKeepsMapping, "touch", 50},
    {kExclusiveUnchecked, "exclusive", 50},
    {kMirrorNoRetry, "mirror", 300},
    {kMirrorNoWait, "mirror", 400},
    {kListenUnlocked, "opened device", 5000},
    {kToldUnlocked, "closed device", 200},
    {kDaxLooksFirst, "dax", 0},
    {kDaxOtherEra, "dax", 0},
    {kBlindRefcount, "mm", 50, kMigrateCacheReference, Invariant::kRefcountAccounted},
    {kBlindPincount, "pages narrow", 100, kNarrowNeighbours, Invariant::kPincountExact},
    {kBlindLruLists, "mm", 50, kLruLengthKept, Invariant::kLruLinked},
    {kBlindSwap, "mm", 200, kForkSwapUncounted, Invariant::kSwapCounted},
    {kBlindExclusive, "mm", 50, kForkKeepsExclusive, Invariant::kExclusiveOnce},
    {kBlindMigration, "mm", 50, kMigrateLeavesEntries, Invariant::kMigrationFinished},
    {kBlindLocked, "mm", 50, kMovedStaysLocked, Invariant::kUnlockedAtRest},
    {kBlindMirror, "mirror", 300, kMirrorNoRetry, Invariant::kMirrorInStep},
});

static_assert(
    [] {
      for (unsigned i = 0; i < kNames.size(); ++i)
        if (std::ranges::count(kCatalogue, static_cast<Mistake>(i), &Entry::fault) != 1)
          return false;
      return true;
    }(),
    "each fault is found");

}  // namespace

std::span<const Entry> catalogue() { return kCatalogue; }

std::optional<Mistake> fault_named(std::string_view name) {
  const auto* const at = std::ranges::find(kNames, name, &Name::name);
  if (at == kNames.end()) return std::nullopt;
  return static_cast<Mistake>(at - kNames.begin());
}

std::string_view name_of(Mistake mistake) { return kNames[static_cast<unsigned>(mistake)].name; }
std::string_view room_of(Mistake mistake) { return kNames[static_cast<unsigned>(mistake)].room; }

}  // namespace pagebox::testing
