// Migration between frames: data and mappings follow, pinned pages stay.
#include "mm/fault/user_access.h"
#include "mm/gup/gup.h"
#include "mm/migrate.h"
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

}  // namespace
}  // namespace pagebox::testing
