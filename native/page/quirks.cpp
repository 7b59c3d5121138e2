#include "page/quirks.h"

#include <algorithm>
#include <array>

namespace pagebox::inline PAGEBOX_ENV {
namespace quirk_rows {
namespace {

using enum QuirkRoom;

constexpr std::array<QuirkInfo, kQuirks> kQuirkTable = {{
    {.quirk = Quirk::kMaskAsBitNumber,
     .name = "mask-as-bit-number",
     .year = 2018,
     .room = kPins,
     .wrong = "the masks 0x2 and 0x4 of the LRU overlay are given to set_bit, which takes bit "
              "numbers: with 4-byte words a listed page reads as pinned",
     .fix = "never merged",
     .invariant = "a page that nobody pins is not pinned"},
    {.quirk = Quirk::kDoubleLastUnpin,
     .name = "double-last-unpin",
     .year = 2018,
     .room = kPins,
     .wrong =
         "the count reaches zero before the lock is taken, so two last unpins both come to put "
         "the page back",
     .fix = "never merged; atomic_dec_and_lock closes it",
     .invariant = "every pin is released once"},
    {.quirk = Quirk::kStrictlyGreater,
     .name = "strictly-greater",
     .year = 2019,
     .room = kPins,
     .wrong =
         "the query tests for more than the bias, so a page whose only reference is one pin is "
         "missed",
     .fix = "review of February 2019, before v5.7",
     .invariant = "no pin is overlooked"},
    {.quirk = Quirk::kNoZeroTest,
     .name = "no-zero-test",
     .year = 2019,
     .room = kPins,
     .wrong = "the release subtracts without a test for zero: the last pin never frees the page",
     .fix = "review of February 2019, before v5.7",
     .invariant = "a page without references is free"},
    {.quirk = Quirk::kOneBiasForMany,
     .name = "one-bias-for-many",
     .year = 2019,
     .room = kPins,
     .wrong = "the fast path adds one bias for n pages of a huge page, while callers release one a "
              "page",
     .fix = "review of February 2019, before v5.7",
     .invariant = "every pin is counted"},
    {.quirk = Quirk::kFlagWithoutCount,
     .name = "flag-without-count",
     .year = 2018,
     .room = kPins,
     .wrong = "a flag and no count: the first to release clears the flag for everybody",
     .fix = "never merged",
     .invariant = "no pin is overlooked"},
    {.quirk = Quirk::kPutForUnpin,
     .name = "put-for-unpin",
     .year = 2019,
     .room = kPins,
     .wrong = "a caller releases a pin by put_page: with the bias 1023 references leak",
     .fix = "v5.2 on, caller by caller",
     .invariant = "every pin is released by its own kind of release"},

    {.quirk = Quirk::kDirtyCow,
     .name = "dirty-cow",
     .year = 2016,
     .room = kMm,
     .wrong = "a forced write forgets that it writes once its fault has broken COW: if the copy is "
              "dropped before it looks again, it writes to the file's page (CVE-2016-5195)",
     .fix = "v4.9, 19be0eaffa3a",
     .invariant = "no write without permission"},
    {.quirk = Quirk::kHugeDirtyByRead,
     .name = "huge-dirty-by-read",
     .year = 2017,
     .room = kMm,
     .wrong =
         "a read that touches a huge leaf marks it dirty, so a forced write takes the huge zero "
         "page for its copy (CVE-2017-1000405)",
     .fix = "v4.15, a8f97366452e",
     .invariant = "no write without permission",
     .needs = QuirkRule{Rule::kAnonExclusive, false}},
    {.quirk = Quirk::kReuseByMapcount,
     .name = "reuse-by-mapcount",
     .year = 2020,
     .room = kMm,
     .wrong =
         "a write reuses a page that nobody else maps, though others hold references from before "
         "a fork: a child's pipe shows what its parent writes (CVE-2020-29374)",
     .fix = "v5.8, 17839856fd58; v5.9, 09854ba94c6a; v5.19, 6c287605fd56",
     .invariant = "a process sees only what it may"},
    {.quirk = Quirk::kForkSharesPinned,
     .name = "fork-shares-pinned",
     .year = 2020,
     .room = kMm,
     .wrong = "fork shares a pinned page with the child, so the parent's next write copies it away "
              "from its pin",
     .fix = "v5.9, 70e806e4e645",
     .invariant = "a pinned page stays mapped where it was pinned"},
    {.quirk = Quirk::kForkUnseen,
     .name = "fork-unseen",
     .year = 2020,
     .room = kMm,
     .wrong = "fast GUP does not see that a fork is write-protecting: it pins a page that fork has "
              "found unpinned and shares",
     .fix = "v5.11, 57efa1fe5957",
     .invariant = "a pinned page stays mapped where it was pinned"},
    {.quirk = Quirk::kSoftDirtyForgetsPins,
     .name = "soft-dirty-forgets-pins",
     .year = 2021,
     .room = kMm,
     .wrong = "clearing soft-dirty bits write-protects pinned pages too, so the next write copies "
              "them away from their pins",
     .fix = "v5.11, 9348b73c2e1b",
     .invariant = "a pinned page stays mapped where it was pinned",
     .needs = QuirkRule{Rule::kAnonExclusive, false}},
    {.quirk = Quirk::kLongtermPutForUnpin,
     .name = "longterm-put-for-unpin",
     .year = 2020,
     .room = kDevices,
     .wrong = "a long-term pin that must move its pages first gives its pins back by put_page: the "
              "rest of each pin stays, and the page never moves",
     .fix = "v5.11, after 3faa52c03f44",
     .invariant = "every pin is released by its own kind of release"},
    {.quirk = Quirk::kLongtermFilePins,
     .name = "longterm-file-pins",
     .year = 2018,
     .room = kMm,
     .wrong = "memory of a file that tracks dirty pages may be pinned for long and for writing: "
              "writeback cleans the page, and what a device writes later is lost",
     .fix = "v6.5, 8ac268436e6d and a6e79df92e4a",
     .invariant = "a clean page of a file is not written"},
    {.quirk = Quirk::kLazyfreeForgetsReferences,
     .name = "lazyfree-forgets-references",
     .year = 2022,
     .room = kMm,
     .wrong = "reclaim unmaps a page freed lazily without a look at who else holds it: what direct "
              "I/O reads into it is lost",
     .fix = "v5.18, 6c8e2a256915",
     .invariant = "what a device writes is seen"},
    {.quirk = Quirk::kGrabKeepsOldHead,
     .name = "grab-keeps-old-head",
     .year = 2021,
     .room = kMm,
     .wrong =
         "fast GUP does not look at a page's head again after it has taken its reference there: "
         "split meanwhile, the page has none, and another folio has one too many",
     .fix = "v5.14, c24d37322548",
     .invariant = "who holds a page has a reference on it"},
    {.quirk = Quirk::kTableFreedAtOnce,
     .name = "table-freed-at-once",
     .year = 2022,
     .room = kMm,
     .wrong = "a page table is freed while fast GUP may be walking it",
     .fix = "v6.1, 2ba99c5e0881",
     .invariant = "memory that is in use is not freed"},
    {.quirk = Quirk::kGetUnchecked,
     .name = "get-unchecked",
     .year = 2019,
     .room = kMm,
     .wrong = "references are taken without a look at the count: 2^32 of them and it has wrapped, "
              "so a few puts free a page that is in use (CVE-2019-11487)",
     .fix = "v5.1, f958d7b528b1, 88b1a17dfc3e, 8fde12ca79af and 15fab63e1e57",
     .invariant = "who holds a page has a reference on it"},
    {.quirk = Quirk::kForceTrustsDirty,
     .name = "force-trusts-dirty",
     .year = 2022,
     .room = kMm,
     .wrong = "a forced write takes a dirty read-only entry for the copy that its fault has made, "
              "though userfaultfd maps a file's page so (CVE-2022-2590)",
     .fix = "v6.0, 5535be309971",
     .invariant = "no write without permission",
     .needs = QuirkRule{Rule::kAnonExclusive, true}},
    {.quirk = Quirk::kSwapinUnclaimed,
     .name = "swapin-unclaimed",
     .year = 2024,
     .room = kMm,
     .wrong = "two faults read one swap slot without the swap cache between them: the slower one "
              "maps what it has read, though the page was written and swapped out meanwhile",
     .fix = "v6.8, 13ddaf26be32",
     .invariant = "what is written is seen",
     .needs = QuirkRule{Rule::kSwapinThroughCache, false}},
    {.quirk = Quirk::kCollapseUnseen,
     .name = "collapse-unseen",
     .year = 2022,
     .room = kMm,
     .wrong = "fast GUP looks again at the entry of a page and not at that of its table, which is "
              "becoming a huge page",
     .fix = "v6.1, 70cbc3cc78a9",
     .invariant = "a pinned page stays mapped where it was pinned"},
    {.quirk = Quirk::kCollapseUnsynced,
     .name = "collapse-unsynced",
     .year = 2022,
     .room = kMm,
     .wrong = "a table whose pages become a huge one is taken away without waiting for those that "
              "walk it",
     .fix = "v6.1, 2ba99c5e0881",
     .invariant = "a pinned page stays mapped where it was pinned"},
    {.quirk = Quirk::kLongtermDrainsByLru,
     .name = "longterm-drains-by-lru",
     .year = 2025,
     .room = kMm,
     .wrong = "a long-term pin that must move its page first empties the batches of other "
              "processors only if the page is on no list: one in a batch of mlock is, and never "
              "moves",
     .fix = "v6.17, 98c6d259319e",
     .invariant = "somebody gets on"},

    {.quirk = Quirk::kDeviceFaultUnreferenced,
     .name = "device-fault-unreferenced",
     .year = 2022,
     .room = kDevices,
     .wrong =
         "a fault asks the device to move a page on which it has no reference: it may be free, "
         "or somebody else's, by then",
     .fix = "v6.1, 16ce101db85d",
     .invariant = "who holds a page has a reference on it"},
    {.quirk = Quirk::kDeviceFaultLocksLate,
     .name = "device-fault-locks-late",
     .year = 2025,
     .room = kDevices,
     .wrong =
         "a fault takes its reference on a device's page before it has the page's lock: two of "
         "them find the other's reference on the page, and neither moves it",
     .fix = "v6.15, 1afaeb8293c9",
     .invariant = "somebody gets on"},
    {.quirk = Quirk::kPagesOutlivePagemap,
     .name = "pages-outlive-pagemap",
     .year = 2022,
     .room = kDevices,
     .wrong =
         "pages that a driver hands out do not keep their pagemap: it goes away under those that "
         "are in use",
     .fix = "v6.1, ef233450898f and 0dc45ca1ce18",
     .invariant = "device memory goes after its last page",
     .needs = QuirkRule{Rule::kHmmFreeAtZero, true}},
    {.quirk = Quirk::kCollectLosesDirty,
     .name = "collect-loses-dirty",
     .year = 2022,
     .room = kDevices,
     .wrong = "migration to a device drops the dirty bit of the entries it takes away: a page that "
              "stays looks clean, and reclaim may drop it",
     .fix = "v6.1, fd35ca3d12cc",
     .invariant = "what is written is seen"},
    {.quirk = Quirk::kReleaseMissesDevicePages,
     .name = "release-misses-device-pages",
     .year = 2019,
     .room = kDevices,
     .wrong =
         "the release of many pages does not notice that a device's page has become idle: it is "
         "never given back",
     .fix = "v5.3, c5d6c45e90c4",
     .invariant = "a page that nobody uses is free",
     .needs = QuirkRule{Rule::kHmmFreeAtZero, false}},
    {.quirk = Quirk::kDaxTruncateForgetsDma,
     .name = "dax-truncate-forgets-dma",
     .year = 2018,
     .room = kDevices,
     .wrong =
         "truncate gives the blocks of a DAX file to others while a device still writes to them",
     .fix = "v4.18, 5fac7408d828",
     .invariant = "who holds a page has a reference on it"},
    {.quirk = Quirk::kExclusiveFaultUnreferenced,
     .name = "exclusive-fault-unreferenced",
     .year = 2023,
     .room = kDevices,
     .wrong =
         "a fault on a device-exclusive entry locks the page without a reference on it: it may "
         "be free, or somebody else's, by then",
     .fix = "v6.3, 7c7b962938dd",
     .invariant = "who holds a page has a reference on it"},
    {.quirk = Quirk::kDevicePageKeepsMapping,
     .name = "device-page-keeps-mapping",
     .year = 2019,
     .room = kDevices,
     .wrong =
         "a device's page that is freed keeps its mapping: used again for a hole it passes for "
         "memory of its earlier owner, and nobody finds its entry",
     .fix = "v5.3, 7ab0ad0e74f8",
     .invariant = "a word has one owner at a time"},
}};

constexpr bool in_order() {
  for (unsigned i = 0; i < kQuirks; ++i)
    if (static_cast<unsigned>(kQuirkTable[i].quirk) != i) return false;
  return true;
}
static_assert(in_order());

}  // namespace
}  // namespace quirk_rows

using quirk_rows::kQuirkTable;

std::span<const QuirkInfo, kQuirks> quirk_table() { return kQuirkTable; }

const QuirkInfo* find_quirk(std::string_view name) {
  const auto at = std::ranges::find(kQuirkTable, name, &QuirkInfo::name);
  return at == kQuirkTable.end() ? nullptr : &*at;
}

}  // namespace pagebox::inline PAGEBOX_ENV
