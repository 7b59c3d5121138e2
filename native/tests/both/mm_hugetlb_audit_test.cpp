// What the audit says of a page of the pool that is not as it should be.
#include "tests/both/mm_hugetlb_fixture.h"

namespace pagebox::testing {
namespace {

struct MmHugetlbAudit : MmHugetlbBox {};
INSTANTIATE_TEST_SUITE_P(Scheme, MmHugetlbAudit,
                         ::testing::Values("refcount-bias", "folio-pincount"));

TEST_P(MmHugetlbAudit, TheAuditFindsAMappingTooManyAndAReference) {
  map();
  ASSERT_EQ(store(*mm, 0, 1), FaultResult::kOk);
  folio_add_hugetlb_mapping(folio(*mm));
  auto rows = audit();
  ASSERT_FALSE(rows.empty());
  EXPECT_NE(rows[0].find("huge-counts-agree"), std::string::npos);
  folio_remove_hugetlb_mapping(folio(*mm));
  folio(*mm).ref_add(1);
  rows = audit();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NE(rows[0].find("refcount-accounted"), std::string::npos);
  folio(*mm).ref_sub(1);
  folio(*mm).set(Flag::kLru);
  rows = audit();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NE(rows[0].find("lru-membership"), std::string::npos);
  folio(*mm).clear(Flag::kLru);
  expect_clean();
}

TEST_P(MmHugetlbAudit, TheAuditFindsAWrongPromiseAndAWrongOwner) {
  map(2);
  ASSERT_EQ(store(*mm, 0, 1), FaultResult::kOk);
  const auto has = [&](const char* invariant, const char* text) {
    const auto rows = audit();
    for (const std::string& row : rows)
      if (row.find(invariant) == 0U && row.find(text) != std::string::npos) return true;
    return false;
  };
  ASSERT_EQ(box.machine->hugetlb.reserve(1), Errc::kOk);
  EXPECT_TRUE(has("hugetlb-counted", "promised to mappings"));
  box.machine->hugetlb.unreserve(1);
  const auto claims = mm->vmas[0]->hugetlb;
  mm->vmas[0]->hugetlb = nullptr;
  EXPECT_TRUE(has("hugetlb-where-asked", "belongs where one was asked for"));
  mm->vmas[0]->hugetlb = claims;
  ASSERT_EQ(box.machine->hugetlb.reserve(1), Errc::kOk);
  claims->promised.edit(0) = true;
  EXPECT_TRUE(has("hugetlb-counted", "still promised"));
  claims->promised.edit(0) = false;
  box.machine->hugetlb.unreserve(1);
  expect_clean();
}

TEST_P(MmHugetlbAudit, TheAuditFindsWhatIsWrongWithAFreePage) {
  const Page free = box.machine->page(box.machine->hugetlb.pages()[3]);
  const auto first = [&] {
    const auto rows = audit();
    for (const std::string& row : rows)
      if (row.find("hugetlb-counted") == 0U) return row;
    return std::string("nothing");
  };
  free.set_refcount(1);
  EXPECT_NE(first().find("references of a free huge page"), std::string::npos);
  free.set_refcount(0);
  folio_add_hugetlb_mapping(free);
  EXPECT_NE(first().find("mappings of a free huge page"), std::string::npos);
  folio_remove_hugetlb_mapping(free);
  const std::int32_t type = free.mapcount_raw();
  if (box.memmap->shape().hugetlb_type != 0) {
    free.set_mapcount_raw(-1);
    EXPECT_NE(first().find("no hugetlb page any more"), std::string::npos);
    free.set_mapcount_raw(type);
  }
  const std::uint64_t link = free.word(1);
  free.set_word(1, 0x1234560);
  EXPECT_NE(first().find("no closed ring"), std::string::npos);
  free.set_word(1, link);
  const std::uint64_t back = free.word(2);
  free.set_word(2, back | 1);  // a pin of packed-64
  EXPECT_NE(first().find("no closed ring"), std::string::npos);
  free.set_word(2, back);
  expect_clean();
}

TEST(MmHugetlbPool, NeedsRoom) {
  AssemblySettings parts;
  parts.ram.layout = *find_layout("linux-6.12");
  parts.ram.pages = 1024;
  parts.scheme = *find_scheme("refcount-bias");
  Assembly assembly;
  ASSERT_EQ(assembly.create(parts), Errc::kOk);
  EXPECT_EQ(assembly.start_machine(with_pool(2)), Errc::kNoMem);
}

}  // namespace
}  // namespace pagebox::testing
