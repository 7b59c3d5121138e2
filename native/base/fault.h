// Planted faults: mistakes that a good engineer makes, one line each at its place in the core,
// behind `planted(Mistake::k…)`. In what ships the predicate is false while it is compiled: no
// code, no symbol, no string. The tests' third build (PAGEBOX_PLANTED, with PAGEBOX_MODEL) can
// arm them, and the suite must find each within its budget (tests/planted/).
#pragma once

#include <cstdint>

#include "base/env.h"

// identifier, name, room, what is wrong.
#define PAGEBOX_MISTAKES(MISTAKE)                                                                  \
  MISTAKE(kPinFromZero, "pin-from-zero", "pins",                                                   \
          "a speculative pin takes a page without references")                                     \
  MISTAKE(kOwnCounterStoredBack, "own-counter-stored-back", "pins",                                \
          "the counter is read, then stored")                                                      \
  MISTAKE(kMapcountPinsOnce, "mapcount-pins-once", "pins",                                         \
          "a page that is pinned is not counted again")                                            \
  MISTAKE(kTailStoredBack, "tail-stored-back", "pins", "the tail's count is read, then stored")    \
  MISTAKE(kLinkForCount, "link-for-count", "pins",                                                 \
          "a link is taken for a count, since the flag is set later")                              \
  MISTAKE(kFlagLockGap, "flag-lock-gap", "pins",                                                   \
          "the LRU lock is dropped between look and first pin")                                    \
  MISTAKE(kFlagLastUnchecked, "flag-last-unchecked", "pins",                                       \
          "the last unpin trusts what it saw without the lock")                                    \
  MISTAKE(kPackedFirstUnchecked, "packed-first-unchecked", "pins",                                 \
          "the first pin does not look again under the lock")                                      \
  MISTAKE(kPackedFlagAssumed, "packed-flag-assumed", "pins",                                       \
          "a pin under the lock assumes that the flag stays")                                      \
  MISTAKE(kPackedLastUnlocked, "packed-last-unlocked", "pins",                                     \
          "the last unpin of a listed page takes no lock")                                         \
  MISTAKE(kListLastUnlocked, "list-last-unlocked", "pins",                                         \
          "the last unpin counts down without the lock")                                           \
  MISTAKE(kListPutbackPinned, "list-putback-pinned", "pins",                                       \
          "an isolated page is linked over its pins")                                              \
  MISTAKE(kSideTableStoredBack, "side-table-stored-back", "pins",                                  \
          "the entry is read, then stored")                                                        \
  MISTAKE(kShardedPinsFirst, "sharded-pins-first", "pins", "pins are summed before unpins")        \
  MISTAKE(kNarrowNeighbours, "narrow-neighbours", "pins",                                          \
          "a count is stored with its neighbours in the word")                                     \
  MISTAKE(kSaturatedCountsDown, "saturated-counts-down", "pins",                                   \
          "a count that is full counts down again")                                                \
  MISTAKE(kFreezeLooksFirst, "freeze-looks-first", "page", "a count is compared, then stored")     \
  MISTAKE(kGetFromZero, "get-from-zero", "page", "a reference is taken where there is none")       \
  MISTAKE(kFlagsStoredBack, "flags-stored-back", "page",                                           \
          "a flag is set by reading and storing the word")                                         \
  MISTAKE(kLruLengthKept, "lru-length-kept", "page", "a page leaves a list whose length stays")    \
  MISTAKE(kSplitTailsUnlisted, "split-tails-unlisted", "page",                                     \
          "the tails of a split folio are on no list")                                             \
  MISTAKE(kFreshMapcountZero, "fresh-mapcount-zero", "page",                                       \
          "a new descriptor says that it is mapped")                                               \
  MISTAKE(kFreedFlagsKept, "freed-flags-kept", "page", "a freed page keeps its flags")             \
  MISTAKE(kFreeUnlocked, "free-unlocked", "page",                                                  \
          "a block is freed without the lock of the allocator")                                    \
  MISTAKE(kAnonFaultUnchecked, "anon-fault-unchecked", "mm",                                       \
          "a fault does not look at the entry again")                                              \
  MISTAKE(kSwapFaultUnchecked, "swap-fault-unchecked", "mm",                                       \
          "a swap-in does not look at the entry again")                                            \
  MISTAKE(kCowUnchecked, "cow-unchecked", "mm",                                                    \
          "a copy on write does not look at the entry again")                                      \
  MISTAKE(kFileFaultUnchecked, "file-fault-unchecked", "mm",                                       \
          "a file's fault does not look at the entry again")                                       \
  MISTAKE(kFaultAroundKeeps, "fault-around-keeps", "mm",                                           \
          "a page that fault-around skips keeps a reference")                                      \
  MISTAKE(kFaultLetsGo, "fault-lets-go", "mm",                                                     \
          "a fault lets go of mmap_lock and goes on with the mapping it had found")                \
  MISTAKE(kForkNoReference, "fork-no-reference", "mm",                                             \
          "the child's entry of a file has no reference")                                          \
  MISTAKE(kForkSwapUncounted, "fork-swap-uncounted", "mm",                                         \
          "the child's swap entry is not counted")                                                 \
  MISTAKE(kForkKeepsMigrationWrite, "fork-keeps-migration-write", "mm",                            \
          "both keep a writable migration entry")                                                  \
  MISTAKE(kForkKeepsExclusive, "fork-keeps-exclusive", "mm",                                       \
          "a page that is shared stays exclusive")                                                 \
  MISTAKE(kForkUnlisted, "fork-unlisted", "mm", "the file does not hear of the child's mapping")   \
  MISTAKE(kZapKeepsReference, "zap-keeps-reference", "mm",                                         \
          "a device's entry is dropped, its reference kept")                                       \
  MISTAKE(kMigrateUnfrozen, "migrate-unfrozen", "mm",                                              \
          "migration looks at the count and does not freeze it")                                   \
  MISTAKE(kMigrateCacheReference, "migrate-cache-reference", "mm",                                 \
          "the old page keeps the cache's reference")                                              \
  MISTAKE(kMigrateLeavesEntries, "migrate-leaves-entries", "mm",                                   \
          "what did not move keeps migration entries")                                             \
  MISTAKE(kSwapClaimUnchecked, "swap-claim-unchecked", "mm", "two may read the same slot at once") \
  MISTAKE(kReclaimUnfrozen, "reclaim-unfrozen", "mm",                                              \
          "reclaim looks at the count and does not freeze it")                                     \
  MISTAKE(kBatchUnlocked, "batch-unlocked", "mm",                                                  \
          "an LRU batch is emptied after its lock is dropped")                                     \
  MISTAKE(kMunlockKeepsList, "munlock-keeps-list", "mm",                                           \
          "a page that is unlocked stays on the unevictable list")                                 \
  MISTAKE(kBackedOffPinKept, "backed-off-pin-kept", "mm",                                          \
          "fast GUP meets a fork and keeps its pins")                                              \
  MISTAKE(kGrabbedPageKept, "grabbed-page-kept", "mm",                                             \
          "fast GUP gives up and keeps what it grabbed")                                           \
  MISTAKE(kFastGupOneLook, "fast-gup-one-look", "mm", "fast GUP does not look at the entry again") \
  MISTAKE(kTableUnchecked, "table-unchecked", "mm", "a page table is put over another's")          \
  MISTAKE(kLostTableKept, "lost-table-kept", "mm", "the table of who came second is not freed")    \
  MISTAKE(kPmdSplitReferences, "pmd-split-references", "mm",                                       \
          "a split leaf leaves one reference too many")                                            \
  MISTAKE(kWritebackKeepsPage, "writeback-keeps-page", "mm",                                       \
          "writeback keeps a reference of what was truncated")                                     \
  MISTAKE(kCollectKeepsMapping, "collect-keeps-mapping", "zone_device",                            \
          "a collected page stays counted as mapped")                                              \
  MISTAKE(kInsertUnchecked, "insert-unchecked", "zone_device",                                     \
          "a device's page is put over what has come meanwhile")                                   \
  MISTAKE(kDestinationKept, "destination-kept", "zone_device",                                     \
          "a destination that was not needed is not given back")                                   \
  MISTAKE(kDeviceFaultUnchecked, "device-fault-unchecked", "zone_device",                          \
          "a device fault does not look at the entry again")                                       \
  MISTAKE(kPagemapReferenceKept, "pagemap-reference-kept", "zone_device",                          \
          "a freed page keeps its pagemap's reference")                                            \
  MISTAKE(kExclusiveKeepsMapping, "exclusive-stays-mapped", "zone_device",                         \
          "an exclusive entry stays counted as a mapping")                                         \
  MISTAKE(kExclusiveUnchecked, "exclusive-unchecked", "zone_device",                               \
          "the end of exclusive access does not look at the entry again")                          \
  MISTAKE(kMirrorNoRetry, "mirror-no-retry", "zone_device",                                        \
          "a device's table is filled without asking for changes")                                 \
  MISTAKE(kMirrorNoWait, "mirror-no-wait", "zone_device",                                          \
          "a device reads in the middle of a change")                                              \
  MISTAKE(kListenUnlocked, "listen-unlocked", "zone_device",                                       \
          "a device begins to listen while a change runs that was not counted")                    \
  MISTAKE(kToldUnlocked, "told-unlocked", "zone_device",                                           \
          "a device that is being told of a change is not kept from closing")                      \
  MISTAKE(kDaxLooksFirst, "dax-looks-first", "zone_device",                                        \
          "a dax file looks for DMA before it unmaps")                                             \
  MISTAKE(kDaxOtherEra, "dax-other-era", "zone_device",                                            \
          "a dax block at rest is taken to have one reference more")                               \
  MISTAKE(kBlindRefcount, "blind-refcount", "audit", "no row of refcount-accounted")               \
  MISTAKE(kBlindPincount, "blind-pincount", "audit", "no row of pincount-exact")                   \
  MISTAKE(kBlindLruLists, "blind-lru-lists", "audit", "no row of lru-linked")                      \
  MISTAKE(kBlindSwap, "blind-swap", "audit", "no row of swap-counted")                             \
  MISTAKE(kBlindExclusive, "blind-exclusive", "audit", "no row of exclusive-once")                 \
  MISTAKE(kBlindMigration, "blind-migration", "audit", "no row of migration-finished")             \
  MISTAKE(kBlindMirror, "blind-mirror", "audit", "no row of mirror-in-step")                       \
  MISTAKE(kMovedStaysLocked, "moved-stays-locked", "mm", "a page that has moved stays locked")     \
  MISTAKE(kCollapseHeld, "collapse-held", "mm", "pages that others hold become a huge one")        \
  MISTAKE(kBlindLocked, "blind-locked", "audit", "no row of unlocked-at-rest")

namespace pagebox::inline PAGEBOX_ENV {

enum class Mistake : std::uint8_t {
#define PAGEBOX_MISTAKE_ID(id, name, room, what) id,
  PAGEBOX_MISTAKES(PAGEBOX_MISTAKE_ID)
#undef PAGEBOX_MISTAKE_ID
};

#ifdef PAGEBOX_PLANTED
/// By test programs, before and between runs; not of a machine, and so never copied back.
inline std::uint64_t armed_faults[2] = {};
inline bool planted(Mistake fault) {
  const auto bit = static_cast<unsigned>(fault);
  return (armed_faults[bit / 64] >> bit % 64 & 1U) != 0;
}
#else
consteval bool planted(Mistake) { return false; }
#endif

/// Somebody else may come in where a lock should have been kept.
template <class Lock>
inline void leave_and_take(Lock& lock) {
  lock.unlock();
  lock.lock();
}
template <class Lock>
inline void leave_and_share(Lock& lock) {
  lock.unlock_shared();
  lock.lock_shared();
}

}  // namespace pagebox::inline PAGEBOX_ENV
