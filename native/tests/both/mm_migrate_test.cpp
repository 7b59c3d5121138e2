// Migration between frames: data and mappings follow, pinned pages stay.
#include <set>
#include <vector>

#include "mm/fault/user_access.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "mm/migrate.h"
#include "mm/swap/release.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

TEST(MmMigrate, CompactionMovesPagesAndKeepsDataPinsAndCounts) {
  MmBox box;
  auto mm = box.create_mm();
  auto child = box.create_mm();
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, 8), Errc::kOk);
  for (std::uint64_t i = 0; i < 8; ++i)
    ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase + i * kPageBytes, 100 + i), FaultResult::kOk);
  Pfn pinned;
  ASSERT_EQ(pin_user_pages_fast(box.cpu(), *mm, kTestBase, kFollWrite, std::span(&pinned, 1)).pages,
            1U);
  ASSERT_EQ(dup_mmap(box.cpu(), *child, *mm), Errc::kOk);

  EXPECT_EQ(compact_range(box.cpu(), {0}, {box.memmap->pages()}), 8U);  // 7 shared, 1 the child's

  EXPECT_EQ(mm->page_table.find(kTestBase).get().pfn(), pinned);
  for (std::uint64_t i = 0; i < 8; ++i)
    for (Mm* each : {mm.get(), child.get()}) {
      std::uint64_t word = 0;
      ASSERT_EQ(load_word(box.cpu(), *each, kTestBase + i * kPageBytes, word), FaultResult::kOk);
      EXPECT_EQ(word, 100 + i);
    }
  EXPECT_EQ(box.audit({mm.get(), child.get()}, {{pinned, true}}), std::vector<std::string>{});
  unpin_user_page(box.cpu(), pinned);
  child->exit(box.cpu());
  mm->exit(box.cpu());
}

TEST(MmMigrate, ACompactionOfAFewPagesGoesOnWhereTheLastOneStopped) {
  MmBox box;
  auto mm = box.create_mm();
  constexpr std::uint64_t kPages = 8;
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, kPages), Errc::kOk);
  for (std::uint64_t i = 0; i < kPages; ++i)
    ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase + i * kPageBytes, 100 + i), FaultResult::kOk);
  const auto places = [&] {
    std::vector<Pfn> pfns;
    for (std::uint64_t i = 0; i < kPages; ++i)
      pfns.push_back(mm->page_table.find(kTestBase + i * kPageBytes).get().pfn());
    return pfns;
  };
  const auto moved_of = [&](std::uint64_t most) {
    const std::vector<Pfn> before = places();
    const unsigned moved = compact_some(box.cpu(), {0}, {box.memmap->pages()}, most);
    const std::vector<Pfn> after = places();
    std::set<Pfn> gone;
    for (std::uint64_t i = 0; i < kPages; ++i)
      if (before[i] != after[i]) gone.insert(before[i]);
    EXPECT_EQ(gone.size(), moved);
    return gone;
  };
  EXPECT_TRUE(moved_of(0).empty());
  const std::set<Pfn> first = moved_of(3), second = moved_of(3);
  EXPECT_EQ(first.size(), 3U);
  EXPECT_EQ(second.size(), 3U);
  EXPECT_LT(*second.rbegin(), *first.begin());
  // The rest is the end of this pass; the next one begins with what has moved.
  EXPECT_EQ(moved_of(kCompactCluster).size(), 2U);
  EXPECT_EQ(moved_of(kCompactCluster).size(), kPages);
  for (std::uint64_t i = 0; i < kPages; ++i) {
    std::uint64_t word = 0;
    ASSERT_EQ(load_word(box.cpu(), *mm, kTestBase + i * kPageBytes, word), FaultResult::kOk);
    EXPECT_EQ(word, 100 + i);
  }
  EXPECT_EQ(box.audit({mm.get()}, {}), std::vector<std::string>{});
  mm->exit(box.cpu());
}

Page page_of(MmBox& box, const Mm& mm, std::uint64_t nth) {
  return box.machine->page(mm.page_table.find(kTestBase + nth * kPageBytes).get().pfn());
}
/// Of the first page of `mm`, off its list.
void migrate_first(MmBox& box, const Mm& mm) {
  const Page page = page_of(box, mm, 0);
  ASSERT_TRUE(folio_isolate_lru(box.cpu(), page));
  ASSERT_EQ(migrate_folio(box.cpu(), page), Errc::kOk);
}

TEST(MmMigrate, APageOfALockedMappingLeavesNothingInTheMlockBatch) {
  MmBox box;
  auto mm = box.create_mm();
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
  ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
  ASSERT_EQ(do_mlock(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
  lru_add_drain_all(box.cpu());
  const Page before = page_of(box, *mm, 0);

  migrate_first(box, *mm);

  // A batch's reference would make the page look busy to whoever moves it next.
  const Page after = page_of(box, *mm, 0);
  EXPECT_FALSE(after == before);
  EXPECT_EQ(box.cpu().batches.mlock.held().size(), 0U);
  EXPECT_TRUE(after.test(Flag::kMlocked));
  lru_add_drain_all(box.cpu());
  EXPECT_EQ(after.refcount(), 1);
  migrate_first(box, *mm);
  lru_add_drain_all(box.cpu());
  EXPECT_TRUE(page_of(box, *mm, 0).test(Flag::kUnevictable));
  EXPECT_EQ(box.audit({mm.get()}), std::vector<std::string>{});
  mm->exit(box.cpu());
}

TEST(MmMigrate, APageOfAnUnlockedMappingLeavesTheMlockBatchAlone) {
  MmBox box;
  auto mm = box.create_mm();
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, 2), Errc::kOk);
  for (std::uint64_t i = 0; i < 2; ++i)
    ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase + i * kPageBytes, i), FaultResult::kOk);
  lru_add_drain_all(box.cpu());
  mlock_folio(box.cpu(), page_of(box, *mm, 1));

  migrate_first(box, *mm);

  EXPECT_EQ(box.cpu().batches.mlock.held().size(), 1U);
  munlock_folio(box.cpu(), page_of(box, *mm, 1));
  lru_add_drain_all(box.cpu());
  EXPECT_EQ(box.audit({mm.get()}), std::vector<std::string>{});
  mm->exit(box.cpu());
}

/// The bit says that an anonymous page is exclusive, which its entries bring back, and of a page of
/// a file something that goes with it.
TEST(MmMigrate, TheBitOfTwoMeaningsIsCarriedForFilesAlone) {
  MmBox box;
  auto mm = box.create_mm();
  constexpr std::uint64_t kFile = kTestBase + kPmdBytes;
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
  ASSERT_EQ(map_shmem(box.cpu(), *mm, kFile, 1), Errc::kOk);
  for (const std::uint64_t at : {kTestBase, kFile}) {
    ASSERT_EQ(store_word(box.cpu(), *mm, at, 1), FaultResult::kOk);
    const Page from = box.machine->page(mm->page_table.find(at).get().pfn());
    from.set(kFlagAnonExclusive);
    const auto fresh = box.machine->alloc_folio(box.cpu());
    ASSERT_TRUE(fresh);
    const Page to = fresh.value;
    folio_migrate_flags(box.cpu(), to, from);
    EXPECT_EQ(to.test(kFlagAnonExclusive), at == kFile);
    if (at == kFile) from.clear(kFlagAnonExclusive);
    folio_put(box.cpu(), to);
  }
  EXPECT_EQ(box.audit({mm.get()}), std::vector<std::string>{});
  mm->exit(box.cpu());
}

}  // namespace
}  // namespace pagebox::testing
