// Sandbox addresses: what resolves, and the low bits that the facts list.
#include "page/address.h"

#include <gtest/gtest.h>

#include "page/list.h"

namespace pagebox {
namespace {

AddressMap map_of(std::string_view name) { return AddressMap(shape_of(*find_layout(name))); }

TEST(Address, PagesLieAtMultiplesOfTheStride) {
  const AddressMap map = map_of("linux-6.12");
  EXPECT_EQ(map.of_page({3}), 0xffffea0000000000 + 3 * 64);
  EXPECT_EQ(map.of_lru({3}), map.of_page({3}) + 8);
  EXPECT_EQ(map_of("linux-4.20-counter").of_page({3}), 0xffffea0000000000 + 3 * 80);
}

TEST(Address, OnlyDescriptorsBelowTheEndResolve) {
  for (const Layout& layout : builtin_layouts()) {
    const AddressMap map(shape_of(layout));
    const std::uint64_t pages = 1000, last = map.of_page({999});
    EXPECT_EQ(map.page_at(last, pages), Pfn{999});
    EXPECT_EQ(map.page_at(last, 999), std::nullopt);
    EXPECT_EQ(map.page_at(last + 1, pages), std::nullopt);
    EXPECT_EQ(map.page_at(last - layout.word_bytes, pages), std::nullopt);
    EXPECT_EQ(map.page_at(0, pages), std::nullopt);
    EXPECT_EQ(map.page_at(~0ULL, pages), std::nullopt);
    EXPECT_EQ(map.page_at(map.of_page({0}) - layout.stride_bytes, pages), std::nullopt);
    EXPECT_EQ(map.page_of_lru(map.of_lru({5}), pages), Pfn{5});
    EXPECT_EQ(map.page_of_lru(map.of_page({5}), pages), std::nullopt);
    EXPECT_EQ(map.page_of_lru(map.list_poison1(), pages), std::nullopt);
  }
}

TEST(Address, KindsDoNotMix) {
  for (const Layout& layout : builtin_layouts()) {
    const AddressMap map(shape_of(layout));
    for (unsigned of = 0; of + 1 < kObjectKinds; ++of) {
      for (const std::uint64_t index : {std::uint64_t{0}, map.objects_per_kind() - 1}) {
        const std::uint64_t address = map.of_object(static_cast<ObjectKind>(of), index);
        EXPECT_EQ(map.page_at(address, max_pages(layout)), std::nullopt);
        EXPECT_LE(address, layout.word_bytes == 4 ? 0xffffffffU : ~0ULL);
        for (unsigned as = 0; as < kObjectKinds; ++as) {
          const auto found = map.object_at(static_cast<ObjectKind>(as), address);
          EXPECT_EQ(found, as == of ? std::optional(index) : std::nullopt) << of << " as " << as;
        }
        EXPECT_EQ(map.object_at(static_cast<ObjectKind>(of), address + 1), std::nullopt);
      }
    }
  }
}

TEST(Address, AnchorsLieAt8Modulo64) {
  const AddressMap map = map_of("linux-6.12");
  for (unsigned kind = 0; kind < 5; ++kind)
    EXPECT_EQ(map.of_object(ObjectKind::kLruAnchor, lru_anchor_index(2, kind)) % 64, 8U);
}

TEST(Address, PoisonIsThePoisonOfTheKernel) {
  const AddressMap wide = map_of("linux-6.12"), narrow = map_of("linux-6.12-32");
  EXPECT_EQ(wide.list_poison1(), 0xdead000000000100);
  EXPECT_EQ(wide.list_poison2(), 0xdead000000000122);
  EXPECT_EQ(wide.tail_mapping(), 0xdead000000000400);
  EXPECT_EQ(narrow.list_poison1(), 0x100U);
  EXPECT_EQ(narrow.list_poison2(), 0x122U);
  // Bits 0 to 7 of the first are clear: never a tail, never a flag of the RFC's.
  EXPECT_EQ(wide.list_poison1() & 0xff, 0U);
  // The second reads as "was on the LRU, count 72" to a packed word.
  EXPECT_EQ(wide.list_poison2() & 3, 2U);
  EXPECT_EQ((wide.list_poison2() & 0xffffffff) >> 2, 72U);
}

TEST(Address, LowBitsOfANeighbour64) {
  // bits 0, 1, 2, 4, 5 read 0 and bit 3 reads 1
  const AddressMap map = map_of("linux-4.20");
  for (std::uint64_t pfn = 0; pfn < 100; ++pfn) EXPECT_EQ(map.of_lru({pfn}) & 0x3f, 8U);
}

TEST(Address, LowBitsOfANeighbour32) {
  const auto bit2 = [](std::string_view layout, std::uint64_t pfn) {
    return map_of(layout).of_lru({pfn}) >> 2 & 1;
  };
  for (std::uint64_t pfn = 0; pfn < 100; ++pfn) {
    EXPECT_EQ(bit2("linux-4.20-zd-32", pfn), 1U);              // 32 bytes
    EXPECT_EQ(bit2("linux-6.12-32", pfn), 1U);                 // 40 bytes
    EXPECT_EQ(bit2("linux-4.20-32", pfn), (pfn + 1) % 2);      // 36 bytes: every second
    EXPECT_EQ(map_of("linux-4.20-32").of_lru({pfn}) & 3, 0U);  // never a tail
  }
}

TEST(Address, NarrowPagesEndBeforeTheObjects) {
  for (const Layout& layout : builtin_layouts()) {
    if (layout.word_bytes != 4) continue;
    const AddressMap map(shape_of(with_own_counter(layout)));
    EXPECT_LE(map.of_page({max_pages(layout)}), map.of_object(ObjectKind::kLruAnchor, 0));
  }
}

}  // namespace
}  // namespace pagebox
