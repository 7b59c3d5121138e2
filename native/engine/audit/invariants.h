// What holds of every descriptor and address space of a box at rest. One identifier each: in code,
// audit rows, reports, docs and names of tests.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class Invariant : std::uint8_t {
  kRefcountAccounted,
  kPincountExact,
  kPincountBound,
  kMaybePinnedSound,
  kPinLimitKept,
  kUnpinAccepted,
  kPinnedStays,
  kMapcountAccounted,
  kLruMembership,
  kLruLinked,
  kFlagsOfType,
  kZoneAndNode,
  kCompoundIntact,
  kFieldsIntact,
  kPgmapIntact,
  kFreeIsFree,
  kNeverTouched,
  kPinsBalanced,
  kRmapComplete,
  kFileMappingsListed,
  kSwapCounted,
  kCacheLinked,
  kSwapCacheLinked,
  kExclusiveOnce,
  kVmasOrdered,
  kEntriesInVmas,
  kMigrationFinished,
  kUnlockedAtRest,
  kHugeCountsAgree,
  kLeafMapsWhole,
  kDepositForEachLeaf,
  kDeferredLinked,
  kHugetlbCounted,
  kHugetlbWhereAsked,
  kWordsKept,
  kMirrorInStep,
  kPrivateUnreachable,
  kDeviceWriteDirty,
  kDaxBlockOwned,
  kDaxBlockLinked,
  kDaxBlockMapped,
  kP2pdmaAccounted,
  kAsExpected,
};

/// What a rule is about; docs/audit.md has a table of each.
enum class InvariantSubject : std::uint8_t { kDescriptor, kAddressSpace, kDevice, kScenario };
inline constexpr std::array<std::string_view, 4> kInvariantSubjectNames = {
    "descriptor", "address-space", "device", "scenario"};

struct InvariantInfo {
  Invariant id;
  std::string_view name;
  InvariantSubject subject;
  std::string_view summary;
};

