// Device pages keep pgmap and the driver's data in the words that some schemes
// count in: mm refuses to pin them there.
#include "mm/gup/gup.h"
#include "mm/gup/pin_question.h"
#include "tests/both/test_name.h"
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {
namespace {

struct Case {
  const char* scheme;
  bool has_room;
};
std::string test_name(const Case& of) { return pagebox::test_name(of.scheme); }
void PrintTo(const Case& of, std::ostream* out) { *out << of.scheme; }

class CoherentPins : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Scheme, CoherentPins,
                         ::testing::Values(Case{"refcount-bias", true}, Case{"side-table", true},
                                           Case{"own-counter", true},
                                           Case{"mapcount-overlay", true},
                                           Case{"lru-overlay", false}, Case{"packed-64", false},
                                           Case{"packed-32", false}, Case{"flag-and-word", false}),
                         parameter_name);

TEST_P(CoherentPins, AreRefusedWhereTheCountWouldOverwriteTheDevicesWords) {
  DeviceBox box(DeviceMemory::kCoherent, 1, kDevicePages, "linux-6.12", false, GetParam().scheme);
  auto mm = box.create_mm(2);
  box.fill(*mm, 2, 10);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  const Pfn on_device = mm->page_table.find(kBase).get().pfn();
  ASSERT_TRUE(box.machine->is_zone_device(on_device));
  const Page page = box.machine->page(on_device);
  const std::uint64_t pgmap = page.word(1), data = page.word(2);

  Pfn pfn;
  for (const bool fast : {true, false}) {
    const auto pin = fast ? &pin_user_pages_fast : &pin_user_pages;
    const GupResult had = pin(box.cpu(), *mm, kBase, kFollWrite, std::span(&pfn, 1));
    if (GetParam().has_room) {
      ASSERT_EQ(had.pages, 1U);
      EXPECT_EQ(pfn, on_device);
      unpin_user_page(box.cpu(), pfn);
    } else {
      EXPECT_EQ(had.pages, 0U);
      EXPECT_EQ(had.error, Errc::kOpNotSupp);
    }
    EXPECT_EQ(page.word(1), pgmap);
    EXPECT_EQ(page.word(2), data);
    EXPECT_EQ(box.audit({mm.get()}), kClean);
  }

  // A long-term pin moves the page to RAM first, where every scheme has room.
  const GupResult had =
      pin_user_pages(box.cpu(), *mm, kBase, kFollWrite | kFollLongterm, std::span(&pfn, 1));
  ASSERT_EQ(had.pages, 1U);
  EXPECT_FALSE(box.machine->is_zone_device(pfn));
  EXPECT_EQ(box.audit({mm.get()}, {{pfn, true}}), kClean);
  EXPECT_EQ(box.word(*mm, 0), 10U);
  unpin_user_page(box.cpu(), pfn);
  mirror->close(box.cpu());
  box.exit(*mm);
  EXPECT_EQ(box.audit({}), kClean);
}

}  // namespace
}  // namespace pagebox::testing
