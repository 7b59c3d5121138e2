// Device memory comes and goes; what is held keeps it.
#include "mm/gup.h"
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {
namespace {

TEST(Pagemap, release_is_refused_while_a_page_is_pinned_and_says_which) {
  DeviceBox box(DeviceMemory::kCoherent);
  auto mm = box.create_mm(2);
  box.fill(*mm, 2, 1);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 2, {}).error, Errc::kOk);
  Pfn pinned;
  ASSERT_EQ(pin_user_pages(box.cpu(), *mm, kBase, kFollWrite, std::span(&pinned, 1)).pages, 1U);
  EXPECT_EQ(box.device->release(box.cpu()), Errc::kBusy);
  const std::vector<PageHolder> holders = box.device->holders();
  ASSERT_EQ(holders.size(), 1U);
  EXPECT_EQ(holders[0].pfn, pinned);
  EXPECT_EQ(holders[0].mapcount, 1);
  EXPECT_TRUE(holders[0].maybe_pinned);
  EXPECT_EQ(box.audit({mm.get()}, {{pinned, true}}), kClean);

  unpin_user_page(box.cpu(), pinned);
  EXPECT_EQ(box.device->release(box.cpu()), Errc::kOk);
  EXPECT_FALSE(box.device->pagemap().is_live());
  EXPECT_EQ(box.machine->pagemap(pinned), nullptr);
  EXPECT_TRUE(box.memmap->is_untouched(pinned));
  EXPECT_EQ(box.word(*mm, 0), 1U);
  // It comes back with the next migration.
  EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 2, {}).error, Errc::kOk);
  EXPECT_EQ(box.audit({mm.get()}), kClean);
  mirror->close(box.cpu());
  box.exit(*mm);
}

TEST(Pagemap, descriptors_name_their_pagemap_and_start_free) {
  DeviceBox box(DeviceMemory::kPrivate);
  struct Driver final : PagemapDriver {
    void page_free(Cpu&, Page page) override { freed = page; }
    FaultResult migrate_to_ram(Cpu&, Vma&, std::uint64_t, Page) override {
      return FaultResult::kSigbus;
    }
    Page freed;
  } driver;
  DevPagemap pagemap(*box.machine, DeviceMemory::kCoherent, {kRamPages}, 4, 3, &driver, driver);
  ASSERT_EQ(pagemap.add(), Errc::kOk);
  const Page page = box.machine->page({kRamPages + 1});
  EXPECT_EQ(page.refcount(), 0);
  EXPECT_TRUE(page.test(Flag::kReserved));
  EXPECT_EQ(DevPagemap::of(*box.machine, {kRamPages + 1}), &pagemap);
  ASSERT_EQ(pagemap.init_page(box.cpu(), {kRamPages + 1}), Errc::kOk);
  EXPECT_EQ(page.refcount(), 1);
  pagemap.kill();
  EXPECT_EQ(pagemap.init_page(box.cpu(), {kRamPages + 2}), Errc::kNoDev);
  EXPECT_EQ(pagemap.try_remove(), Errc::kBusy);
  EXPECT_EQ(pagemap.holders().size(), 1U);
  page.clear(Flag::kLocked);
  box.machine->put(box.cpu(), page);
  EXPECT_EQ(driver.freed, page);
  EXPECT_EQ(pagemap.try_remove(), Errc::kOk);
  EXPECT_EQ(DevPagemap::of(*box.machine, {kRamPages + 1}), nullptr);
}

TEST(Pagemap, a_range_that_is_not_behind_ram_is_refused) {
  DeviceBox box(DeviceMemory::kPrivate);
  const auto add = [&](Pfn first, std::uint64_t pages) {
    return DevPagemap(*box.machine, DeviceMemory::kPrivate, first, pages, 0, nullptr, *box.device)
        .add();
  };
  EXPECT_EQ(add({0}, 4), Errc::kInval);
  EXPECT_EQ(add({kRamPages}, kDevicePages + 1), Errc::kInval);
  EXPECT_EQ(add({kRamPages}, 0), Errc::kInval);
  EXPECT_EQ(box.machine->pagemap({kRamPages}), nullptr);
}

}  // namespace
}  // namespace pagebox::testing
