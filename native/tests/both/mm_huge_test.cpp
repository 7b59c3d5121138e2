// Transparent huge pages: what maps them, what splits them, and who stops that.
#include "mm/fault/user_access.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "mm/huge/huge.h"
#include "mm/swap/reclaim.h"
#include "mm/swap/release.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

struct MmHuge : ::testing::TestWithParam<const char*> {
  MmBox box{2, GetParam(), 1 << 13, 0, with_huge_pages()};
  std::unique_ptr<Mm> mm = box.create_mm();
  std::unique_ptr<Mm> child;

  void SetUp() override {
    ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, kPagesPerPmd), Errc::kOk);
    ASSERT_EQ(do_madvise(box.cpu(), *mm, kTestBase, kPagesPerPmd, Advice::kHugepage), Errc::kOk);
  }
  void TearDown() override {
    if (child) child->exit(box.cpu());
    mm->exit(box.cpu());
    lru_add_drain_all(box.cpu());
    box.machine->rcu.barrier();
    EXPECT_EQ(box.audit({}), std::vector<std::string>{});
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
  Pte leaf(Mm& of) const { return of.page_table.find_pmd(kTestBase).get(); }
  bool is_leaf(Mm& of) const { return leaf(of).present() && leaf(of).huge(); }
  Page folio() const { return box.machine->page(leaf(*mm).pfn()); }
  Page page_at(std::uint64_t page) const {
    return box.machine->page(mm->page_table.find(at(page)).get().pfn());
  }
  void fork() {
    child = box.create_mm();
    ASSERT_EQ(dup_mmap(box.cpu(), *child, *mm), Errc::kOk);
  }
  std::vector<std::string> audit(std::vector<HeldReference> held = {}) {
    box.machine->rcu.barrier();  // tables that wait for walkers
    return child ? box.audit({mm.get(), child.get()}, std::move(held))
                 : box.audit({mm.get()}, std::move(held));
  }
};

INSTANTIATE_TEST_SUITE_P(Scheme, MmHuge, ::testing::Values("refcount-bias", "folio-pincount"));

TEST_P(MmHuge, AWriteMapsOneHugePageAndAReadTheHugeZeroPage) {
  EXPECT_EQ(load(*mm, 7), 0U);
  EXPECT_EQ(folio(), box.machine->huge_zero_page());
  ASSERT_EQ(do_madvise(box.cpu(), *mm, kTestBase, kPagesPerPmd, Advice::kDontneed), Errc::kOk);
  store(3, 33);
  ASSERT_TRUE(is_leaf(*mm));
  EXPECT_TRUE(leaf(*mm).write());
  EXPECT_EQ(folio_nr_pages(folio()), kPagesPerPmd);
  EXPECT_EQ(folio_entire_mapcount(folio()), 1);
  EXPECT_EQ(folio().refcount(), 1);
  EXPECT_EQ(load(*mm, 3), 33U);
  EXPECT_EQ(audit(), std::vector<std::string>{});
}

TEST_P(MmHuge, SmallMappingsAndThoseThatDidNotAskGetSmallPages) {
  ASSERT_EQ(do_madvise(box.cpu(), *mm, kTestBase, kPagesPerPmd, Advice::kNohugepage), Errc::kOk);
  store(0, 1);
  EXPECT_FALSE(is_leaf(*mm));
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase + 2 * kPmdBytes, kPagesPerPmd - 1), Errc::kOk);
  ASSERT_EQ(
      do_madvise(box.cpu(), *mm, kTestBase + 2 * kPmdBytes, kPagesPerPmd - 1, Advice::kHugepage),
      Errc::kOk);
  ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase + 2 * kPmdBytes, 1), FaultResult::kOk);
  EXPECT_TRUE(mm->page_table.find(kTestBase + 2 * kPmdBytes));
}

TEST_P(MmHuge, WritingOverHugeZeroesCopiesOneSmallPage) {
  EXPECT_EQ(load(*mm, 0), 0U);
  store(5, 55);
  EXPECT_FALSE(is_leaf(*mm));
  EXPECT_TRUE(box.machine->is_zero_pfn(mm->page_table.find(at(6)).get().pfn()));
  EXPECT_EQ(load(*mm, 5), 55U);
  EXPECT_EQ(audit(), std::vector<std::string>{});
}

