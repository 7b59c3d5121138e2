// A layout says which word of the descriptor means what, for each type of page.
// The built-in ones are constexpr tables (layout_table.h); one declared by a user
// has the same shape and is checked by check_layout() before it is used.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/errc.h"
#include "page/flag.h"
#include "page/object_kind.h"
#include "page/page_type.h"
#include "page/rules.h"

namespace pagebox::inline PAGEBOX_ENV {

/// What a field holds; decides which values are legal in it (see fill.h).
enum class FieldKind : std::uint8_t {
  kFlags,     // page->flags
  kListNext,  // neighbour on a list, or the anchor; live on a list only
  kListPrev,
  kPageRef,   // compound_head: a page's address with bit 0 set
  kPointer,   // a kernel object, 8-aligned (4 where words have 4 bytes)
  kMapping,   // address_space, or anon_vma with bit 0 set
  kCount,     // an integer that may have any value
  kMapcount,  // -1 based
  kRefcount,  // every pin adds to it by right
  kPincount,  // exists to hold pins: claiming it collides with nothing
  kPoison,    // a constant that freeing checks (TAIL_MAPPING)
  kLock,      // a spinlock
  kConstant,  // set with the page's shape (order, type), the same while it lives
};

/// One field: `bits` wide, at bit `shift` of the bytes from `offset_bytes` on.
struct Field {
  std::string name;
  std::uint16_t offset_bytes = 0;
  std::uint8_t shift = 0;
  std::uint8_t bits = 0;
  FieldKind kind = FieldKind::kCount;
  PageTypeSet types;
  std::string meaning;
  /// The page types need this field here, but the layout has given the word to
  /// another one: a proposal's own conflict. Reported, not refused.
  bool contested = false;
  /// What a kPointer points to.
  ObjectKind object = ObjectKind::kDriverData;
};

/// The part of Kconfig that decides how many bits of page->flags are left.
struct Kconfig {
  std::string name;  // "x86-64, 64 CPUs, 64 nodes"
  std::uint8_t section_bits = 0, node_bits = 0, zone_bits = 0, last_cpupid_bits = 0,
               lru_gen_bits = 0;
  bool memcg = true;
  std::uint8_t lru_refs_bits = 0;
  /// struct page is aligned to this (two words where the kernel compares and
  /// swaps two at once); 0: 16 with 8-byte words, 4 with 4-byte words.
  std::uint8_t align_bytes = 0;
  std::uint8_t kasan_tag_bits = 0;
  /// What the zone's bits say (enum zone_type, which leaves out zones that are not
  /// configured): where RAM and devices are.
  std::uint8_t zone_normal = 2, zone_device = 4;
};

/// One field at the top of page->flags; below them come the flags.
struct HighField {
  std::string_view name;
  std::uint8_t shift = 0, bits = 0;
};

/// The kernel that the words are of.
struct Era {
  std::string kernel;  // "v4.20"
  /// How a machine of such pages behaves unless it is told otherwise.
  KernelRules rules = rules_of("v6.12");
  // The word that shares `_mapcount` says what a page without mappings is (v6.12's
  // values). A slab was a page flag until then, a hugetlb page had a destructor: 0.
  std::uint32_t buddy_type = 0xf0000000, table_type = 0xf2000000, slab_type = 0xf5000000,
                hugetlb_type = 0xf4000000;
};

/// Where the exact pin count of a large folio lives.
struct PincountPlace {
  std::uint16_t tail = 0;             // n: page[n]; 0: the layout has none
  std::uint16_t offset_bytes = 0;     // in that tail, of 32 aligned bits
  std::uint8_t min_order = 1;         // smallest folio that has it
  std::uint8_t shift = 0, bits = 32;  // of these bits
  bool exists_in(unsigned order) const { return tail != 0 && order >= 1 && order >= min_order; }
};

struct FlagBit {
  Flag flag;
  std::uint8_t bit;
};

/// A flag that has a meaning in that kernel and none here: live on every type of page.
struct NamedFlagBit {
  std::string name;
  std::uint8_t bit = 0;
};

/// What word 1 of a tail says, bit 0 aside.
enum class CompoundHead : std::uint8_t {
  kAddress,  // of the head's descriptor
  kMask,     // which bits of the tail's own address are the head's (v7.1, strides of 2^n)
};
/// How the kernel's memory has a word's bytes. Boxes hold values: bit n of a word is bit n.
enum class ByteOrder : std::uint8_t { kLittle, kBig };

struct Layout {
  std::string name;
  std::string summary;          // one sentence: who proposed or shipped it
  std::uint8_t word_bytes = 8;  // 8 or 4
  std::uint16_t stride_bytes = 64;
  Kconfig kconfig;
  Era era;
  PageTypeSet types;                            // page types that exist in it
  PageTypeSet compound_types = kCompoundTypes;  // those that have orders above 0
  std::vector<FlagBit> flags;
  std::vector<NamedFlagBit> other_flags;
  /// The flag whose bit says PG_anon_exclusive on anonymous pages, where that exists.
  Flag anon_exclusive_flag = Flag::kOwner2;
  CompoundHead compound_head = CompoundHead::kAddress;
  ByteOrder byte_order = ByteOrder::kLittle;
  std::vector<Field> fields;
  PincountPlace pincount;
  std::uint16_t mapcount_offset = 48, refcount_offset = 52;
  std::uint16_t counter_offset = 0;  // a pin counter field of its own (0: none)
  std::uint16_t order_offset = 0;    // of the compound order (one byte) in page[1]
};

struct LayoutProblem {
  std::string field, other, what;  // "index" overlaps "pgmap" on device-private-anon
};
/// Everything wrong with a declared layout; empty if it can be used.
std::vector<LayoutProblem> check_layout(const Layout& layout);

/// The layout with a 32-bit counter after `_refcount` and the stride that
/// costs (Hubbard, 7 Dec 2018). It keeps its name; one that has a counter
/// already comes back unchanged.
Layout with_own_counter(const Layout& layout);

/// The built-in layouts, in the order of `pagebox layout`.
const std::vector<Layout>& builtin_layouts();
const Layout* find_layout(std::string_view name);

/// Bits of page->flags that are taken: flags, high fields, and what the word does not have.
std::uint64_t used_flag_bits(const Layout& layout);
/// Lowest bit of page->flags that neither a flag nor a high field uses; -1: none.
int lowest_free_flag_bit(const Layout& layout);
unsigned free_flag_bits(const Layout& layout);

/// The high fields of page->flags that have bits, from the top down: section,
/// node, zone, last_cpupid, kasan_tag, lru_gen, lru_refs.
std::vector<HighField> high_fields(const Layout& layout);

/// Whether the field is live in page[3] and those behind it, which have what all tails share.
bool is_of_later_tails(const Layout& layout, const Field& field);
/// The pin count of large folios as a field of page[3] or one behind it, which no page type names;
/// no bits: the layout has none there.
Field pincount_of_later_tail(const Layout& layout);

/// The first field of that name; null: none.
const Field* find_field(const Layout& layout, std::string_view name);

/// Whether the layout has pages of that type and order (order of the folio they belong to).
bool has_page(const Layout& layout, PageType type, unsigned order);

/// Pages that a pfn of this layout can name: 2^32 (pfns cross the API as 32-bit
/// numbers), 2^24 where words have 4 bytes.
std::uint64_t max_pages(const Layout& layout);

}  // namespace pagebox::inline PAGEBOX_ENV
