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
  kUnpinAccepted,
  kPinsBalanced,
  kRmapComplete,
  kSwapCounted,
  kCacheLinked,
  kExclusiveOnce,
  kVmasOrdered,
  kMirrorInStep,
  kHugetlbCounted,
  kWordsKept,
};
inline constexpr unsigned kInvariants = 25;

inline constexpr std::array<std::string_view, kInvariants> kInvariantNames = {
    "refcount-accounted", "pincount-exact",     "pincount-bound",  "maybe-pinned-sound",
    "pin-limit-kept",     "mapcount-accounted", "lru-membership",  "lru-linked",
    "flags-of-type",      "zone-and-node",      "compound-intact", "fields-intact",
    "pgmap-intact",       "free-is-free",       "never-touched",   "unpin-accepted",
    "pins-balanced",      "rmap-complete",      "swap-counted",    "cache-linked",
    "exclusive-once",     "vmas-ordered",       "mirror-in-step",  "hugetlb-counted",
    "words-kept"};

inline constexpr std::array<std::string_view, kInvariants> kInvariantSummaries = {
    "_refcount is the page's own references, those handed out, and what the pins add",
    "the scheme's count is the number of pins handed out",
    "an inexact scheme's count is no less than the number of pins handed out",
    "a pinned page is never called unpinned",
    "no count has crossed its largest value",
    "_mapcount is the number of mappings, less one",
    "PG_lru is set exactly on pages that belong on a list and that nobody holds off it",
    "lists are closed rings through words 1 and 2, of pages with PG_lru, each once",
    "only flags that the page's type and history explain are set",
    "the zone and node of page->flags are those of the pfn",
    "tails point to their head, the head knows its order",
    "mapping, index, private and poison are as they were set up",
    "pgmap and driver data of ZONE_DEVICE pages are as the device left them",
    "a free page has no references, mappings, flags or pins, and a page that nobody holds is free",
    "a page never handed out is all zero",
    "whoever holds a pin can give it back",
    "pins that GUP has handed out and not taken back are those that are held",
    "a walk through a page finds each of its mappings",
    "a swap slot counts the entries and files that hold it",
    "a cached page points back to its file, or to its swap slot",
    "a page marked exclusive is mapped once",
    "mappings of an address space are in order and hold every entry",
    "what a device has in its table of a process is what the process has",
    "a huge page of the pool is free, and held by nobody, or in use, and there are free ones for "
    "all that were promised",
    "what memory management wrote into a descriptor is what it finds there"};

constexpr std::string_view invariant_name(Invariant invariant) {
  return kInvariantNames[static_cast<unsigned>(invariant)];
}

}  // namespace pagebox::inline PAGEBOX_ENV