TEST_P(MmHuge, UnmappingAPartSplitsTheMappingAndQueuesTheFolio) {
  store(0, 1);
  const Page folio = this->folio();
  EXPECT_FALSE(folio_test_partially_mapped(folio));
  ASSERT_EQ(do_munmap(box.cpu(), *mm, at(10), 2), Errc::kOk);
  EXPECT_FALSE(is_leaf(*mm));
  EXPECT_TRUE(folio_test_large(folio));
  EXPECT_EQ(folio_mapcount(folio), 510);
  EXPECT_EQ(folio.refcount(), 510);
  EXPECT_TRUE(folio_test_partially_mapped(folio));
  EXPECT_EQ(box.machine->deferred_split.length(), 1U);
  EXPECT_EQ(audit(), std::vector<std::string>{});
}

TEST_P(MmHuge, ForkSharesTheLeafAndAWriteCopiesOnePage) {
  store(0, 1);
  fork();
  EXPECT_TRUE(is_leaf(*child));
  EXPECT_FALSE(leaf(*mm).write());
  EXPECT_EQ(folio_entire_mapcount(folio()), 2);
  EXPECT_FALSE(page_anon_exclusive(folio()));
  EXPECT_EQ(audit(), std::vector<std::string>{});
  store(0, 2);
  EXPECT_FALSE(is_leaf(*mm));
  EXPECT_TRUE(is_leaf(*child));
  EXPECT_EQ(load(*child, 0), 1U);
  EXPECT_EQ(audit(), std::vector<std::string>{});
}

TEST_P(MmHuge, TheLastOwnerTakesTheLeafOver) {
  store(0, 1);
  fork();
  child->exit(box.cpu());
  store(1, 2);
  EXPECT_TRUE(is_leaf(*mm));
  EXPECT_TRUE(page_anon_exclusive(folio()));
}

TEST_P(MmHuge, ForkCopiesAPinnedHugePageNow) {
  store(4, 44);
  Pfn pfn;
  ASSERT_EQ(pin_user_pages_fast(box.cpu(), *mm, at(4), kFollWrite, std::span(&pfn, 1)).pages, 1U);
  EXPECT_TRUE(box.pins->maybe_pinned(pfn));
  EXPECT_EQ(pfn, box.machine->pfn_of(folio()) + 4);
  fork();
  EXPECT_FALSE(is_leaf(*child));
  EXPECT_TRUE(mm->page_table.find(at(4)).get().write());
  EXPECT_EQ(mm->page_table.find(at(4)).get().pfn(), pfn);
  EXPECT_EQ(load(*child, 4), 44U);
  EXPECT_EQ(audit({{pfn, true}}), std::vector<std::string>{});
  unpin_user_page(box.cpu(), pfn);
}

TEST_P(MmHuge, ASplitMakesSinglePagesAndZeroesBecomeTheZeroPage) {
  store(0, 1);
  store(511, 2);
  const Page head = folio();
  box.machine->get(head);
  folio_lock(head);
  EXPECT_EQ(split_folio(box.cpu(), head), Errc::kOk);
  folio_unlock(head);
  folio_put(box.cpu(), head);
  EXPECT_EQ(page_at(0), head);
  EXPECT_FALSE(folio_test_large(head));
  EXPECT_EQ(page_at(511).refcount(), 1);
  EXPECT_TRUE(page_at(511).test(Flag::kLru));
  EXPECT_TRUE(box.machine->is_zero_pfn(mm->page_table.find(at(1)).get().pfn()));
  EXPECT_EQ(load(*mm, 511), 2U);
  EXPECT_EQ(box.machine->deferred_split.length(), 0U);
  EXPECT_EQ(audit(), std::vector<std::string>{});
}

