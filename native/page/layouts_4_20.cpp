// v4.18 to v5.2: the struct page that the thread of 2018 argued about, and what
// the thread proposed to make of it. Offsets in words of W bytes:
//
//        LRU page    slab          page[1]                page[2]         page table    ZONE_DEVICE
//   W0   flags       flags         flags                  flags           flags         flags
//   W1   lru.next    slab_list     compound_head          compound_head   0             pgmap
//   W2   lru.prev    slab_list     dtor, order, mapcount  -               pmd_huge_pte  hmm_data
//   W3   mapping     slab_cache    TAIL_MAPPING           deferred_list   -             mapping
//   W4   index       freelist      -                      deferred_list   pt_mm         index
//   W5   private     counters      -                      -               ptl           private
//        _mapcount   -1            _mapcount              _mapcount       page_type     _mapcount
//        _refcount   _refcount     0                      0               _refcount     _refcount
//        mem_cgroup  mem_cgroup    -                      -               mem_cgroup    mem_cgroup
//
// With 4-byte words compound_mapcount does not fit beside the two bytes and
// moves to W3 of page[1].
#include <array>

#include "page/layout_table.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace layout_tables_4_20 {
namespace {

using enum PageType;
using enum FieldKind;

// ZONE_DEVICE types of the era; HMM's, whose pages stand for ordinary ones.
constexpr PageTypeSet kPrivate = types(kDevicePrivateAnon, kDevicePrivateFile);
constexpr PageTypeSet kHmm = kPrivate | types(kDevicePublicAnon, kDevicePublicFile);
constexpr PageTypeSet kDevice = kHmm | types(kFsdax, kDevdax, kP2pdma);
constexpr PageTypeSet kDax = types(kFsdax, kDevdax);
constexpr PageTypeSet kCore =
    types(kFree, kAnon, kFile, kSlab, kCompoundHead, kTail, kSecondTail, kPageTable);
constexpr PageTypeSet kUser = types(kAnon, kFile, kCompoundHead);

template <unsigned W>
constexpr FieldRow dtor{
    "compound_dtor", 2 * W, 0, 8, kConstant, types(kTail), "which function frees the folio"};
template <unsigned W>
constexpr FieldRow order{"compound_order",           2 * W + 1, 0, 8, kConstant, types(kTail),
                         "log2 of the folio's pages"};
template <unsigned W>
constexpr FieldRow entire{"compound_mapcount",
                          W == 8 ? 20 : 12,
                          0,
                          32,
                          kMapcount,
                          types(kTail),
                          "mappings of the whole folio, from -1"};

template <unsigned W>
constexpr std::array kCommon = {
    word<W>(0, "flags", kFlags, kAllTypes, "page flags; zone, node and section at the top"),
    word<W>(1, "lru.next", kListNext, kUser, "next on the LRU list"),
    word<W>(2, "lru.prev", kListPrev, kUser, "previous on the LRU list"),
    word<W>(3, "mapping", kMapping, kUser, "address_space, or anon_vma with bit 0 set"),
    word<W>(4, "index", kCount, kUser, "offset in the mapping, in pages"),
    word<W>(5, "private", kCount, kUser, "buffer heads, or swap entry"),

    word<W>(1, "free_list.next", kListNext, types(kFree), "next free block of this order"),
    word<W>(2, "free_list.prev", kListPrev, types(kFree), "previous free block of this order"),
    word<W>(5, "buddy_order", kConstant, types(kFree), "order of the free block"),

    word<W>(1, "slab_list.next", kListNext, types(kSlab), "next slab of the node's list"),
    word<W>(2, "slab_list.prev", kListPrev, types(kSlab), "previous slab of the node's list"),
    word<W>(3, "slab_cache", kPointer, types(kSlab), "the cache that owns the slab",
            ObjectKind::kSlabCache),
    word<W>(4, "freelist", kPointer, types(kSlab), "first free object", ObjectKind::kSlabObject),
    FieldRow{"inuse", 5 * W, 0, 16, kCount, types(kSlab), "objects in use (SLUB's counters)"},
    FieldRow{"objects", 5 * W, 16, 15, kCount, types(kSlab), "objects in the slab"},
    FieldRow{"frozen", 5 * W, 31, 1, kCount, types(kSlab), "owned by one CPU"},

    word<W>(1, "compound_head", kPageRef, kTailTypes, "the head's address, bit 0 set"),
    dtor<W>,
    order<W>,
    entire<W>,
    word<W>(3, "deferred_list.next", kListNext, types(kSecondTail), "next folio to be split"),
    word<W>(4, "deferred_list.prev", kListPrev, types(kSecondTail), "previous folio to be split"),

    word<W>(2, "pmd_huge_pte", kPointer, types(kPageTable), "deposited page table",
            ObjectKind::kPage),
    word<W>(4, "pt_mm", kPointer, types(kPageTable), "the mm that a pgd belongs to",
            ObjectKind::kMm),
    FieldRow{"ptl", 5 * W, 0, 32, kLock, types(kPageTable), "page-table lock"},

    FieldRow{"_mapcount", 6 * W, 0, 32, kMapcount, kUser | kDevice | kTailTypes,
             "mappings, from -1"},
    FieldRow{"page_type", 6 * W, 0, 32, kConstant, types(kFree, kPageTable),
             "what a page that cannot be mapped is"},
    FieldRow{"_mapcount", 6 * W, 0, 32, kPoison, types(kSlab),
             "-1: freeing checks it (SLAB kept its count of active objects here)"},
    FieldRow{"_refcount", 6 * W + 4, 0, 32, kRefcount, ~kTailTypes, "references"},
    FieldRow{"_refcount", 6 * W + 4, 0, 32, kPoison, kTailTypes, "0: references go to the head"},
    FieldRow{"mem_cgroup", 6 * W + 8, 0, W * 8, kPointer, kUser | kHmm | types(kSlab, kPageTable),
             "the cgroup that is charged", false, ObjectKind::kMemCgroup},
};

// TAIL_MAPPING stays only where nothing of page[1] lies over it.
template <unsigned W>
constexpr FieldRow tail_mapping =
    word<W>(3, "mapping", kPoison, types(kTail), "TAIL_MAPPING, which freeing checks");

template <unsigned W>
constexpr FieldRow pgmap(unsigned n) {
  return word<W>(n, "pgmap", kPointer, kDevice, "the device's dev_pagemap",
                 ObjectKind::kDevPagemap);
}
template <unsigned W>
constexpr FieldRow hmm_data(unsigned n) {
  return word<W>(n, "hmm_data", kCount, kDevice, "the driver's own word");
}
template <unsigned W>
constexpr FieldRow source_mapping =
    word<W>(3, "mapping", kMapping, kHmm | kDax, "as on the page that this one stands for");
template <unsigned W>
constexpr FieldRow source_index =
    word<W>(4, "index", kCount, kHmm | kDax, "as on the page that this one stands for");
template <unsigned W>
constexpr FieldRow source_private =
    word<W>(5, "private", kCount, kHmm, "as on the page that this one stands for");

constexpr std::array kOwn = {tail_mapping<8>,   pgmap<8>(1),     hmm_data<8>(2),
                             source_mapping<8>, source_index<8>, source_private<8>};

// Wilcox, 4 Dec 2018: W1 and W2 become pads, free for what lies over the LRU.
// Glisse's answer: HMM needs index and private.
constexpr std::array kOwnZd = {tail_mapping<8>,
                               pgmap<8>(4),
                               hmm_data<8>(5),
                               source_mapping<8>,
                               contested(source_index<8>),
                               contested(source_private<8>)};

// Hubbard, 6 Dec 2018. Glisse, 7 Dec: hmm_data would alias mapping.
constexpr std::array kOwnCount = {
    tail_mapping<8>,
    pgmap<8>(1),
    FieldRow{"dma_pinned_count", 16, 0, 64, kPincount, kDevice, "pins, over LRU.prev"},
    hmm_data<8>(3),
    contested(source_mapping<8>),
    source_index<8>,
    source_private<8>};

constexpr std::array<FieldRow, 0> kOwn32 = {};

#define PAGEBOX_FLAGS_4_20                                                                         \
  FlagBit{Flag::kLocked, 0}, {Flag::kReferenced, 1}, {Flag::kUptodate, 2}, {Flag::kDirty, 3},      \
      {Flag::kLru, 4}, {Flag::kActive, 5}, {Flag::kWorkingset, 6}, {Flag::kWaiters, 7},            \
      {Flag::kError, 8}, {Flag::kSlab, 9}, {Flag::kOwnerPriv1, 10}, {Flag::kArch1, 11},            \
      {Flag::kReserved, 12}, {Flag::kPrivate, 13}, {Flag::kPrivate2, 14}, {Flag::kWriteback, 15},  \
      {Flag::kHead, 16}, {Flag::kMappedToDisk, 17}, {Flag::kReclaim, 18}, {Flag::kSwapBacked, 19}, \
      {Flag::kUnevictable, 20}, {Flag::kMlocked, 21}, {Flag::kUncached, 22}

constexpr std::array<FlagBit, 26> kFlags64 = {
    PAGEBOX_FLAGS_4_20, {Flag::kHwpoison, 23}, {Flag::kYoung, 24}, {Flag::kIdle, 25}};
// IDLE_PAGE_TRACKING is 64-bit only.
constexpr std::array<FlagBit, 24> kFlags32 = {PAGEBOX_FLAGS_4_20, {Flag::kHwpoison, 23}};
// 32-bit x86 may not have MEMORY_FAILURE with SPARSEMEM, for want of a flag bit.
constexpr std::array<FlagBit, 23> kFlagsPae = {PAGEBOX_FLAGS_4_20};
#undef PAGEBOX_FLAGS_4_20

constexpr KconfigRow kX86_64 = {.name = "x86-64, 64 CPUs, 64 nodes, MEMCG",
                                .node_bits = 6,
                                .zone_bits = 3,
                                .last_cpupid_bits = 14,
                                .align_bytes = 16};
// A page type is a bit that is clear in a word of ones.
constexpr EraRow kEra = {.kernel = "v4.20", .buddy_type = ~0x80U, .table_type = ~0x400U};
constexpr PincountPlace kNoPincount = {};

constexpr std::array<LayoutTable, 6> kTables = {{
    {.name = "linux-4.20",
     .summary = "struct page of v4.20, where the thread of 2018 began",
     .kconfig = kX86_64,
     .era = kEra,
     .types = kCore | kDevice,
     .compound_types = kCompoundTypes,
     .flags = kFlags64,
     .common = kCommon<8>,
     .own = kOwn,
     .pincount = kNoPincount,
     .order_offset = 17},
    {.name = "linux-4.20-zd",
     .summary = "Wilcox, 4 Dec 2018: ZONE_DEVICE moves out of the LRU words",
     .kconfig = kX86_64,
     .era = kEra,
     .types = kCore | kDevice,
     .compound_types = kCompoundTypes,
     .flags = kFlags64,
     .common = kCommon<8>,
     .own = kOwnZd,
     .pincount = kNoPincount,
     .order_offset = 17},
    {.name = "linux-4.20-count",
     .summary = "Hubbard, 6 Dec 2018: a flag of its own and a count in word 2",
     .kconfig = kX86_64,
     .era = kEra,
     .types = kCore | kDevice,
     .compound_types = kCompoundTypes,
     .flags = kFlags64,
     .common = kCommon<8>,
     .own = kOwnCount,
     .pincount = kNoPincount,
     .order_offset = 17},
    {.name = "linux-4.20-counter",
     .summary = "Hubbard, 7 Dec 2018: a counter of its own behind _refcount",
     .kconfig = kX86_64,
     .era = kEra,
     .types = kCore | kDevice,
     .compound_types = kCompoundTypes,
     .flags = kFlags64,
     .common = kCommon<8>,
     .own = kOwn,
     .pincount = kNoPincount,
     .order_offset = 17,
     .counter = true},
    {.name = "linux-4.20-32",
     .summary = "v4.20 with 4-byte words and no flag bit left",
     .word_bytes = 4,
     .stride_bytes = 36,
     .kconfig = {.name = "x86-32 PAE, SPARSEMEM, MEMCG",
                 .section_bits = 7,
                 .zone_bits = 2,
                 .align_bytes = 4},
     .era = kEra,
     .types = kCore,
     .compound_types = kCompoundTypes,
     .flags = kFlagsPae,
     .common = kCommon<4>,
     .own = kOwn32,
     .pincount = kNoPincount,
     .order_offset = 9},
    // Rearranging ZONE_DEVICE changes nothing here: it needs SPARSEMEM_VMEMMAP,
    // which x86 has on 64-bit only.
    {.name = "linux-4.20-zd-32",
     .summary = "v4.20 rearranged, with 4-byte words: no ZONE_DEVICE to rearrange",
     .word_bytes = 4,
     .stride_bytes = 32,
     .kconfig = {.name = "x86-32, FLATMEM", .zone_bits = 2, .align_bytes = 4, .memcg = false},
     .era = kEra,
     .types = kCore,
     .compound_types = kCompoundTypes,
     .flags = kFlags32,
     .common = kCommon<4>,
     .own = kOwn32,
     .pincount = kNoPincount,
     .order_offset = 9},
}};

}  // namespace
}  // namespace layout_tables_4_20

std::span<const LayoutTable> layouts_4_20() { return layout_tables_4_20::kTables; }

}  // namespace pagebox::inline PAGEBOX_ENV
