// What moves to a device and back, what stays, and that nothing is lost.
#include "mm/gup.h"
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {
namespace {

class Migrate : public ::testing::TestWithParam<DeviceMemory> {};
INSTANTIATE_TEST_SUITE_P(Memory, Migrate,
                         ::testing::Values(DeviceMemory::kPrivate, DeviceMemory::kCoherent),
                         parameter_name);

TEST_P(Migrate, moves_to_the_device_and_back_with_its_data) {
  DeviceBox box(GetParam());
  auto mm = box.create_mm(8);
  box.fill(*mm, 8, 100);
  Mirror* mirror = box.device->open(*mm);
  std::vector<std::byte> bytes(8 * kPageBytes);
  const MirrorResult there = mirror->migrate_to_device(box.cpu(), kBase, 8, bytes);
  EXPECT_EQ(there.error, Errc::kOk);
  EXPECT_EQ(there.cpages, 8U);
  EXPECT_EQ(box.device->pages_in_use(), 8U);
  EXPECT_EQ(box.audit({mm.get()}), kClean);
  const MirrorResult back = mirror->migrate_to_system(box.cpu(), kBase, 8);
  EXPECT_EQ(back.cpages, 8U);
  EXPECT_EQ(box.device->pages_in_use(), 0U);
  for (std::uint64_t i = 0; i < 8; ++i) EXPECT_EQ(box.word(*mm, i), 100 + i);
  EXPECT_EQ(box.audit({mm.get()}), kClean);
  mirror->close(box.cpu());
  box.exit(*mm);
}

TEST_P(Migrate, a_pinned_page_stays_where_it_is) {
  DeviceBox box(GetParam());
  auto mm = box.create_mm(3);
  box.fill(*mm, 3, 1);
  Pfn pinned;
  ASSERT_EQ(
      pin_user_pages(box.cpu(), *mm, kBase + kPageBytes, kFollWrite, std::span(&pinned, 1)).pages,
      1U);
  Mirror* mirror = box.device->open(*mm);
  EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 3, {}).error, Errc::kNoEnt);
  EXPECT_EQ(box.device->pages_in_use(), 2U);
  const Pte pte = mm->page_table.find(kBase + kPageBytes).get();
  EXPECT_TRUE(pte.present() && pte.write());
  EXPECT_EQ(pte.pfn(), pinned);
  EXPECT_EQ(box.audit({mm.get()}, {{pinned, true}}), kClean);
  unpin_user_page(box.cpu(), pinned);
  mirror->close(box.cpu());
  EXPECT_EQ(box.device->pages_in_use(), 0U);
  EXPECT_EQ(box.word(*mm, 2), 3U);
  box.exit(*mm);
}

TEST_P(Migrate, bad_ranges_and_small_buffers_change_nothing) {
  DeviceBox box(GetParam());
  auto mm = box.create_mm(4);
  box.fill(*mm, 4, 1);
  Mirror* mirror = box.device->open(*mm);
  std::vector<std::byte> small(2 * kPageBytes);
  std::vector<std::uint8_t> codes;
  EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 4, small).error, Errc::kInval);
  EXPECT_EQ(mirror->read(box.cpu(), kBase, 4, small).error, Errc::kInval);
  EXPECT_EQ(mirror->write(box.cpu(), kBase, 4, small).error, Errc::kInval);
  EXPECT_EQ(mirror->exclusive(box.cpu(), kBase, 4, small).error, Errc::kInval);
  EXPECT_EQ(mirror->snapshot(box.cpu(), kBase, codes), Errc::kInval);
  EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase + 8, 1, {}).error, Errc::kInval);
  EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kTaskSize, 1, {}).error, Errc::kInval);
  EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase + 4 * kPageBytes, 1, {}).error,
            Errc::kInval);  // unmapped
  EXPECT_EQ(mirror->read(box.cpu(), kBase + 4 * kPageBytes, 1, {}).error, Errc::kFault);
  EXPECT_EQ(box.device->pages_in_use(), 0U);
  EXPECT_EQ(box.audit({mm.get()}), kClean);
  mirror->close(box.cpu());
  box.exit(*mm);
}

TEST_P(Migrate, a_full_device_takes_a_part_and_loses_nothing) {
  DeviceBox box(GetParam(), 1, 4);
  auto mm = box.create_mm(8);
  box.fill(*mm, 8, 50);
  Mirror* mirror = box.device->open(*mm);
  EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 8, {}).error, Errc::kNoEnt);
  EXPECT_EQ(box.device->pages_in_use(), 4U);
  EXPECT_EQ(box.audit({mm.get()}), kClean);
  for (std::uint64_t i = 0; i < 8; ++i) EXPECT_EQ(box.word(*mm, i), 50 + i);
  mirror->close(box.cpu());
  box.exit(*mm);
}

TEST_P(Migrate, a_long_term_pin_takes_the_page_to_ram_first) {
  DeviceBox box(GetParam());
  auto mm = box.create_mm(1);
  box.fill(*mm, 1, 7);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  Pfn pinned;
  ASSERT_EQ(pin_user_pages(box.cpu(), *mm, kBase, kFollWrite | kFollLongterm, std::span(&pinned, 1))
                .pages,
            1U);
  EXPECT_FALSE(box.machine->is_zone_device(pinned));
  EXPECT_EQ(box.machine->frames.word(pinned), 7U);
  EXPECT_EQ(box.device->pages_in_use(), 0U);
  unpin_user_page(box.cpu(), pinned);
  mirror->close(box.cpu());
  box.exit(*mm);
}

TEST(MigrateCoherent, a_short_pin_keeps_it_in_place_and_a_long_one_is_busy) {
  DeviceBox box(DeviceMemory::kCoherent);
  auto mm = box.create_mm(1);
  box.fill(*mm, 1, 7);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  Pfn pinned, other;
  ASSERT_EQ(pin_user_pages(box.cpu(), *mm, kBase, kFollWrite, std::span(&pinned, 1)).pages, 1U);
  EXPECT_TRUE(box.machine->is_zone_device(pinned));
  const GupResult busy =
      pin_user_pages(box.cpu(), *mm, kBase, kFollWrite | kFollLongterm, std::span(&other, 1));
  EXPECT_EQ(busy.pages, 0U);
  EXPECT_EQ(busy.error, Errc::kBusy);
  EXPECT_EQ(box.audit({mm.get()}, {{pinned, true}}), kClean);
  unpin_user_page(box.cpu(), pinned);
  mirror->close(box.cpu());
  box.exit(*mm);
}

TEST(MigratePublic, even_a_long_term_pin_keeps_it_in_place) {
  DeviceBox box(DeviceMemory::kPublic);
  auto mm = box.create_mm(1);
  box.fill(*mm, 1, 7);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  Pfn pinned;
  ASSERT_EQ(pin_user_pages(box.cpu(), *mm, kBase, kFollWrite | kFollLongterm, std::span(&pinned, 1))
                .pages,
            1U);
  EXPECT_TRUE(box.machine->is_zone_device(pinned));
  EXPECT_EQ(mirror->migrate_to_system(box.cpu(), kBase, 1).cpages, 0U);
  unpin_user_page(box.cpu(), pinned);
  EXPECT_EQ(mirror->migrate_to_system(box.cpu(), kBase, 1).cpages, 1U);
  mirror->close(box.cpu());
  box.exit(*mm);
}

}  // namespace
}  // namespace pagebox::testing
