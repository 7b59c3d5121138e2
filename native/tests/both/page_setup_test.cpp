// Every page type of every layout: set up, recognised, consistent.
#include "page/setup.h"

#include <gtest/gtest.h>

#include <cstring>

#include "page/device_type.h"

namespace pagebox {
namespace {

using enum PageType;

struct OnePage {
  explicit OnePage(const Layout& layout) {
    EXPECT_EQ(Memmap::create(layout, 2048, 4096, memmap), Errc::kOk);
    zone = std::make_unique<Zone>(*memmap, kZoneNormal);
  }
  Errc setup(std::uint64_t pfn, const PageSetup& setup) {
    return setup_page(*memmap, *zone, {pfn}, setup);
  }
  Page page(std::uint64_t pfn) const { return memmap->page({pfn}); }
  std::unique_ptr<Memmap> memmap;
  std::unique_ptr<Zone> zone;
};

template <class Fn>
void for_each_page(Fn&& fn) {
  for (const Layout& layout : builtin_layouts())
    for (unsigned type = 0; type < kPageTypes; ++type)
      for (const unsigned order : {0U, 1U, 2U, 9U}) fn(layout, static_cast<PageType>(type), order);
}

TEST(Setup, WhatExistsIsRecognisedAndTheRestRefused) {
  for_each_page([](const Layout& layout, PageType type, unsigned order) {
    SCOPED_TRACE(layout.name + " " + std::string(kPageTypeNames[static_cast<unsigned>(type)]) +
                 " " + std::to_string(order));
    OnePage f(layout);
    const PageSetup setup{.type = type, .order = order};
    if (!has_page(layout, type, order)) {
      EXPECT_EQ(f.setup(1024, setup), Errc::kRefused);
      EXPECT_TRUE(f.memmap->is_untouched({1024}));
      return;
    }
    ASSERT_EQ(f.setup(1024, setup), Errc::kOk);
    const PageType expected = type == kAnon && order > 0 ? kCompoundHead : type;
    EXPECT_EQ(classify(*f.memmap, described_page(setup, {1024})), expected);
    EXPECT_EQ(folio_order(*f.memmap, f.page(1024)), order);
    EXPECT_EQ(f.page(1024).refcount() > 0, type != kFree);
    EXPECT_EQ(compound_head(*f.memmap, described_page(setup, {1024}) == Pfn{1024}
                                           ? f.page(1024)
                                           : f.page(described_page(setup, {1024}).value)),
              f.page(1024));
  });
}

TEST(Setup, SettingUpAgainLeavesNoTrace) {
  for_each_page([](const Layout& layout, PageType type, unsigned order) {
    if (!has_page(layout, type, order)) return;
    OnePage used(layout), fresh(layout);
    for (const PageType before : {kFile, kCompoundHead, kPageTable})
      ASSERT_EQ(used.setup(1024, {.type = before, .order = min_order(before) * 3}), Errc::kOk);
    ASSERT_EQ(used.setup(1024, {.type = type, .order = order}), Errc::kOk);
    ASSERT_EQ(fresh.setup(1024, {.type = type, .order = order}), Errc::kOk);
    const std::size_t bytes = 512U * layout.stride_bytes;
    EXPECT_EQ(std::memcmp(used.page(1024).at(), fresh.page(1024).at(), bytes), 0)
        << layout.name << " " << static_cast<unsigned>(type) << " " << order;
  });
}

TEST(Setup, ClearingGivesBackZeroedPages) {
  for_each_page([](const Layout& layout, PageType type, unsigned order) {
    if (!has_page(layout, type, order)) return;
    OnePage f(layout);
    ASSERT_EQ(f.setup(1024, {.type = type, .order = order}), Errc::kOk);
    ASSERT_EQ(clear_page(*f.memmap, *f.zone, {1024 + (order > 0 ? 1U : 0U)}), Errc::kOk);
    for (std::uint64_t pfn = 1024; pfn < 1024 + (1ULL << order); ++pfn)
      for (unsigned word = 0; word * layout.word_bytes < layout.stride_bytes; ++word)
        ASSERT_EQ(f.page(pfn).word(word), 0U);
    for (unsigned kind = 0; kind < kLruKinds; ++kind)
      EXPECT_EQ(f.zone->length(static_cast<LruKind>(kind)), 0U);
  });
}

TEST(Setup, Mappings) {
  OnePage f(*find_layout("linux-6.12"));
  ASSERT_EQ(f.setup(0, {.type = kAnon, .mapcount = 3}), Errc::kOk);
  EXPECT_EQ(f.page(0).mapcount_raw(), 2);
  EXPECT_EQ(f.page(0).refcount(), 3);
  ASSERT_EQ(f.setup(1, {.type = kFile, .mapcount = 0}), Errc::kOk);
  EXPECT_EQ(f.page(1).mapcount_raw(), -1);
  EXPECT_EQ(f.page(1).refcount(), 1);  // the page cache
  ASSERT_EQ(f.setup(512, {.type = kCompoundHead, .order = 9, .mapcount = 2}), Errc::kOk);
  EXPECT_EQ(f.page(512).mapcount_raw(), -1);
  EXPECT_EQ(f.page(512).refcount(), 2);
  const Shape& shape = f.memmap->shape();
  EXPECT_EQ(*f.page(513).u32(shape.entire_mapcount), 1U);
  EXPECT_EQ(*f.page(513).u32(shape.large_mapcount), 1U);
  EXPECT_EQ(*f.page(513).u32(shape.nr_pages_mapped), kEntirelyMapped);
}

TEST(Setup, DevicePagesFollowTheirEra) {
  OnePage old(*find_layout("linux-4.20")), now(*find_layout("linux-6.12"));
  ASSERT_EQ(old.setup(3000, {.type = kDevicePrivateAnon}), Errc::kOk);
  ASSERT_EQ(now.setup(3000, {.type = kDevicePrivateAnon}), Errc::kOk);
  EXPECT_EQ(old.page(3000).refcount(), 2);
  EXPECT_EQ(now.page(3000).refcount(), 1);
  ASSERT_EQ(now.setup(3001, {.type = kFsdax}), Errc::kOk);
  EXPECT_EQ(now.page(3001).refcount(), 2);
  for (const Page page : {old.page(3000), now.page(3000), now.page(3001)}) {
    EXPECT_TRUE(page.test(Flag::kReserved));
    EXPECT_FALSE(page.test(Flag::kLru));
    EXPECT_EQ(page.shape().zone_of(page.word(0)), kZoneDevice);
  }
  const auto pagemap =
      now.memmap->addresses().object_at(ObjectKind::kDevPagemap, now.page(3001).word(1));
  ASSERT_TRUE(pagemap);
  EXPECT_EQ(device_memory_of(*pagemap), static_cast<unsigned>(DeviceMemory::kFsdax));
}

TEST(Setup, TheRearrangedLayoutHasPgmapInWord4) {
  OnePage f(*find_layout("linux-4.20-zd"));
  ASSERT_EQ(f.setup(3000, {.type = kDevicePrivateAnon}), Errc::kOk);
  EXPECT_TRUE(f.memmap->addresses().object_at(ObjectKind::kDevPagemap, f.page(3000).word(4)));
  EXPECT_TRUE(f.memmap->addresses().object_at(ObjectKind::kDriverData, f.page(3000).word(5)));
  EXPECT_EQ(f.page(3000).word(1), 0U);
  EXPECT_EQ(f.page(3000).word(2), 0U);
}

TEST(Setup, BadPlaces) {
  OnePage f(*find_layout("linux-6.12"));
  EXPECT_EQ(f.setup(4096, {}), Errc::kInval);
  EXPECT_EQ(f.setup(~0ULL, {}), Errc::kInval);
  EXPECT_EQ(f.setup(1, {.type = kAnon, .order = 1}), Errc::kInval);
  EXPECT_EQ(f.setup(0, {.type = kAnon, .order = kMaxOrder + 1}), Errc::kInval);
  EXPECT_EQ(f.setup(0, {.type = kAnon, .mapcount = 0x80000000}), Errc::kInval);
  EXPECT_EQ(f.setup(4095, {}), Errc::kOk);
}

TEST(Setup, APageWithBrokenLinksIsLeftAlone) {
  OnePage f(*find_layout("linux-6.12"));
  ASSERT_EQ(f.setup(10, {}), Errc::kOk);
  f.page(10).set_word(1, 0x1230);
  EXPECT_EQ(f.setup(10, {.type = kFile}), Errc::kCorrupt);
  EXPECT_EQ(f.page(10).word(1), 0x1230U);
}

TEST(Classify, WordsNobodyWroteAreFree) {
  OnePage f(*find_layout("linux-6.12"));
  EXPECT_EQ(classify(*f.memmap, {5}), kFree);
}

}  // namespace
}  // namespace pagebox
