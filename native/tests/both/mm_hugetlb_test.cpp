// hugetlb: who may have a page of the pool, what maps it, and what system calls make of it.
#include "mm/migrate.h"
#include "tests/both/mm_hugetlb_fixture.h"

namespace pagebox::testing {
namespace {

struct MmHugetlb : MmHugetlbBox {};
INSTANTIATE_TEST_SUITE_P(Scheme, MmHugetlb, ::testing::Values("refcount-bias", "folio-pincount"));

TEST_P(MmHugetlb, MmapPromisesPagesAndAFaultHasOne) {
  map(2);
  expect_pool(4, 2);
  ASSERT_EQ(store(*mm, 3, 33), FaultResult::kOk);
  expect_pool(3, 1);
  EXPECT_TRUE(is_huge_leaf(leaf(*mm)));
  EXPECT_TRUE(leaf(*mm).write());
  EXPECT_TRUE(folio_test_hugetlb(folio(*mm)));
  EXPECT_TRUE(page_anon_exclusive(folio(*mm)));
  EXPECT_EQ(folio(*mm).refcount(), 1);
  EXPECT_EQ(folio_mapcount(folio(*mm)), 1);
  EXPECT_EQ(folio_entire_mapcount(folio(*mm)), 1);
  EXPECT_FALSE(folio(*mm).test(Flag::kLru));
  EXPECT_FALSE(folio(*mm).test(Flag::kSwapBacked));
  EXPECT_EQ(load(*mm, 3), 33U);
  EXPECT_EQ(load(*mm, 511), 0U);
  expect_clean();
  ASSERT_EQ(do_munmap(box.cpu(), *mm, kTestBase, 2 * kHuge), Errc::kOk);
  expect_pool(4, 0);
}

TEST_P(MmHugetlb, AReadMapsAPageOfZeroesThatIsItsOwnAndAWriteReusesIt) {
  map();
  EXPECT_EQ(load(*mm, 7), 0U);
  const Page first = folio(*mm);
  EXPECT_FALSE(leaf(*mm).write());
  EXPECT_TRUE(page_anon_exclusive(first));
  EXPECT_FALSE(box.machine->huge_zero_page());
  ASSERT_EQ(store(*mm, 7, 1), FaultResult::kOk);
  EXPECT_EQ(folio(*mm), first);
  EXPECT_TRUE(leaf(*mm).write());
  expect_clean();
}

TEST_P(MmHugetlb, APageThatComesAgainIsZeroes) {
  map();
  ASSERT_EQ(store(*mm, 9, 9), FaultResult::kOk);
  ASSERT_EQ(do_munmap(box.cpu(), *mm, kTestBase, kHuge), Errc::kOk);
  map(4);
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(load(*mm, i * kHuge + 9), 0U);
  expect_pool(0, 0);
}

TEST_P(MmHugetlb, RangesThatAreNotOfWholeHugePagesAreRefused) {
  Cpu& cpu = box.cpu();
  EXPECT_EQ(map_hugetlb(cpu, *mm, kTestBase, kHuge - 1), Errc::kInval);
  EXPECT_EQ(map_hugetlb(cpu, *mm, kTestBase + kPageBytes, kHuge), Errc::kInval);
  MmapRequest shared{.address = kTestBase, .pages = kHuge, .prot = kVmRead};
  shared.hugetlb = shared.shared = true;
  EXPECT_EQ(do_mmap(cpu, *mm, shared), Errc::kInval);
  map(2);
  ASSERT_EQ(store(*mm, 1, 1), FaultResult::kOk);
  EXPECT_EQ(do_munmap(cpu, *mm, at(1), 1), Errc::kInval);
  EXPECT_EQ(do_munmap(cpu, *mm, at(0), 1), Errc::kInval);
  EXPECT_EQ(do_munmap(cpu, *mm, at(0) - kPageBytes, 2), Errc::kInval);
  EXPECT_EQ(do_mprotect(cpu, *mm, at(0), 1, kVmRead), Errc::kInval);
  EXPECT_EQ(do_mprotect(cpu, *mm, at(8), kHuge, kVmRead), Errc::kInval);
  EXPECT_EQ(do_mremap(cpu, *mm, at(8), kHuge, kTestBase + 16 * kPmdBytes), Errc::kInval);
  EXPECT_EQ(do_mremap(cpu, *mm, at(0), kHuge, kTestBase + 16 * kPmdBytes + kPageBytes),
            Errc::kInval);
  EXPECT_EQ(do_mremap(cpu, *mm, at(0), 3, kTestBase + 16 * kPmdBytes), Errc::kInval);
  EXPECT_EQ(load(*mm, 1), 1U);
  ASSERT_EQ(mm->vmas.size(), 1U);
  expect_clean();
}

TEST_P(MmHugetlb, NoMoreIsPromisedThanIsFree) {
  Cpu& cpu = box.cpu();
  EXPECT_EQ(map_hugetlb(cpu, *mm, kTestBase, 5 * kHuge), Errc::kNoMem);
  expect_pool(4, 0);
  map(3);
  EXPECT_EQ(map_hugetlb(cpu, *mm, kTestBase + 8 * kPmdBytes, 2 * kHuge), Errc::kNoMem);
  ASSERT_EQ(map_hugetlb(cpu, *mm, kTestBase + 8 * kPmdBytes, kHuge), Errc::kOk);
  expect_pool(4, 4);
  ASSERT_EQ(do_munmap(cpu, *mm, kTestBase, 2 * kHuge), Errc::kOk);
  expect_pool(4, 2);
  EXPECT_EQ(mm->vmas.size(), 2U);
  expect_clean();
}

TEST_P(MmHugetlb, ItNeverMergesAndIsCutBetweenHugePages) {
  Cpu& cpu = box.cpu();
  map(3);
  ASSERT_EQ(map_anon(cpu, *mm, at(3 * kHuge), 4), Errc::kOk);
  ASSERT_EQ(map_hugetlb(cpu, *mm, kTestBase - kPmdBytes, kHuge), Errc::kOk);
  EXPECT_EQ(mm->vmas.size(), 3U);
  ASSERT_EQ(do_mprotect(cpu, *mm, at(kHuge), kHuge, kVmRead), Errc::kOk);
  EXPECT_EQ(mm->vmas.size(), 5U);
  EXPECT_EQ(store(*mm, kHuge, 1), FaultResult::kSigsegv);
  EXPECT_EQ(store(*mm, 2 * kHuge, 2), FaultResult::kOk);
  ASSERT_EQ(do_mprotect(cpu, *mm, at(kHuge), kHuge, kVmRead | kVmWrite), Errc::kOk);
  EXPECT_EQ(mm->vmas.size(), 5U);  // as the kernel's, which never merges them again
  EXPECT_EQ(store(*mm, kHuge, 1), FaultResult::kOk);
  expect_clean();
  expect_pool(2, 2);
}

TEST_P(MmHugetlb, MprotectChangesTheLeafAndAWriteMakesItWritableAgain) {
  map();
  ASSERT_EQ(store(*mm, 1, 1), FaultResult::kOk);
  const Page first = folio(*mm);
  ASSERT_EQ(do_mprotect(box.cpu(), *mm, kTestBase, kHuge, kVmRead), Errc::kOk);
  EXPECT_TRUE(is_huge_leaf(leaf(*mm)));
  EXPECT_FALSE(leaf(*mm).write());
  EXPECT_EQ(store(*mm, 1, 2), FaultResult::kSigsegv);
  ASSERT_EQ(do_mprotect(box.cpu(), *mm, kTestBase, kHuge, kVmRead | kVmWrite), Errc::kOk);
  EXPECT_FALSE(leaf(*mm).write());
  ASSERT_EQ(store(*mm, 1, 3), FaultResult::kOk);
  EXPECT_EQ(folio(*mm), first);
  ASSERT_EQ(do_mprotect(box.cpu(), *mm, kTestBase, kHuge, 0), Errc::kOk);
  EXPECT_EQ(touch(*mm, 1), FaultResult::kSigsegv);
  EXPECT_TRUE(is_huge_leaf(leaf(*mm)));
  ASSERT_EQ(do_mprotect(box.cpu(), *mm, kTestBase, kHuge, kVmRead | kVmWrite), Errc::kOk);
  EXPECT_EQ(load(*mm, 1), 3U);
  expect_clean();
}

TEST_P(MmHugetlb, ForkSharesAndAWriteCopiesWhatIsAnybodys) {
  map();
  ASSERT_EQ(store(*mm, 5, 50), FaultResult::kOk);
  ASSERT_EQ(store(*mm, 400, 70), FaultResult::kOk);
  fork();
  EXPECT_EQ(folio(*mm), folio(*child));
  EXPECT_EQ(folio(*mm).refcount(), 2);
  EXPECT_EQ(folio_mapcount(folio(*mm)), 2);
  EXPECT_FALSE(page_anon_exclusive(folio(*mm)));
  expect_clean();
  ASSERT_EQ(store(*child, 5, 51), FaultResult::kOk);
  EXPECT_NE(folio(*mm), folio(*child));
  EXPECT_EQ(load(*mm, 5), 50U);
  EXPECT_EQ(load(*child, 5), 51U);
  EXPECT_EQ(load(*child, 400), 70U) << "copied with the rest of the huge page";
  const Page before = folio(*mm);
  ASSERT_EQ(store(*mm, 6, 60), FaultResult::kOk);  // alone again: no copy
  EXPECT_EQ(folio(*mm), before);
  expect_pool(2, 0);
  expect_clean();
}

TEST_P(MmHugetlb, AChildIsPromisedNothing) {
  map(4);
  ASSERT_EQ(store(*mm, 0, 1), FaultResult::kOk);
  fork();
  expect_pool(3, 3);
  EXPECT_EQ(store(*child, 0, 2), FaultResult::kSigbus);
  EXPECT_EQ(touch(*child, kHuge), FaultResult::kSigbus);
  EXPECT_EQ(load(*child, 0), 1U);
  for (std::uint64_t i = 1; i < 4; ++i) ASSERT_EQ(store(*mm, i * kHuge, i), FaultResult::kOk);
  expect_pool(0, 0);
  expect_clean();
}

TEST_P(MmHugetlb, WithNoneLeftTheParentTakesItsPageAndTheChildHasLostIt) {
  map(4);
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_EQ(store(*mm, i * kHuge, i + 1), FaultResult::kOk);
  fork();
  const Page shared = folio(*mm);
  ASSERT_EQ(store(*mm, 0, 10), FaultResult::kOk);
  EXPECT_EQ(folio(*mm), shared);
  EXPECT_EQ(folio_mapcount(shared), 1);
  EXPECT_EQ(load(*mm, 0), 10U);
  EXPECT_TRUE(leaf(*child).none());
  EXPECT_EQ(touch(*child, 0), FaultResult::kSigbus);
  EXPECT_EQ(load(*child, kHuge), 2U);  // the others are there
  expect_clean();
  // Also when there is a page again: zeroes would look like its data.
  ASSERT_EQ(do_munmap(box.cpu(), *mm, at(3 * kHuge), kHuge), Errc::kOk);
  ASSERT_EQ(do_munmap(box.cpu(), *child, at(3 * kHuge), kHuge), Errc::kOk);
  expect_pool(1, 0);
  EXPECT_EQ(touch(*child, 0), FaultResult::kSigbus);
  ASSERT_EQ(do_mremap(box.cpu(), *child, kTestBase, kHuge, kTestBase + 64 * kPmdBytes), Errc::kOk);
  std::uint64_t word = 0;
  EXPECT_EQ(load_word(box.cpu(), *child, kTestBase + 64 * kPmdBytes, word), FaultResult::kSigbus);
  expect_clean();
}

TEST_P(MmHugetlb, AGrandchildLosesItTooAndASiblingOfTheOwnerDoesNotWin) {
  map(4);
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_EQ(store(*mm, i * kHuge, i + 1), FaultResult::kOk);
  fork();
  auto grandchild = box.create_mm();
  ASSERT_EQ(dup_mmap(box.cpu(), *grandchild, *child), Errc::kOk);
  EXPECT_EQ(store(*child, 0, 5), FaultResult::kSigbus);  // owns nothing
  ASSERT_EQ(store(*mm, 0, 10), FaultResult::kOk);
  EXPECT_EQ(touch(*child, 0), FaultResult::kSigbus);
  EXPECT_EQ(touch(*grandchild, 0), FaultResult::kSigbus);
  EXPECT_EQ(box.audit({mm.get(), child.get(), grandchild.get()}), std::vector<std::string>{});
  grandchild->exit(box.cpu());
}

TEST_P(MmHugetlb, MremapMovesTheLeafAndThePromises) {
  Cpu& cpu = box.cpu();
  map(3);
  ASSERT_EQ(store(*mm, kHuge, 7), FaultResult::kOk);
  const Page first = folio(*mm, 1);
  const std::uint64_t to = kTestBase + 32 * kPmdBytes;
  ASSERT_EQ(do_mremap(cpu, *mm, at(kHuge), 2 * kHuge, to), Errc::kOk);
  expect_pool(3, 2);
  expect_clean();
  EXPECT_EQ(box.machine->page(mm->page_table.find_pmd(to).get().pfn()), first);
  EXPECT_EQ(folio_mapcount(first), 1);
  EXPECT_EQ(touch(*mm, kHuge), FaultResult::kSigsegv);
  ASSERT_EQ(store_word(cpu, *mm, to + kPmdBytes, 8), FaultResult::kOk);
  ASSERT_EQ(store(*mm, 0, 9), FaultResult::kOk);
  expect_pool(1, 0);
  expect_clean();
}

TEST_P(MmHugetlb, DontneedFreesWholePagesAndPromisesThemAgain) {
  Cpu& cpu = box.cpu();
  map(2);
  ASSERT_EQ(store(*mm, 0, 1), FaultResult::kOk);
  ASSERT_EQ(store(*mm, kHuge, 2), FaultResult::kOk);
  expect_pool(2, 0);
  EXPECT_EQ(do_madvise(cpu, *mm, at(1), kHuge, Advice::kDontneed), Errc::kInval);
  ASSERT_EQ(do_madvise(cpu, *mm, at(0), kHuge - 1, Advice::kDontneed), Errc::kOk);
  EXPECT_EQ(load(*mm, 0), 1U);  // rounded down to nothing
  ASSERT_EQ(do_madvise(cpu, *mm, at(0), kHuge + 7, Advice::kDontneed), Errc::kOk);
  expect_pool(3, 1);
  EXPECT_EQ(load(*mm, kHuge), 2U);
  EXPECT_EQ(load(*mm, 0), 0U);
  expect_pool(2, 0);
  expect_clean();
}

TEST_P(MmHugetlb, DontneedOfAPinnedPagePromisesAnotherIfThereIsOne) {
  Cpu& cpu = box.cpu();
  map(4);
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_EQ(store(*mm, i * kHuge, i), FaultResult::kOk);
  const auto pins = pin(*mm, 0, 1, kFollWrite);
  ASSERT_EQ(do_madvise(cpu, *mm, at(0), kHuge, Advice::kDontneed), Errc::kOk);
  expect_pool(0, 0);
  EXPECT_EQ(touch(*mm, 0), FaultResult::kSigbus);
  expect_clean(pins);
  unpin(pins);
  expect_pool(1, 0);
  EXPECT_EQ(load(*mm, 0), 0U);
}

TEST_P(MmHugetlb, AdviceIsWhatTheKernelMakesOfIt) {
  Cpu& cpu = box.cpu();
  map();
  ASSERT_EQ(store(*mm, 0, 1), FaultResult::kOk);
  const auto advise = [&](Advice advice, std::uint64_t pages = kHuge) {
    return do_madvise(cpu, *mm, kTestBase, pages, advice);
  };
  for (const Advice advice : {Advice::kFree, Advice::kCold, Advice::kPageout, Advice::kWipeonfork})
    EXPECT_EQ(advise(advice), Errc::kInval);
  EXPECT_EQ(advise(Advice::kRemove), Errc::kAcces);
  for (const Advice advice : {Advice::kWillneed, Advice::kHugepage, Advice::kNohugepage,
                              Advice::kDofork, Advice::kKeeponfork})
    EXPECT_EQ(advise(advice), Errc::kOk);
  EXPECT_EQ(advise(Advice::kDontfork, 1), Errc::kInval);
  ASSERT_EQ(advise(Advice::kDontfork), Errc::kOk);
  fork();
  EXPECT_TRUE(child->vmas.empty());
  EXPECT_EQ(load(*mm, 0), 1U);
  expect_clean();
}

TEST_P(MmHugetlb, PopulateAndMlockFaultItIn) {
  map(2);
  ASSERT_EQ(do_madvise(box.cpu(), *mm, kTestBase, kHuge, Advice::kPopulateWrite), Errc::kOk);
  EXPECT_TRUE(leaf(*mm).write());
  ASSERT_EQ(do_mlock(box.cpu(), *mm, kTestBase, 2 * kHuge), Errc::kOk);
  expect_pool(2, 0);
  EXPECT_EQ(mm->vmas.size(), 1U);
  EXPECT_EQ(mm->vmas[0]->flags & kVmLocked, 0U);
  EXPECT_FALSE(folio(*mm).test(Flag::kMlocked));
  ASSERT_EQ(do_munlock(box.cpu(), *mm, kTestBase, 2 * kHuge), Errc::kOk);
  expect_clean();
}

TEST_P(MmHugetlb, ItIsNeitherReclaimedNorMovedNorSplit) {
  map();
  ASSERT_EQ(store(*mm, 0, 1), FaultResult::kOk);
  const Pfn pfn = box.machine->pfn_of(folio(*mm));
  EXPECT_FALSE(folio_isolate_lru(box.cpu(), folio(*mm)));
  EXPECT_EQ(compact_range(box.cpu(), Pfn{0}, Pfn{1 << 13}), 0U);
  clear_soft_dirty(box.cpu(), *mm);
  EXPECT_EQ(box.machine->pfn_of(folio(*mm)), pfn);
  EXPECT_TRUE(leaf(*mm).write());
  EXPECT_EQ(box.machine->swap.used_slots(), 0U);
  EXPECT_EQ(box.machine->deferred_split.length(), 0U);
  expect_clean();
}

/// A layout that cannot say of a page that it is a pool's is refused for a pool, and for nothing
/// else.
TEST(MmHugetlbPool, IsRefusedWhereTheLayoutHasNoMark) {
  for (const std::uint64_t pages : {0U, 1U}) {
    AssemblySettings parts;
    parts.ram.layout = *find_layout("linux-6.12");
    parts.ram.layout.era.hugetlb_type = 0;
    parts.ram.pages = 2048;
    parts.scheme = *find_scheme("refcount-bias");
    Assembly assembly;
    ASSERT_EQ(assembly.create(parts), Errc::kOk);
    ASSERT_FALSE(HugetlbPool::has_mark(assembly.memmap().shape()));
    std::string reason;
    EXPECT_EQ(assembly.start_machine({.hugetlb_pages = pages}, &reason),
              pages == 0 ? Errc::kOk : Errc::kRefused);
    EXPECT_EQ(reason, pages == 0 ? "" : "linux-6.12: the layout has no hugetlb pages");
  }
}

TEST_P(MmHugetlb, SmallAndTransparentHugePagesLiveBesideIt) {
  Cpu& cpu = box.cpu();
  map();
  ASSERT_EQ(map_anon(cpu, *mm, at(kHuge), kHuge), Errc::kOk);
  ASSERT_EQ(do_madvise(cpu, *mm, at(kHuge), kHuge, Advice::kHugepage), Errc::kOk);
  for (const std::uint64_t page : {std::uint64_t{0}, kHuge})
    ASSERT_EQ(store(*mm, page, 1), FaultResult::kOk);
  EXPECT_TRUE(folio_test_hugetlb(folio(*mm, 0)));
  EXPECT_FALSE(folio_test_hugetlb(folio(*mm, 1)));
  expect_clean();
  // One call over both, where only the small part may be cut.
  ASSERT_EQ(do_munmap(cpu, *mm, kTestBase, kHuge + 3), Errc::kOk);
  expect_pool(4, 0);
  expect_clean();
}

}  // namespace
}  // namespace pagebox::testing
