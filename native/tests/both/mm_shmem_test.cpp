// Files in memory: what leaves the page cache.
#include "mm/fault/user_access.h"
#include "mm/swap/release.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

/// Pages that leave the cache are released in a batch, and before it the CPU's own batches of the
/// LRU are emptied: what it touched a moment ago is on its list then.
TEST(MmShmem, AHolePunchEmptiesTheBatchesWherePagesLeave) {
  MmBox box;
  auto mm = box.create_mm();
  constexpr std::uint64_t kFile = kTestBase + kPmdBytes;
  ASSERT_EQ(map_shmem(box.cpu(), *mm, kFile, 2), Errc::kOk);
  ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
  ASSERT_EQ(store_word(box.cpu(), *mm, kFile, 1), FaultResult::kOk);
  lru_add_drain_all(box.cpu());
  ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
  const Page touched = box.machine->page(mm->page_table.find(kTestBase).get().pfn());
  ASSERT_FALSE(touched.test(Flag::kLru));

  ASSERT_EQ(do_madvise(box.cpu(), *mm, kFile + kPageBytes, 1, Advice::kRemove), Errc::kOk);
  EXPECT_FALSE(touched.test(Flag::kLru)) << "no page left";
  ASSERT_EQ(do_madvise(box.cpu(), *mm, kFile, 1, Advice::kRemove), Errc::kOk);
  EXPECT_TRUE(touched.test(Flag::kLru));

  mm->exit(box.cpu());
  lru_add_drain_all(box.cpu());
  box.machine->rcu.barrier();
  EXPECT_EQ(box.audit({}), std::vector<std::string>{});
}

}  // namespace
}  // namespace pagebox::testing
