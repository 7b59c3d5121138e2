// v7.2: as v6.12 (layouts_6_12.cpp), but for page[1], where the counts that say which two
// address spaces map a folio have moved in, and what word 1 of a tail says. Offsets in words
// of W bytes; with 4-byte words the pins and the entire mapcount have moved on to page[2].
//
//       64 bit: page[1]                      32 bit: page[1]          page[2]
//    W0 order, flags                         order, flags             flags
//    W1 compound_info: a mask                compound_info: address   compound_info
//    W2 _large_mapcount, _nr_pages_mapped    _large_mapcount          _deferred_list
//    W3 _entire_mapcount, _pincount          _nr_pages_mapped         _deferred_list
//    W4 _mm_id_mapcount                      _mm_id_mapcount          _entire_mapcount
//    W5 _mm_ids                              _mm_ids                  _pincount
//    W6 _mapcount, 0                         _mapcount                _mapcount
//    W7 _folio_nr_pages, -                   0                        0
//    W8                                      _folio_nr_pages          -
#include <array>

#include "page/layout_table.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace layout_tables_7_2 {
namespace {

using enum PageType;
using enum FieldKind;

constexpr PageTypeSet kHmm = types(kDevicePrivateAnon, kDevicePrivateFile, kDeviceCoherent);
constexpr PageTypeSet kDevice = kHmm | types(kFsdax, kDevdax, kP2pdma);
constexpr PageTypeSet kCore =
    types(kFree, kAnon, kFile, kSlab, kCompoundHead, kTail, kSecondTail, kPageTable);
constexpr PageTypeSet kUser = types(kAnon, kFile, kCompoundHead);

constexpr FieldRow half(unsigned offset, std::string_view name, FieldKind kind, PageTypeSet types,
                        std::string_view meaning) {
  return {name, static_cast<std::uint16_t>(offset), 0, 32, kind, types, meaning};
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

    half(6 * W, "_mapcount", kMapcount, kUser | kDevice | kTailTypes, "mappings, from -1"),
    half(6 * W, "page_type", kConstant, types(kFree, kSlab, kPageTable),
         "what a page that cannot be mapped is, in bits 31 to 24"),
    half(6 * W + 4, "_refcount", kRefcount, ~kTailTypes, "references"),
    half(6 * W + 4, "_refcount", kPoison, kTailTypes, "0: references go to the head"),
    FieldRow{"memcg_data", 6 * W + 8, 0, W * 8, kPointer, kUser | kHmm,
             "the cgroup that is charged", false, ObjectKind::kMemCgroup},
    FieldRow{"obj_exts", 6 * W + 8, 0, W * 8, kPointer, types(kSlab),
             "the cgroups that the objects are charged to", false, ObjectKind::kMemCgroup},
    FieldRow{"pt_memcg_data", 6 * W + 8, 0, W * 8, kPointer, types(kPageTable),
             "the cgroup that is charged", false, ObjectKind::kMemCgroup},
};

constexpr std::array kOwn64 = {
    word<8>(1, "compound_head", kPageRef, kTailTypes,
            "which bits of the page's own address are the head's, bit 0 set"),
    half(16, "_large_mapcount", kMapcount, types(kTail), "mappings of any part, from -1"),
    half(20, "_nr_pages_mapped", kCount, types(kTail), "pages that are mapped"),
    half(24, "_entire_mapcount", kMapcount, types(kTail), "mappings of the whole folio, from -1"),
    half(28, "_pincount", kPincount, types(kTail), "pins of the folio"),
    word<8>(4, "_mm_id_mapcount", kCount, types(kTail), "mappings by each of two address spaces"),
    word<8>(5, "_mm_ids", kCount, types(kTail), "which two address spaces these are"),
    half(56, "_folio_nr_pages", kConstant, types(kTail), "pages of the folio"),
    half(44, "stride", kConstant, types(kSlab), "distance of the objects' extensions"),
};
constexpr std::array kOwn32 = {
    word<4>(1, "compound_head", kPageRef, kTailTypes, "the head's address, bit 0 set"),
    half(8, "_large_mapcount", kMapcount, types(kTail), "mappings of any part, from -1"),
    half(12, "_nr_pages_mapped", kCount, types(kTail), "pages that are mapped"),
    half(16, "_entire_mapcount", kMapcount, types(kSecondTail),
         "mappings of the whole folio, from -1"),
    half(20, "_pincount", kPincount, types(kSecondTail), "pins of the folio"),
    word<4>(4, "_mm_id_mapcount", kCount, types(kTail), "mappings by each of two address spaces"),
    word<4>(5, "_mm_ids", kCount, types(kTail), "which two address spaces these are"),
    half(32, "_folio_nr_pages", kConstant, types(kTail), "pages of the folio"),
};

#define PAGEBOX_FLAGS_7_2                                                                         \
  FlagBit{Flag::kLocked, 0}, {Flag::kWriteback, 1}, {Flag::kReferenced, 2}, {Flag::kUptodate, 3}, \
      {Flag::kDirty, 4}, {Flag::kLru, 5}, {Flag::kHead, 6}, {Flag::kWaiters, 7},                  \
      {Flag::kActive, 8}, {Flag::kWorkingset, 9}, {Flag::kOwnerPriv1, 10}, {Flag::kOwner2, 11},   \
      {Flag::kArch1, 12}, {Flag::kReserved, 13}, {Flag::kPrivate, 14}, {Flag::kPrivate2, 15},     \
      {Flag::kReclaim, 16}, {Flag::kSwapBacked, 17}, {Flag::kUnevictable, 18},                    \
      {Flag::kMlocked, 20}

constexpr std::array<FlagBit, 24> kFlags64 = {PAGEBOX_FLAGS_7_2,
                                              {Flag::kHwpoison, 21},
                                              {Flag::kYoung, 22},
                                              {Flag::kIdle, 23},
                                              {Flag::kArch2, 24}};
constexpr std::array<FlagBit, 20> kFlags32 = {PAGEBOX_FLAGS_7_2};
#undef PAGEBOX_FLAGS_7_2
constexpr std::array<NamedFlagRow, 1> kOther = {{{"dropbehind", 19}}};

constexpr EraRow kEra = {.kernel = "v7.2",
                         .buddy_type = 0xf0000000,
                         .table_type = 0xf2000000,
                         .slab_type = 0xf5000000,
                         .hugetlb_type = 0xf4000000};

constexpr std::array<LayoutTable, 2> kTables = {{
    {.name = "linux-7.2",
     .summary =
         "struct page and folio of v7.2, as Debian configures it for amd64: no flag bit left",
     .kconfig = {.name = "x86-64, Debian's amd64: 8192 CPUs, 1024 nodes, MEMCG, LRU_GEN",
                 .node_bits = 10,
                 .zone_bits = 3,
                 .last_cpupid_bits = 21,
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
     .order_offset = 0,
     .other_flags = kOther,
     .compound_head = CompoundHead::kMask},
    {.name = "linux-7.2-32",
     .summary = "v7.2 with 4-byte words: the pin count of a large folio in page[2]",
     .word_bytes = 4,
     .stride_bytes = 36,
     .kconfig = {.name = "arm, Debian's armmp-lpae: FLATMEM, MEMCG, LRU_GEN",
                 .zone_bits = 2,
                 .lru_gen_bits = 3,
                 .lru_refs_bits = 2,
                 .align_bytes = 4,
                 .zone_normal = 1},
     .era = kEra,
     .types = kCore,
     .compound_types = kCompoundTypes,
     .flags = kFlags32,
     .common = kCommon<4>,
     .own = kOwn32,
     .pincount = {.tail = 2, .offset_bytes = 20, .min_order = 2},
     .order_offset = 0,
     .other_flags = kOther},
}};

}  // namespace
}  // namespace layout_tables_7_2

std::span<const LayoutTable> layouts_7_2() { return layout_tables_7_2::kTables; }

}  // namespace pagebox::inline PAGEBOX_ENV
