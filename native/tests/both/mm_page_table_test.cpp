// Page-table pages as descriptors.
#include "page/setup.h"
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {
namespace {

class PageTablePages : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Layouts, PageTablePages,
                         ::testing::Values("linux-4.20", "linux-4.20-zd", "linux-6.12"),
                         parameter_name);

TEST_P(PageTablePages, SayWhatTheyAreAsTheLayoutSaysIt) {
  DeviceBox box(DeviceMemory::kPrivate, 1, kDevicePages, GetParam());
  auto mm = box.create_mm(2);
  box.fill(*mm, 2, 1);
  unsigned tables = 0;
  mm->page_table.visit(
      [&](Pfn pfn) {
        ++tables;
        EXPECT_EQ(classify(*box.memmap, pfn), PageType::kPageTable) << pfn.value;
      },
      [](std::uint64_t, PteSlot) {});
  EXPECT_EQ(tables, 4U);
}

}  // namespace
}  // namespace pagebox::testing
