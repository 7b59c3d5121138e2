// Small pages become a huge one: what they held is there, what others hold stays small.
#include "mm/fault/user_access.h"
#include "mm/file/files.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "mm/huge/huge.h"
#include "mm/swap/release.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

using Rows = std::vector<std::string>;

struct MmCollapse : ::testing::TestWithParam<const char*> {
  MmBox box{2, GetParam(), 1 << 13, 0, with_huge_pages()};
  std::unique_ptr<Mm> mm = box.create_mm();
  std::unique_ptr<Mm> child;

  void SetUp() override { ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, kPagesPerPmd), Errc::kOk); }
  void TearDown() override {
    EXPECT_EQ(audit(), Rows{});
    if (child) child->exit(box.cpu());
    mm->exit(box.cpu());
    lru_add_drain_all(box.cpu());
    EXPECT_EQ(box.audit({}), Rows{});
    EXPECT_EQ(box.machine->deferred_split.length(), 0U);
  }
  std::uint64_t at(std::uint64_t page) const { return kTestBase + page * kPageBytes; }
  void store(std::uint64_t page, std::uint64_t value) {
    ASSERT_EQ(store_word(box.cpu(), *mm, at(page), value), FaultResult::kOk);
  }
  std::uint64_t load(Mm& of, std::uint64_t page) {
    std::uint64_t word = ~0ULL;
    EXPECT_EQ(load_word(box.cpu(), of, at(page), word), FaultResult::kOk);
    return word;
  }
  Errc collapse(std::uint64_t page = 0, std::uint64_t pages = kPagesPerPmd) {
    return do_madvise(box.cpu(), *mm, at(page), pages, Advice::kCollapse);
  }
  bool is_huge() const {
    const PteSlot pmd = mm->page_table.find_pmd(kTestBase);
    return pmd && is_huge_leaf(pmd.get());
  }
  Rows audit(std::vector<HeldReference> held = {}) {
    return child ? box.audit({mm.get(), child.get()}, std::move(held))
                 : box.audit({mm.get()}, std::move(held));
  }
};

INSTANTIATE_TEST_SUITE_P(Scheme, MmCollapse, ::testing::Values("refcount-bias", "folio-pincount"));

TEST_P(MmCollapse, ContentsAndHolesAreThere) {
  store(0, 10);
  store(7, 17);
  store(kPagesPerPmd - 1, 20);
  EXPECT_EQ(load(*mm, 3), 0U);  // the zero page
  ASSERT_EQ(collapse(), Errc::kOk);
  EXPECT_TRUE(is_huge());
  EXPECT_EQ(load(*mm, 0), 10U);
  EXPECT_EQ(load(*mm, 7), 17U);
  EXPECT_EQ(load(*mm, kPagesPerPmd - 1), 20U);
  EXPECT_EQ(load(*mm, 3), 0U);
  EXPECT_EQ(load(*mm, 4), 0U);
  store(4, 14);
  EXPECT_TRUE(is_huge());            // writable, and all ours
  EXPECT_EQ(collapse(), Errc::kOk);  // it is huge already
}

TEST_P(MmCollapse, TheSmallPagesAreFree) {
  for (std::uint64_t i = 0; i < 40; ++i) store(i, i);
  const std::uint64_t before = box.allocator->free_pages();
  ASSERT_EQ(collapse(), Errc::kOk);
  lru_add_drain_all(box.cpu());
  EXPECT_EQ(box.allocator->free_pages(), before + 40 - kPagesPerPmd);
}

TEST_P(MmCollapse, APageThatIsPinnedKeepsAllOfThemSmall) {
  store(0, 10);
  store(5, 15);
  Pfn pfn;
  ASSERT_EQ(pin_user_pages_fast(box.cpu(), *mm, at(5), kFollWrite, std::span(&pfn, 1)).pages, 1U);
  EXPECT_EQ(collapse(), Errc::kAgain);
  EXPECT_FALSE(is_huge());
  EXPECT_EQ(mm->page_table.find(at(5)).get().pfn(), pfn);
  EXPECT_EQ(load(*mm, 0), 10U);
  EXPECT_EQ(audit({{pfn, true}}), Rows{});
  unpin_user_page(box.cpu(), pfn);
  EXPECT_EQ(collapse(), Errc::kOk);
  EXPECT_EQ(load(*mm, 5), 15U);
}

TEST_P(MmCollapse, WhatAChildSharesIsCopied) {
  store(0, 10);
  store(1, 11);
  child = box.create_mm();
  ASSERT_EQ(dup_mmap(box.cpu(), *child, *mm), Errc::kOk);
  EXPECT_EQ(collapse(), Errc::kInval);  // nothing may be written at once
  store(1, 21);
  ASSERT_EQ(collapse(), Errc::kOk);
  store(0, 20);
  EXPECT_EQ(load(*mm, 1), 21U);
  EXPECT_EQ(load(*child, 0), 10U);
  EXPECT_EQ(load(*child, 1), 11U);
}