inline constexpr auto kInvariantTable = [] {
  using enum Invariant;
  constexpr auto kPage = InvariantSubject::kDescriptor;
  constexpr auto kMm = InvariantSubject::kAddressSpace;
  constexpr auto kDevice = InvariantSubject::kDevice;
  constexpr auto kScenario = InvariantSubject::kScenario;
  return std::to_array<InvariantInfo>({
      {kRefcountAccounted, "refcount-accounted", kPage,
       "_refcount is what is accounted for: the page's own, mappings, caches and buffers, LRU "
       "batches, references handed out, and what the pins add"},
      {kPincountExact, "pincount-exact", kPage,
       "the scheme's count is the number of pins handed out"},
      {kPincountBound, "pincount-bound", kPage,
       "an inexact scheme's count is no less than the number of pins handed out"},
      {kMaybePinnedSound, "maybe-pinned-sound", kPage, "a pinned page is never called unpinned"},
      {kPinLimitKept, "pin-limit-kept", kPage, "no count has crossed its largest value"},
      {kUnpinAccepted, "unpin-accepted", kPage, "whoever holds a pin can give it back"},
      {kPinnedStays, "pinned-stays", kPage,
       "a pinned page is neither freed nor frozen for migration"},
      {kMapcountAccounted, "mapcount-accounted", kPage,
       "_mapcount is the number of mappings, less one, with the pins that are counted there"},
      {kLruMembership, "lru-membership", kPage,
       "PG_lru is set exactly on pages that belong on a list, are in no batch on the way there, "
       "and that nobody holds off it"},
      {kLruLinked, "lru-linked", kPage,
       "lists are closed rings through words 1 and 2, of pages with PG_lru, each once"},
      {kFlagsOfType, "flags-of-type", kPage,
       "only flags that the page's type and history explain are set"},
      {kZoneAndNode, "zone-and-node", kPage,
       "the zone and node of page->flags are those of the pfn"},
      {kCompoundIntact, "compound-intact", kPage,
       "tails point to their head, the head knows its order"},
      {kFieldsIntact, "fields-intact", kPage,
       "mapping, index, private and poison are as they were set up"},
      {kPgmapIntact, "pgmap-intact", kPage,
       "pgmap and driver data of ZONE_DEVICE pages are as the device left them"},
      {kFreeIsFree, "free-is-free", kPage,
       "a free page has no references, mappings, flags or pins, and a page that nobody holds is "
       "free"},
      {kNeverTouched, "never-touched", kPage, "a page never handed out is all zero"},
      {kPinsBalanced, "pins-balanced", kMm,
       "pins that GUP has handed out and not taken back are those that are held"},
      {kRmapComplete, "rmap-complete", kMm, "a walk through a page finds each of its mappings"},
      {kFileMappingsListed, "file-mappings-listed", kMm,
       "a mapping of a file is once among the mappings that the file knows"},
      {kSwapCounted, "swap-counted", kMm, "a swap slot counts the entries and files that hold it"},
      {kCacheLinked, "cache-linked", kMm,
       "a page in a file's cache points back to the file, and to its place there"},
      {kSwapCacheLinked, "swap-cache-linked", kMm, "a page in the swap cache names its slot"},
      {kExclusiveOnce, "exclusive-once", kMm, "a page marked exclusive is mapped once"},
      {kVmasOrdered, "vmas-ordered", kMm,
       "mappings of an address space are in order and do not overlap"},
      {kEntriesInVmas, "entries-in-vmas", kMm, "every page table entry lies in a mapping"},
      {kMigrationFinished, "migration-finished", kMm,
       "no entry says that its page is being migrated"},
      {kUnlockedAtRest, "unlocked-at-rest", kMm,
       "no page is locked, or on its way to storage, by an operation that has ended"},
      {kHugeCountsAgree, "huge-counts-agree", kMm,
       "the counts of a huge page are those of its pages and leaves"},
      {kLeafMapsWhole, "leaf-maps-whole", kMm, "a huge leaf maps one whole huge page"},
      {kDepositForEachLeaf, "deposit-for-each-leaf", kMm,
       "each huge leaf that can be split has a page table in reserve for it"},
      {kDeferredLinked, "deferred-linked", kMm,
       "a huge page of which some pages are mapped and some are not waits to be split"},
      {kHugetlbCounted, "hugetlb-counted", kMm,
       "a huge page of the pool is on one list: free, and held by nobody, or in use; the pool has "
       "counted them, and has free ones for all that were promised"},
      {kHugetlbWhereAsked, "hugetlb-where-asked", kMm,
       "huge pages of the pool are mapped where they were asked for, and nothing else is"},
      {kWordsKept, "words-kept", kMm,
       "what memory management wrote into a descriptor is what it finds there"},
      {kMirrorInStep, "mirror-in-step", kDevice,
       "what a device has in its table of a process is what the process has"},
      {kPrivateUnreachable, "private-unreachable", kDevice,
       "memory that no CPU can reach is in no present entry, and pinned through none"},
      {kDeviceWriteDirty, "device-write-dirty", kDevice,
       "a page of a file that a device may write is dirty"},
      {kDaxBlockOwned, "dax-block-owned", kDevice, "a dax block is one file's or free"},
      {kDaxBlockLinked, "dax-block-linked", kDevice,
       "the descriptor of a dax block names the file that has it, and its place there; that of a "
       "free one names none"},
      {kDaxBlockMapped, "dax-block-mapped", kDevice,
       "an entry of a mapping of a dax file leads to the block that the file has at that place"},
      {kP2pdmaAccounted, "p2pdma-accounted", kDevice,
       "a page of peer-to-peer memory is free, or mapped or held"},
      {kAsExpected, "as-expected", kScenario,
       "an operation comes to what the scenario expects of it"},
  });
}();

inline constexpr unsigned kInvariants = kInvariantTable.size();
static_assert(
    [] {
      for (unsigned i = 0; i < kInvariants; ++i)
        if (static_cast<unsigned>(kInvariantTable[i].id) != i) return false;
      return true;
    }(),
    "a row lies where its identifier says");

constexpr std::string_view invariant_name(Invariant invariant) {
  return kInvariantTable[static_cast<unsigned>(invariant)].name;
}

}  // namespace pagebox::inline PAGEBOX_ENV