TEST_P(MmHuge, AReferenceOrAPinPreventsTheSplit) {
  store(0, 1);
  const Page head = folio();
  const auto try_split = [&] {
    box.machine->get(head);
    folio_lock(head);
    const Errc error = split_folio(box.cpu(), head);
    folio_unlock(head);
    folio_put(box.cpu(), head);
    return error;
  };
  Pfn pfn;
  ASSERT_EQ(get_user_pages(box.cpu(), *mm, at(9), 0, std::span(&pfn, 1)).pages, 1U);
  EXPECT_EQ(try_split(), Errc::kAgain);
  EXPECT_TRUE(is_leaf(*mm));
  put_user_page(box.cpu(), pfn);
  ASSERT_EQ(pin_user_pages(box.cpu(), *mm, at(9), kFollWrite, std::span(&pfn, 1)).pages, 1U);
  EXPECT_EQ(try_split(), Errc::kAgain);
  unpin_user_page(box.cpu(), pfn);
  EXPECT_EQ(try_split(), Errc::kOk);
}

TEST_P(MmHuge, IsSwappedOutAsAWholeAndComesBackPageByPage) {
  for (const std::uint64_t page : {0, 5, 511}) store(page, 100 + page);
  ASSERT_EQ(do_madvise(box.cpu(), *mm, kTestBase, kPagesPerPmd, Advice::kPageout), Errc::kOk);
  EXPECT_TRUE(mm->page_table.find(at(1)).get().entry().is_swap());
  EXPECT_EQ(box.machine->swap.used_slots(), kPagesPerPmd);
  EXPECT_EQ(audit(), std::vector<std::string>{});
  for (const std::uint64_t page : {0, 5, 511}) EXPECT_EQ(load(*mm, page), 100 + page);
  EXPECT_EQ(load(*mm, 1), 0U);
  EXPECT_EQ(audit(), std::vector<std::string>{});
}

TEST_P(MmHuge, WithoutRoomInSwapForAllOfItItIsSplitFirst) {
  // 1024 slots: one of them taken in each half leaves no block of 512.
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase + 4 * kPmdBytes, kPagesPerPmd + 1), Errc::kOk);
  for (std::uint64_t i = 0; i <= kPagesPerPmd; ++i)
    ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase + 4 * kPmdBytes + i * kPageBytes, 1 + i),
              FaultResult::kOk);
  ASSERT_EQ(
      do_madvise(box.cpu(), *mm, kTestBase + 4 * kPmdBytes, kPagesPerPmd + 1, Advice::kPageout),
      Errc::kOk);
  store(0, 1);
  ASSERT_EQ(do_madvise(box.cpu(), *mm, kTestBase, kPagesPerPmd, Advice::kPageout), Errc::kOk);
  EXPECT_TRUE(mm->page_table.find(at(0)).get().entry().is_swap());
  EXPECT_TRUE(box.machine->is_zero_pfn(mm->page_table.find(at(1)).get().pfn()));
  EXPECT_EQ(load(*mm, 0), 1U);
  EXPECT_EQ(audit(), std::vector<std::string>{});
}

TEST_P(MmHuge, AdviceAboutAPartSplitsOnlyWhatNobodyElseHolds) {
  store(0, 1);
  fork();
  ASSERT_EQ(do_madvise(box.cpu(), *mm, at(3), 1, Advice::kCold), Errc::kOk);
  EXPECT_TRUE(is_leaf(*mm));
  child->exit(box.cpu());
  ASSERT_EQ(do_madvise(box.cpu(), *mm, at(3), 1, Advice::kFree), Errc::kOk);
  EXPECT_FALSE(is_leaf(*mm));
  EXPECT_FALSE(folio_test_large(page_at(0)));
}

TEST_P(MmHuge, AdviceAboutAllOfItKeepsItWholeWhereSmallEntriesMapIt) {
  store(0, 1);
  ASSERT_EQ(do_mprotect(box.cpu(), *mm, at(1), 1, kVmRead), Errc::kOk);
  ASSERT_EQ(do_mprotect(box.cpu(), *mm, at(1), 1, kVmRead | kVmWrite), Errc::kOk);
  ASSERT_FALSE(is_leaf(*mm));
  ASSERT_EQ(do_madvise(box.cpu(), *mm, kTestBase, kPagesPerPmd, Advice::kCold), Errc::kOk);
  EXPECT_TRUE(folio_test_large(page_at(0)));
  EXPECT_EQ(audit(), std::vector<std::string>{});
}

