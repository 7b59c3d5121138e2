// hugetlb under pins: GUP, fork, and the schemes that have no room for them.
#include "tests/both/mm_hugetlb_fixture.h"

namespace pagebox::testing {
namespace {

struct MmHugetlbPins : MmHugetlbBox {};
INSTANTIATE_TEST_SUITE_P(Scheme, MmHugetlbPins,
                         ::testing::Values("refcount-bias", "folio-pincount", "refcount",
                                           "side-table", "own-counter", "sharded"));

TEST_P(MmHugetlbPins, PinsAreTheHeadsAndOutliveTheMapping) {
  map();
  const auto pins = pin(*mm, 100, 3, kFollWrite);
  ASSERT_EQ(pins.size(), 3U);
  EXPECT_EQ(pins[0], box.machine->pfn_of(folio(*mm)) + 100);
  expect_clean(pins);
  box.machine->frames.set_word(pins[1], 0, 77);
  EXPECT_EQ(load(*mm, 101), 77U);
  ASSERT_EQ(do_munmap(box.cpu(), *mm, kTestBase, kHuge), Errc::kOk);
  expect_pool(3, 0);
  expect_clean(pins);
  unpin(pins);
  expect_pool(4, 0);
}

TEST_P(MmHugetlbPins, SlowAndFastGupAgree) {
  map(1, kVmRead);
  std::vector<Pfn> slow(2);
  ASSERT_EQ(pin_user_pages(box.cpu(), *mm, at(510), 0, slow).pages, 2U);
  const auto fast = pin(*mm, 510, 2, 0);
  EXPECT_EQ(slow, fast);
  EXPECT_EQ(get_user_pages(box.cpu(), *mm, at(0), kFollWrite, slow).error, Errc::kFault);
  EXPECT_EQ(get_user_pages(box.cpu(), *mm, at(0), kFollWrite | kFollForce, slow).error,
            Errc::kFault);  // no forced copy (v6.12)
  EXPECT_EQ(get_user_pages(box.cpu(), *mm, at(0), kFollSplitPmd, slow).error, Errc::kOpNotSupp);
  unpin(fast);
  unpin(fast);
}

TEST_P(MmHugetlbPins, ForkCopiesAPinnedPageAtOnce) {
  map();
  ASSERT_EQ(store(*mm, 1, 11), FaultResult::kOk);
  const auto pins = pin(*mm, 1, 1, kFollWrite);
  ASSERT_EQ(pins.size(), 1U);
  fork();
  EXPECT_NE(folio(*mm), folio(*child));
  EXPECT_TRUE(page_anon_exclusive(folio(*mm)));
  EXPECT_TRUE(page_anon_exclusive(folio(*child)));
  EXPECT_TRUE(leaf(*mm).write());
  EXPECT_EQ(load(*child, 1), 11U);
  expect_clean(pins);
  ASSERT_EQ(store(*mm, 1, 12), FaultResult::kOk);
  EXPECT_EQ(box.machine->frames.word(pins[0]), 12U);
  EXPECT_EQ(load(*child, 1), 11U);
  unpin(pins);
}

TEST_P(MmHugetlbPins, ForkOfAPinnedPageFailsWithNoneLeft) {
  map(4);
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_EQ(store(*mm, i * kHuge, i), FaultResult::kOk);
  const auto pins = pin(*mm, 2 * kHuge, 1, kFollWrite);
  child = box.create_mm();
  EXPECT_EQ(dup_mmap(box.cpu(), *child, *mm), Errc::kNoMem);
  child->exit(box.cpu());
  child = nullptr;
  expect_clean(pins);
  ASSERT_EQ(store(*mm, 2 * kHuge, 22), FaultResult::kOk);
  EXPECT_EQ(box.machine->frames.word(pins[0]), 22U);
  unpin(pins);
}

TEST_P(MmHugetlbPins, APinWithoutWriteUnsharesFirst) {
  map();
  ASSERT_EQ(store(*mm, 4, 44), FaultResult::kOk);
  fork();
  const auto pins = pin(*mm, 4, 1, 0);
  ASSERT_EQ(pins.size(), 1U);
  if (box.memmap->shape().anon_exclusive) {
    EXPECT_NE(folio(*mm), folio(*child));
    EXPECT_TRUE(page_anon_exclusive(folio(*mm)));
    EXPECT_FALSE(leaf(*mm).write());
  }
  expect_clean(pins);
  ASSERT_EQ(store(*mm, 4, 45), FaultResult::kOk);
  EXPECT_EQ(box.machine->frames.word(pins[0]), 45U);
  unpin(pins);
}

// Schemes that count where a page of the pool has something else.
struct MmHugetlbNoRoom : ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Scheme, MmHugetlbNoRoom,
                         ::testing::Values("lru-overlay", "packed-64", "packed-32", "flag-and-word",
                                           "mapcount-overlay"));

TEST_P(MmHugetlbNoRoom, PinsAreRefusedAndAllElseWorks) {
  MmBox box{1, GetParam(), 1 << 12, 0, with_pool(2)};
  auto mm = box.create_mm();
  ASSERT_EQ(map_hugetlb(box.cpu(), *mm, kTestBase, kHuge), Errc::kOk);
  ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
  Pfn pfn;
  const GupResult pinned =
      pin_user_pages_fast(box.cpu(), *mm, kTestBase, kFollWrite, std::span(&pfn, 1));
  const bool typed = box.memmap->shape().hugetlb_type != 0;
  const bool has_room = std::string_view(GetParam()) == "mapcount-overlay" && !typed;
  EXPECT_EQ(pinned.error, has_room ? Errc::kOk : Errc::kOpNotSupp);
  if (has_room) unpin_user_page(box.cpu(), pfn);
  auto child = box.create_mm();
  ASSERT_EQ(dup_mmap(box.cpu(), *child, *mm), Errc::kOk);
  ASSERT_EQ(store_word(box.cpu(), *child, kTestBase, 2), FaultResult::kOk);
  EXPECT_EQ(box.audit({mm.get(), child.get()}), std::vector<std::string>{});
  child->exit(box.cpu());
  mm->exit(box.cpu());
  EXPECT_EQ(box.audit({}), std::vector<std::string>{});
  EXPECT_EQ(box.machine->hugetlb.counts().free, 2U);
}

}  // namespace
}  // namespace pagebox::testing
