// The audit of address spaces finds what is wrong, and nothing else.
#include "mm/fault/user_access.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

struct AuditMm : ::testing::Test {
  MmBox box;
  std::unique_ptr<Mm> mm = box.create_mm();

  void SetUp() override {
    ASSERT_EQ(map_anon(box.cpu(), *mm, kTestBase, 4), Errc::kOk);
    for (std::uint64_t i = 0; i < 4; ++i)
      ASSERT_EQ(store_word(box.cpu(), *mm, kTestBase + i * kPageBytes, i), FaultResult::kOk);
  }
  void TearDown() override { mm->exit(box.cpu()); }
  Page page(std::uint64_t index) {
    return box.machine->page(mm->page_table.find(kTestBase + index * kPageBytes).get().pfn());
  }
};

TEST_F(AuditMm, IsCleanAfterStoresAndAfterExit) {
  EXPECT_EQ(box.audit({mm.get()}), std::vector<std::string>{});
  mm->exit(box.cpu());
  lru_add_drain_all(box.cpu());
  box.machine->rcu.barrier();
  EXPECT_EQ(box.audit({}), std::vector<std::string>{});
}

TEST_F(AuditMm, FindsAReferenceThatNobodyHolds) {
  page(1).ref_add(1);
  const auto rows = box.audit({mm.get()});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NE(rows[0].find("refcount-accounted"), std::string::npos);
  page(1).ref_sub(1);
}

TEST_F(AuditMm, FindsAMappingTooMany) {
  page(2).mapcount_raw_add(1);
  const auto rows = box.audit({mm.get()});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NE(rows[0].find("mapcount-accounted"), std::string::npos);
  page(2).mapcount_raw_add(-1);
}

TEST_F(AuditMm, FindsAPageWhoseRmapLeadsElsewhere) {
  const std::uint64_t index = folio_index(page(0));
  page(0).set_word(4, index + 100);
  const auto rows = box.audit({mm.get()});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NE(rows[0].find("rmap-complete"), std::string::npos);
  page(0).set_word(4, index);
}

TEST_F(AuditMm, KnowsWhyAPinnedFrameOutlivesItsMapping) {
  Pfn pfn;
  ASSERT_EQ(pin_user_pages(box.cpu(), *mm, kTestBase, kFollWrite, std::span(&pfn, 1)).pages, 1U);
  ASSERT_EQ(do_munmap(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
  EXPECT_EQ(box.machine->frames.word(pfn), 0U);
  EXPECT_EQ(box.audit({mm.get()}, {{pfn, true}}), std::vector<std::string>{});
  EXPECT_EQ(box.audit({mm.get()}).size(), 2U);  // its count, and the balance of pins
  unpin_user_page(box.cpu(), pfn);
  EXPECT_EQ(box.audit({mm.get()}), std::vector<std::string>{});
}

}  // namespace
}  // namespace pagebox::testing
