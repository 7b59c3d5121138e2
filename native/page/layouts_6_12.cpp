// v6.12: struct page, slab, ptdesc and the large part of struct folio, which
// name the same words. Offsets in words of W bytes:
//
//    LRU page   free       slab       page[1]       page[2]        page table   ZONE_DEVICE
// W0 flags      flags      flags      order, flags  flags          flags        flags
// W1 lru.next   buddy_list slab_cache compound_head compound_head  0            pgmap
// W2 lru.prev   buddy_list slab_list  folio counts  _deferred_list pmd_huge_pte zone_device_data
// W3 mapping    -          slab_list  .. _pincount  _deferred_list -            mapping
// W4 index      -          freelist   _nr_pages     -              pt_mm        index
// W5 private    order      counters   -             -              ptl          private
//    _mapcount  page_type  page_type  _mapcount     _mapcount      page_type    _mapcount
//    _refcount  0          _refcount  0             0              _refcount    _refcount
//    memcg_data -          obj_exts   -             -              pt_memcg     memcg_data
#include <array>

#include "page/layout_table.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace layout_tables_6_12 {
namespace {

using enum PageType;
using enum FieldKind;

constexpr PageTypeSet kHmm = types(kDevicePrivateAnon, kDevicePrivateFile, kDeviceCoherent);
constexpr PageTypeSet kDevice = kHmm | types(kFsdax, kDevdax, kP2pdma);
constexpr PageTypeSet kCore =
    types(kFree, kAnon, kFile, kSlab, kCompoundHead, kTail, kSecondTail, kPageTable);
constexpr PageTypeSet kUser = types(kAnon, kFile, kCompoundHead);

// The counts of a large folio follow its page[1]'s compound_head.
template <unsigned W>
constexpr FieldRow folio_count(unsigned nth, std::string_view name, FieldKind kind,
                               std::string_view meaning) {
  return {name, static_cast<std::uint16_t>(2 * W + nth * 4), 0, 32, kind, types(kTail), meaning};
}

template <unsigned W>
constexpr std::array kCommon = {
    word<W>(0, "flags", kFlags, ~types(kTail), "page flags; zone, node and section at the top"),
    FieldRow{"_folio_order", 0, 0, 8, kConstant, types(kTail), "log2 of the folio's pages"},
    FieldRow{"_flags_1", 0, 8, W * 8 - 8, kFlags, types(kTail), "flags of the folio's second page"},
    word<W>(1, "lru.next", kListNext, kUser, "next on the LRU list"),
    word<W>(2, "lru.prev", kListPrev, kUser, "previous on the LRU list"),
    word<W>(3, "mapping", kMapping, kUser, "address_space, or anon_vma with bit 0 set"),
    word<W>(4, "index", kCount, kUser, "offset in the mapping, in pages"),
    word<W>(5, "private", kCount, kUser, "buffer heads, or swap entry"),

    word<W>(1, "buddy_list.next", kListNext, types(kFree), "next free block of this order"),
    word<W>(2, "buddy_list.prev", kListPrev, types(kFree), "previous free block of this order"),
    word<W>(5, "buddy_order", kConstant, types(kFree), "order of the free block"),

    word<W>(1, "slab_cache", kPointer, types(kSlab), "the cache that owns the slab",
            ObjectKind::kSlabCache),
    word<W>(2, "slab_list.next", kListNext, types(kSlab), "next slab of the node's list"),
    word<W>(3, "slab_list.prev", kListPrev, types(kSlab), "previous slab of the node's list"),
    word<W>(4, "freelist", kPointer, types(kSlab), "first free object", ObjectKind::kSlabObject),
    FieldRow{"inuse", 5 * W, 0, 16, kCount, types(kSlab), "objects in use"},
    FieldRow{"objects", 5 * W, 16, 15, kCount, types(kSlab), "objects in the slab"},
    FieldRow{"frozen", 5 * W, 31, 1, kCount, types(kSlab), "owned by one CPU"},

    word<W>(1, "compound_head", kPageRef, kTailTypes, "the head's address, bit 0 set"),
    folio_count<W>(0, "_large_mapcount", kMapcount, "mappings of any part, from -1"),
    folio_count<W>(1, "_entire_mapcount", kMapcount, "mappings of the whole folio, from -1"),
    folio_count<W>(2, "_nr_pages_mapped", kCount, "pages that are mapped"),
    folio_count<W>(3, "_pincount", kPincount, "pins of the folio"),
    word<W>(2, "_deferred_list.next", kListNext, types(kSecondTail), "next folio to be split"),
    word<W>(3, "_deferred_list.prev", kListPrev, types(kSecondTail), "previous folio to be split"),

    word<W>(2, "pmd_huge_pte", kPointer, types(kPageTable), "deposited page table",
            ObjectKind::kPage),
    word<W>(4, "pt_mm", kPointer, types(kPageTable), "the mm that a pgd belongs to",
            ObjectKind::kMm),
    FieldRow{"ptl", 5 * W, 0, 32, kLock, types(kPageTable), "page-table lock"},

    word<W>(1, "pgmap", kPointer, kDevice, "the device's dev_pagemap", ObjectKind::kDevPagemap),
    word<W>(2, "zone_device_data", kPointer, kDevice, "the driver's own pointer"),
    word<W>(3, "mapping", kMapping, kHmm | types(kFsdax, kDevdax),
            "as on the page that this one stands for"),
    word<W>(4, "index", kCount, kHmm | types(kFsdax, kDevdax),
            "as on the page that this one stands for (fsdax: or its share count)"),
    word<W>(5, "private", kCount, kHmm | types(kFsdax), "as on the page that this one stands for"),

    FieldRow{"_mapcount", 6 * W, 0, 32, kMapcount, kUser | kDevice | kTailTypes,
             "mappings, from -1"},
    FieldRow{"page_type", 6 * W, 0, 32, kConstant, types(kFree, kSlab, kPageTable),
             "what a page that cannot be mapped is, in bits 31 to 24"},
    FieldRow{"_refcount", 6 * W + 4, 0, 32, kRefcount, ~kTailTypes, "references"},
    FieldRow{"_refcount", 6 * W + 4, 0, 32, kPoison, kTailTypes, "0: references go to the head"},
    FieldRow{"memcg_data", 6 * W + 8, 0, W * 8, kPointer, kUser | kHmm,
             "the cgroup that is charged", false, ObjectKind::kMemCgroup},
    FieldRow{"obj_exts", 6 * W + 8, 0, W * 8, kPointer, types(kSlab),
             "the cgroups that the objects are charged to", false, ObjectKind::kMemCgroup},
    FieldRow{"pt_memcg_data", 6 * W + 8, 0, W * 8, kPointer, types(kPageTable),
             "the cgroup that is charged", false, ObjectKind::kMemCgroup},
};

// CONFIG_64BIT only: there it fits without taking a word from others.
constexpr std::array kOwn64 = {
    folio_count<8>(4, "_folio_nr_pages", kConstant, "pages of the folio")};
constexpr std::array<FieldRow, 0> kOwn32 = {};

#define PAGEBOX_FLAGS_6_12                                                                        \
  FlagBit{Flag::kLocked, 0}, {Flag::kWriteback, 1}, {Flag::kReferenced, 2}, {Flag::kUptodate, 3}, \
      {Flag::kDirty, 4}, {Flag::kLru, 5}, {Flag::kHead, 6}, {Flag::kWaiters, 7},                  \
      {Flag::kActive, 8}, {Flag::kWorkingset, 9}, {Flag::kOwnerPriv1, 10}, {Flag::kOwner2, 11},   \
      {Flag::kArch1, 12}, {Flag::kReserved, 13}, {Flag::kPrivate, 14}, {Flag::kPrivate2, 15},     \
      {Flag::kReclaim, 16}, {Flag::kSwapBacked, 17}, {Flag::kUnevictable, 18},                    \
      {Flag::kMlocked, 19}, {Flag::kHwpoison, 20}

constexpr std::array<FlagBit, 24> kFlags64 = {
    PAGEBOX_FLAGS_6_12, {Flag::kYoung, 21}, {Flag::kIdle, 22}, {Flag::kArch2, 23}};
constexpr std::array<FlagBit, 22> kFlags32 = {PAGEBOX_FLAGS_6_12, {Flag::kArch2, 21}};
#undef PAGEBOX_FLAGS_6_12

constexpr EraRow kEra = {.kernel = "v6.12",
                         .buddy_type = 0xf0000000,
                         .table_type = 0xf2000000,
                         .slab_type = 0xf5000000,
                         .hugetlb_type = 0xf4000000};

constexpr std::array<LayoutTable, 2> kTables = {{
    {.name = "linux-6.12",
     .summary = "struct page and folio of v6.12: the pin count of a large folio in page[1]",
     .kconfig = {.name = "x86-64, 64 CPUs, 64 nodes, MEMCG, LRU_GEN",
                 .node_bits = 6,
                 .zone_bits = 3,
                 .last_cpupid_bits = 14,
                 .lru_gen_bits = 3,
                 .lru_refs_bits = 2,
                 .align_bytes = 16},
     .era = kEra,
     .types = kCore | kDevice,
     .compound_types = kCompoundTypes | types(kDevdax),
     .flags = kFlags64,
     .common = kCommon<8>,
     .own = kOwn64,
     .pincount = {.tail = 1, .offset_bytes = 28, .min_order = 1},
     .order_offset = 0},
    {.name = "linux-6.12-32",
     .summary = "v6.12 with 4-byte words",
     .word_bytes = 4,
     .stride_bytes = 40,
     .kconfig = {.name = "x86-32, FLATMEM, MEMCG, cmpxchg8b", .zone_bits = 2, .align_bytes = 8},
     .era = kEra,
     .types = kCore,
     .compound_types = kCompoundTypes,
     .flags = kFlags32,
     .common = kCommon<4>,
     .own = kOwn32,
     .pincount = {.tail = 1, .offset_bytes = 20, .min_order = 1},
     .order_offset = 0},
}};

}  // namespace
}  // namespace layout_tables_6_12

std::span<const LayoutTable> layouts_6_12() { return layout_tables_6_12::kTables; }

}  // namespace pagebox::inline PAGEBOX_ENV