TEST_P(MmCollapse, WhatIsInSwapIsReadFirst) {
  store(0, 10);
  store(1, 11);
  ASSERT_EQ(do_madvise(box.cpu(), *mm, at(0), 1, Advice::kPageout), Errc::kOk);
  ASSERT_FALSE(mm->page_table.find(at(0)).get().present());
  ASSERT_EQ(collapse(), Errc::kOk);
  EXPECT_EQ(load(*mm, 0), 10U);
  EXPECT_EQ(load(*mm, 1), 11U);
}

TEST_P(MmCollapse, ASplitMappingComesTogetherAgain) {
  ASSERT_EQ(do_madvise(box.cpu(), *mm, kTestBase, kPagesPerPmd, Advice::kHugepage), Errc::kOk);
  store(3, 13);
  ASSERT_TRUE(is_huge());
  ASSERT_EQ(do_mprotect(box.cpu(), *mm, at(9), 1, kVmRead), Errc::kOk);
  ASSERT_FALSE(is_huge());
  ASSERT_EQ(do_mprotect(box.cpu(), *mm, at(9), 1, kVmRead | kVmWrite), Errc::kOk);
  lru_add_drain_all(box.cpu());
  ASSERT_EQ(collapse(), Errc::kOk);
  EXPECT_TRUE(is_huge());
  EXPECT_EQ(load(*mm, 3), 13U);
}

TEST_P(MmCollapse, LockedMemoryStaysLocked) {
  store(0, 10);
  ASSERT_EQ(do_mlock(box.cpu(), *mm, kTestBase, kPagesPerPmd), Errc::kOk);
  ASSERT_EQ(collapse(), Errc::kOk);
  lru_add_drain_all(box.cpu());
  const Page folio = box.machine->page(mm->page_table.find_pmd(kTestBase).get().pfn());
  EXPECT_TRUE(folio.test(Flag::kMlocked));
  EXPECT_EQ(load(*mm, 0), 10U);
}

TEST_P(MmCollapse, RefusesWhatItCannotMakeHuge) {
  store(0, 10);
  EXPECT_EQ(collapse(0, 8), Errc::kOk);  // no whole 2 MiB in it: nothing to do
  EXPECT_FALSE(is_huge());
  EXPECT_EQ(collapse(0, 2 * kPagesPerPmd), Errc::kNoMem);  // a hole
  ASSERT_EQ(do_madvise(box.cpu(), *mm, kTestBase, kPagesPerPmd, Advice::kNohugepage), Errc::kOk);
  EXPECT_EQ(collapse(), Errc::kInval);
  EXPECT_FALSE(is_huge());
}

TEST_P(MmCollapse, EmptyMemoryIsNone) {
  EXPECT_EQ(collapse(), Errc::kInval);
  EXPECT_EQ(load(*mm, 0), 0U);
  EXPECT_EQ(collapse(), Errc::kInval);  // zero pages alone
}

TEST(MmCollapseMachine, WithoutHugePagesAndOfFilesItIsRefused) {
  MmBox small(1, "refcount-bias", 1 << 13);
  auto mm = small.create_mm();
  ASSERT_EQ(map_anon(small.cpu(), *mm, kTestBase, kPagesPerPmd), Errc::kOk);
  ASSERT_EQ(store_word(small.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
  EXPECT_EQ(do_madvise(small.cpu(), *mm, kTestBase, kPagesPerPmd, Advice::kCollapse), Errc::kInval);
  mm->exit(small.cpu());

  MmBox box(1, "refcount-bias", 1 << 13, 0, with_huge_pages());
  auto other = box.create_mm();
  MmapRequest request;
  request.address = kTestBase;
  request.pages = kPagesPerPmd;
  request.prot = kVmRead | kVmWrite;
  request.shared = true;
  request.file = create_shmem(*box.machine, kPagesPerPmd);
  ASSERT_NE(request.file, nullptr);
  ASSERT_EQ(do_mmap(box.cpu(), *other, request), Errc::kOk);
  ASSERT_EQ(store_word(box.cpu(), *other, kTestBase, 1), FaultResult::kOk);
  EXPECT_EQ(do_madvise(box.cpu(), *other, kTestBase, kPagesPerPmd, Advice::kCollapse),
            Errc::kInval);
  other->exit(box.cpu());
  put_file(box.cpu(), *request.file);
}

TEST(MmCollapseMachine, WithoutAHugePageItIsOutOfMemory) {
  MmBox box(1, "refcount-bias", 400, 0, with_huge_pages());
  auto mm = box.create_mm();
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, kPagesPerPmd), Errc::kOk);
  ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
  EXPECT_EQ(do_madvise(box.cpu(), *mm, kTestBase, kPagesPerPmd, Advice::kCollapse), Errc::kNoMem);
  std::uint64_t word = 0;
  EXPECT_EQ(load_word(box.cpu(), *mm, kTestBase, word), FaultResult::kOk);
  EXPECT_EQ(word, 1U);
  EXPECT_EQ(box.audit({mm.get()}), Rows{});
  mm->exit(box.cpu());
}

}  // namespace
}  // namespace pagebox::testing
