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
    {kPinFromZero, "programs refcount-bias", 60000},
    {kOwnCounterStoredBack, "programs own-counter", 60000},
    {kMapcountPinsOnce, "programs mapcount-overlay", 60000},
    {kTailStoredBack, "programs folio-pincount", 60000},
    {kLinkForCount, "programs flag-and-word", 60000},
    {kFlagLockGap, "programs flag-and-word", 60000},
    {kFlagLastUnchecked, "programs flag-and-word", 60000},
    {kPackedFirstUnchecked, "programs packed-64", 60000},
    {kPackedFlagAssumed, "programs packed-64", 60000},
    {kPackedLastUnlocked, "programs packed-64", 60000},
    {kListLastUnlocked, "programs lru-overlay", 60000},
    {kListPutbackPinned, "programs lru-overlay", 60000},
    {kSideTableStoredBack, "programs side-table", 60000},
    {kShardedPinsFirst, "programs sharded", 60000},
    {kNarrowNeighbours, "pages narrow", 2000},
    {kSaturatedCountsDown, "programs saturating", 60000},
    {kFreezeLooksFirst, "programs refcount-bias", 60000},
    {kGetFromZero, "file cache", 6000},
    {kFlagsStoredBack, "mm", 2000},
    {kLruLengthKept, "mm", 100},
    {kSplitTailsUnlisted, "huge pages", 0},
    {kFreshMapcountZero, "mm", 2000},
    {kFreedFlagsKept, "mm", 2000},
    {kFreeUnlocked, "mm", 2000},
    {kAnonFaultUnchecked, "faults", 4000},
    {kSwapFaultUnchecked, "faults", 4000},
    {kCowUnchecked, "mm", 2000},
    {kFileFaultUnchecked, "mm", 2000},
    {kFaultAroundKeeps, "mm", 2000},
    {kForkNoReference, "file forks", 4000},
    {kForkSwapUncounted, "mm", 2000},
    {kForkKeepsMigrationWrite, "mm", 2000},
    {kForkKeepsExclusive, "mm", 2000},
    {kForkUnlisted, "mm", 2000},
    {kZapKeepsReference, "device faults", 4000},
    {kMigrateUnfrozen, "file cache", 6000},
    {kMigrateCacheReference, "mm", 2000},
    {kMigrateLeavesEntries, "mm", 2000},
    {kSwapClaimUnchecked, "swap", 6000},
    {kReclaimUnfrozen, "swap", 6000},
    {kBatchUnlocked, "mm", 2000},
    {kMunlockKeepsList, "mlock", 2000},
    {kBackedOffPinKept, "mm", 2000},
    {kGrabbedPageKept, "mm", 2000},
    {kFastGupOneLook, "dax", 0},
    {kTableUnchecked, "mm", 2000},
    {kLostTableKept, "mm", 2000},
    {kPmdSplitReferences, "huge pages", 0},
    {kWritebackKeepsPage, "mm", 2000},
    {kCollectKeepsMapping, "touch", 2000},
    {kInsertUnchecked, "device faults", 4000},
    {kDestinationKept, "touch", 2000},
    {kDeviceFaultUnchecked, "device faults", 4000},
    {kPagemapReferenceKept, "touch", 2000},
    {kExclusiveKeepsMapping, "touch", 2000},
    {kExclusiveUnchecked, "exclusive", 4000},
    {kMirrorNoRetry, "mirror", 6000},
    {kMirrorNoWait, "mirror", 6000},
    {kDaxLooksFirst, "dax", 0},
    {kDaxOtherEra, "dax", 0},
    {kBlindRefcount, "mm", 200, kMigrateCacheReference, Invariant::kRefcountAccounted},
    {kBlindPincount, "pages narrow", 200, kNarrowNeighbours, Invariant::kPincountExact},
    {kBlindLruLists, "mm", 200, kLruLengthKept, Invariant::kLruLinked},
    {kBlindSwap, "mm", 200, kForkSwapUncounted, Invariant::kSwapCounted},
    {kBlindExclusive, "mm", 200, kForkKeepsExclusive, Invariant::kExclusiveOnce},
    {kBlindMigration, "mm", 200, kMigrateLeavesEntries, Invariant::kMigrationFinished},
    {kBlindMirror, "mirror", 2000, kMirrorNoRetry, Invariant::kMirrorInStep},
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