TEST_P(MmHuge, MremapMovesTheLeafWithItsReserve) {
  store(2, 22);
  const Page moved = folio();
  ASSERT_EQ(do_mremap(box.cpu(), *mm, kTestBase, kPagesPerPmd, kTestBase + 64 * kPmdBytes),
            Errc::kOk);
  EXPECT_EQ(mm->page_table.find_pmd(kTestBase + 64 * kPmdBytes).get().pfn(),
            box.machine->pfn_of(moved));
  std::uint64_t word = 0;
  ASSERT_EQ(load_word(box.cpu(), *mm, kTestBase + 64 * kPmdBytes + 2 * kPageBytes, word),
            FaultResult::kOk);
  EXPECT_EQ(word, 22U);
  EXPECT_EQ(audit(), std::vector<std::string>{});
}

TEST_P(MmHuge, ProtectionOfAllOfItKeepsTheLeaf) {
  store(0, 1);
  ASSERT_EQ(do_mprotect(box.cpu(), *mm, kTestBase, kPagesPerPmd, kVmRead), Errc::kOk);
  EXPECT_TRUE(is_leaf(*mm) && !leaf(*mm).write());
  ASSERT_EQ(do_mprotect(box.cpu(), *mm, kTestBase, kPagesPerPmd, 0), Errc::kOk);
  EXPECT_TRUE(is_leaf(*mm));
  std::uint64_t word = 0;
  EXPECT_EQ(load_word(box.cpu(), *mm, kTestBase, word), FaultResult::kSigsegv);
  ASSERT_EQ(do_mprotect(box.cpu(), *mm, kTestBase, kPagesPerPmd, kVmRead | kVmWrite), Errc::kOk);
  EXPECT_TRUE(is_leaf(*mm) && leaf(*mm).write());
  ASSERT_EQ(do_mprotect(box.cpu(), *mm, at(1), 1, kVmRead), Errc::kOk);
  EXPECT_FALSE(is_leaf(*mm));
  EXPECT_EQ(load(*mm, 0), 1U);
}

// A scheme that only has references to go by sees one pin among them.
TEST(MmHugeReferences, ForkDoesNotShareAHugePageWithOnePin) {
  MmBox box(1, "refcount", 1 << 13, 0, with_huge_pages());
  auto mm = box.create_mm();
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, kPagesPerPmd), Errc::kOk);
  ASSERT_EQ(do_madvise(box.cpu(), *mm, kTestBase, kPagesPerPmd, Advice::kHugepage), Errc::kOk);
  Pfn pfn;
  ASSERT_EQ(pin_user_pages(box.cpu(), *mm, kTestBase, kFollWrite, std::span(&pfn, 1)).pages, 1U);
  auto child = box.create_mm();
  ASSERT_EQ(dup_mmap(box.cpu(), *child, *mm), Errc::kOk);
  ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 5), FaultResult::kOk);
  EXPECT_EQ(box.machine->frames.word(pfn), 5U);
  EXPECT_EQ(box.audit({mm.get(), child.get()}, {{pfn, true}}), std::vector<std::string>{});
  unpin_user_page(box.cpu(), pfn);
  child->exit(box.cpu());
  mm->exit(box.cpu());
}

// The audit finds each kind of damage.
TEST_P(MmHuge, AuditFindsAPmdMappingTooMany) {
  store(0, 1);
  folio_add_pmd_mapping(folio());
  const auto rows = audit();
  ASSERT_FALSE(rows.empty());
  EXPECT_NE(rows[0].find("huge-counts-agree"), std::string::npos);
  (void)folio_remove_pmd_mapping(folio());
}

TEST_P(MmHuge, AuditFindsATailMappedTooOften) {
  store(0, 1);
  folio_page(folio(), 7).mapcount_raw_add(1);
  const auto rows = audit();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NE(rows[0].find("mapcount-accounted"), std::string::npos);
  folio_page(folio(), 7).mapcount_raw_add(-1);
}

TEST_P(MmHuge, AuditFindsPagesMappedMiscounted) {
  store(0, 1);
  std::uint32_t* count = folio_page(folio(), 1).u32(folio().shape().nr_pages_mapped);
  atomics::fetch_add(count, 1U);
  const auto rows = audit();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NE(rows[0].find("huge-counts-agree"), std::string::npos);
  atomics::fetch_sub(count, 1U);
}

