// A layout boiled down to the numbers that code needs while it runs: loaded
// once a batch, no strings, no search.
#pragma once

#include <array>
#include <cstdint>

#include "base/env.h"
#include "page/flag.h"
#include "page/layout.h"

namespace pagebox::inline PAGEBOX_ENV {

/// The zones of a box, numbered as x86-64 counts them; what the bits of page->flags say is
/// the layout's matter. On x86-32 the first is HIGHMEM, where user memory lives too, and the
/// second does not exist.
inline constexpr unsigned kZoneNormal = 2, kZoneDevice = 4;

/// Byte offsets of the two links of a list.
struct ListWords {
  std::uint16_t next = 0, prev = 0;
};

struct Shape {
  std::uint16_t stride_bytes = 64;
  std::uint8_t word_bytes = 8;
  bool anon_exclusive = true;
  std::uint16_t mapcount = 48, refcount = 52;  // byte offsets
  std::uint16_t counter = 0;                   // own pin counter; 0: none
  std::uint16_t order = 0;                     // compound order, in page[1]
  std::uint16_t pincount = 0;                  // in page[pincount_tail]; tail 0: none
  std::uint16_t pincount_tail = 0;
  std::uint8_t pincount_min_order = 1;
  std::uint32_t pincount_mask = ~0U;  // in these 32 bits
  std::uint8_t zone_device_base = 0, private_base = 0;
  // The last one is kFlagAnonExclusive.
  std::array<std::int8_t, kFlags + 1> flag_bit{};     // -1: the flag does not exist here
  std::array<std::uint64_t, kFlags + 1> flag_mask{};  // the same as masks; 0: it does not
  std::uint8_t zone_shift = 0, zone_bits = 0, node_shift = 0, node_bits = 0;
  std::uint8_t section_shift = 0, section_bits = 0;
  std::uint8_t zone_normal = kZoneNormal, zone_device = kZoneDevice;  // what the bits say
  std::uint64_t zone_mask = 0, device_zone = ~0ULL;  // all ones: no page of a device
  bool compound_head_is_mask = false;

  // Byte offsets of fields that code reaches by their meaning; 0: none.
  // In page[1]: _large_mapcount, _entire_mapcount or compound_mapcount, ...
  std::uint16_t large_mapcount = 0, entire_mapcount = 0, nr_pages_mapped = 0, folio_nr_pages = 0,
                compound_dtor = 0;
  std::uint16_t deferred_list = 0;           // its next; in page[2]
  std::uint16_t pgmap = 0, driver_data = 0;  // of ZONE_DEVICE pages
  /// Words of user pages; 0 where no such page has them, or not as a whole word.
  std::uint16_t mapping = 0, index = 0, private_word = 0;
  std::uint16_t tail_mapping = 0;  // TAIL_MAPPING
  /// Links of LRU lists and of free blocks, and the order of a free block. Words 1, 2
  /// and 5 in a layout that does not say: the machine's own lists lie somewhere.
  ListWords lru, free_list;
  std::uint16_t buddy_order = 0;
  /// Of device pages that stand for others; 0 where a proposal left them no room.
  std::uint16_t device_mapping = 0, device_index = 0, device_private = 0;
  std::uint16_t pmd_huge_pte = 0, pt_mm = 0, ptl = 0;
  std::uint16_t memcg = 0;

  /// Values of the word that shares `_mapcount`; 0: no such page type here.
  std::uint32_t buddy_type = 0, table_type = 0, slab_type = 0, hugetlb_type = 0;
  /// page->flags of a page that was just initialised, but for zone and section.
  std::uint64_t initial_flags = 0;
  /// Flags of one life: a freed page loses them all, but for hwpoison.
  std::uint64_t life_flags = 0;
  /// log2 of the stride, 0 if it is no power of two.
  std::uint8_t stride_shift = 0;

  /// rcu_head lies over words 1 and 2 of whatever is freed by it.
  std::uint16_t rcu_next() const { return word(1); }
  std::uint16_t rcu_func() const { return word(2); }
  /// Byte offset of word n (0 = flags, 1..5 = the unions).
  std::uint16_t word(unsigned n) const { return static_cast<std::uint16_t>(n * word_bytes); }

  /// page->flags of an initialised page of that zone: zone, node 0, section, and
  /// last_cpupid "none".
  std::uint64_t flags_of_new_page(std::uint64_t pfn, unsigned zone) const {
    const std::uint64_t section = pfn >> kSectionShift & ((1ULL << section_bits) - 1);
    const std::uint64_t number = zone == kZoneDevice ? zone_device : zone_normal;
    return initial_flags | (number & ((1ULL << zone_bits) - 1)) << zone_shift |
           (section_bits != 0 ? section << section_shift : 0);
  }
  bool in_device_zone(std::uint64_t flags) const { return (flags & zone_mask) == device_zone; }
  unsigned zone_of(std::uint64_t flags) const {
    return static_cast<unsigned>(flags >> zone_shift & ((1ULL << zone_bits) - 1));
  }

 private:
  static constexpr unsigned kSectionShift = 29 - 12;  // 512 MiB, x86-32 PAE
};

Shape shape_of(const Layout& layout);

}  // namespace pagebox::inline PAGEBOX_ENV
