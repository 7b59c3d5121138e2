// Device memory comes and goes; what is held keeps it.
#include "mm/gup/gup.h"
#include "mm/swap/release.h"
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
  folio_put(box.cpu(), page);
  EXPECT_EQ(driver.freed, page);
  EXPECT_EQ(pagemap.try_remove(), Errc::kOk);
  EXPECT_EQ(DevPagemap::of(*box.machine, {kRamPages + 1}), nullptr);
}

/// Free pages in the order in which they came back.
struct KeepingDriver final : PagemapDriver {
  void page_free(Cpu& cpu, Page page) override { freed.push_back(cpu.machine.pfn_of(page)); }
  FaultResult migrate_to_ram(Cpu&, Vma&, std::uint64_t, Page) override {
    return FaultResult::kSigbus;
  }
  std::vector<Pfn> freed;
};

class PagemapDamage : public ::testing::TestWithParam<const char*> {};

// Whoever writes into the descriptors may drop a last reference as often as they like.
TEST_P(PagemapDamage, a_page_comes_back_once_for_each_time_it_was_handed_out) {
  for (const DeviceMemory memory :
       {DeviceMemory::kPrivate, DeviceMemory::kPublic, DeviceMemory::kCoherent,
        DeviceMemory::kP2pdma, DeviceMemory::kFsdax, DeviceMemory::kGeneric}) {
    DeviceBox box(DeviceMemory::kPrivate, 1, kDevicePages, GetParam());
    KeepingDriver driver;
    DevPagemap pagemap(*box.machine, memory, {kRamPages}, 4, 3, &driver, driver);
    ASSERT_EQ(pagemap.add(), Errc::kOk);
    const auto drop_last = [&](Pfn pfn) {
      box.machine->page(pfn).set_refcount(1);
      std::vector<Pfn> one{pfn};
      if (pfn.value % 2 == 0)
        folio_put(box.cpu(), box.machine->page(pfn));
      else
        folios_put(box.cpu(), one);
    };
    const bool by_page = memory != DeviceMemory::kFsdax && memory != DeviceMemory::kGeneric;
    for (unsigned life = 0; life < 2; ++life) {
      std::vector<Pfn> taken{{kRamPages}, {kRamPages + 1}};
      if (by_page) {
        const auto ready = pagemap.init_pages(box.cpu(), taken);
        ASSERT_EQ(ready.error, Errc::kOk);
        ASSERT_EQ(ready.value, 2U) << test_name(memory) << life;
      }
      for (const Pfn pfn : {Pfn{kRamPages}, Pfn{kRamPages + 1}, Pfn{kRamPages + 2}})
        for (unsigned time = 0; time < 3; ++time) drop_last(pfn);
      std::vector<Pfn> expected;
      if (by_page) expected = {{kRamPages}, {kRamPages + 1}};
      EXPECT_EQ(driver.freed, expected) << static_cast<unsigned>(memory) << life;
      driver.freed.clear();
    }
    EXPECT_GE(box.machine->damage.total(), by_page ? 14U : 18U);  // each drop is told
    // The range knows that nobody uses a page, and goes.
    pagemap.kill();
    EXPECT_EQ(pagemap.try_remove(), Errc::kOk) << static_cast<unsigned>(memory);
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, PagemapDamage, ::testing::Values("linux-6.12", "linux-4.20"),
                         [](const auto& info) { return std::string(info.param).substr(6, 1); });

TEST(Pagemap, a_fault_on_memory_that_has_gone_under_its_entry_is_a_signal) {
  DeviceBox box(DeviceMemory::kPrivate);
  auto mm = box.create_mm(1);
  box.fill(*mm, 1, 1);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  const Pfn pfn = mm->page_table.find(kBase).get().entry().pfn();
  folio_put(box.cpu(), box.machine->page(pfn));  // the entry's own reference
  box.machine->page(pfn).set_mapcount_raw(-1);
  ASSERT_EQ(box.device->release(box.cpu()), Errc::kOk);
  std::uint64_t word = 0;
  EXPECT_EQ(load_word(box.cpu(), *mm, kBase, word), FaultResult::kSigbus);
  ASSERT_FALSE(box.machine->damage.rows().empty());
  EXPECT_EQ(box.machine->damage.rows().front().pfn, pfn);
  mirror->close(box.cpu());
  box.exit(*mm);
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