TEST_P(MmHuge, AuditFindsALeafWithoutATableInReserve) {
  store(0, 1);
  const PteSlot pmd = mm->page_table.find_pmd(kTestBase);
  const Pfn table = mm->page_table.withdraw(pmd).value;
  const auto rows = audit();
  ASSERT_EQ(rows.size(), 2U);  // and the table is nobody's
  EXPECT_NE((rows[0] + rows[1]).find("deposit-for-each-leaf"), std::string::npos);
  mm->page_table.deposit(pmd, table);
}

TEST_P(MmHuge, AuditFindsAPartiallyMappedFolioOffTheQueue) {
  store(0, 1);
  ASSERT_EQ(do_munmap(box.cpu(), *mm, at(10), 1), Errc::kOk);
  const Page folio = compound_head(*box.memmap, page_at(0));
  box.machine->deferred_split.remove(folio);
  folio_page(folio, 1).set(kFlagPartiallyMapped);
  const auto rows = audit();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NE(rows[0].find("deferred-linked"), std::string::npos);
  box.machine->deferred_split.add(folio, true);
}

TEST_P(MmHuge, AuditFindsABrokenLinkOfTheQueue) {
  store(0, 1);
  const Page tail = folio_page(folio(), 2);
  const unsigned word = tail.shape().deferred_list / tail.shape().word_bytes;
  const std::uint64_t next = tail.word(word);
  tail.set_word(word, 0x1234);
  const auto rows = audit();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NE(rows[0].find("deferred-linked"), std::string::npos);
  tail.set_word(word, next);
}

/// One huge page that somebody writes over.
struct MmHugeDamage : ::testing::Test {
  MmBox box{2, "refcount-bias", 1 << 13, 0, with_huge_pages()};
  std::unique_ptr<Mm> mm = box.create_mm();
  Page huge;

  void SetUp() override {
    ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, kPagesPerPmd), Errc::kOk);
    ASSERT_EQ(do_madvise(box.cpu(), *mm, kTestBase, kPagesPerPmd, Advice::kHugepage), Errc::kOk);
    ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
    huge = box.machine->page(mm->page_table.find_pmd(kTestBase).get().pfn());
    folio_lock(huge);
    box.machine->get(huge);
  }
  void TearDown() override {
    folio_unlock(huge);
    folio_put(box.cpu(), huge);
    mm->exit(box.cpu());
  }
};

TEST_F(MmHugeDamage, WhatWasUnmappedComesBackThoughTheFolioNamesAnotherOwner) {
  AnonVma* locked = folio_anon_vma(*box.machine, huge);
  ASSERT_NE(locked, nullptr);
  const std::uint64_t mapping = huge.word(3);
  for (const std::uint64_t wrong : {~std::uint64_t{0}, mapping + 8, kMappingAnon}) {
    Guard guard(locked->lock());
    freeze_mappings(box.cpu(), *locked, huge);
    huge.set_word(3, wrong);
    EXPECT_FALSE(mm->page_table.find(kTestBase).get().present());
    restore_frozen_mappings(box.cpu(), *locked, huge, false);
    EXPECT_TRUE(mm->page_table.find(kTestBase).get().present());
    huge.set_word(3, mapping);
  }
}

TEST_F(MmHugeDamage, TheSwapCacheKnowsItsPagesWhateverTheDescriptorSays) {
  ASSERT_TRUE(static_cast<bool>(add_to_swap(box.cpu(), huge)));
  const std::uint64_t slot = huge.word(5);
  for (const std::uint64_t wrong : {slot, slot + 3, slot - 3, ~std::uint64_t{0}}) {
    huge.set_word(5, wrong);
    for (const std::uint64_t page : {0, 5, 511}) {
      const auto index = folio_page_of_slot(*box.machine, huge, slot + page);
      ASSERT_EQ(index.error, Errc::kOk);
      EXPECT_EQ(index.value, page);
    }
    EXPECT_EQ(folio_page_of_slot(*box.machine, huge, slot + 512).error, Errc::kCorrupt);
  }
  EXPECT_EQ(box.machine->damage.total(), 9U);
  huge.set_word(5, slot);
}

}  // namespace
}  // namespace pagebox::testing
