// Historic defects of device memory that one thread shows.
#include "mm/file/files.h"
#include "mm/gup/gup.h"
#include "mm/swap/release.h"
#include "tests/both/zone_device_fixture.h"
#include "zone_device/dax_file.h"

namespace pagebox::testing {
namespace {

Behaviour with(Quirk quirk, bool on) {
  Behaviour behaviour;
  if (on) behaviour.quirks = quirk_set(quirk);
  return behaviour;
}

TEST(ZoneDeviceQuirk, LongtermPutForUnpinLeavesTheRestOfThePin) {
  for (const bool on : {false, true}) {
    DeviceBox box(DeviceMemory::kCoherent, 1, kDevicePages, "linux-6.12", false, "refcount-bias",
                  with(Quirk::kLongtermPutForUnpin, on));
    auto mm = box.create_mm(1);
    box.fill(*mm, 1, 1);
    Mirror* mirror = box.device->open(*mm);
    ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
    const Pfn device = mm->page_table.find(kBase).get().pfn();
    Pfn pfn;
    const GupResult had =
        pin_user_pages(box.cpu(), *mm, kBase, kFollWrite | kFollLongterm, std::span(&pfn, 1));
    EXPECT_EQ(had.pages, on ? 0U : 1U);
    const std::int32_t references = box.machine->page(device).refcount();
    EXPECT_EQ(references, on ? 1 + 1023 : 0);
    EXPECT_EQ(box.audit({mm.get()}, had.pages == 1 ? std::vector<HeldReference>{{pfn, true}}
                                                   : std::vector<HeldReference>{})
                  .empty(),
              !on);
    if (had.pages == 1) unpin_user_page(box.cpu(), pfn);
    if (on) box.machine->page(device).ref_sub(1023);
    mirror->close(box.cpu());
    box.exit(*mm);
  }
}

/// What is kept is wrong for a page's second user; the first gets one of its own.
TEST(ZoneDeviceQuirk, APageOfADeviceThatIsUsedForTheFirstTimeGetsItsMapping) {
  for (const bool on : {false, true}) {
    DeviceBox box(DeviceMemory::kPrivate, 1, kDevicePages, "linux-6.12", false, "refcount-bias",
                  with(Quirk::kDevicePageKeepsMapping, on));
    auto mm = box.create_mm(2);  // holes
    Mirror* mirror = box.device->open(*mm);
    ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 2, {}).error, Errc::kOk);
    EXPECT_EQ(box.audit({mm.get()}), kClean);
    mirror->close(box.cpu());
    box.exit(*mm);
  }
}

struct NoDriver final : PagemapDriver {
  void page_free(Cpu&, Page) override {}
  FaultResult migrate_to_ram(Cpu&, Vma&, std::uint64_t, Page) override {
    return FaultResult::kSigbus;
  }
};

TEST(ZoneDeviceQuirk, PagesOutliveTheirPagemap) {
  for (const bool on : {false, true}) {
    DeviceBox box(DeviceMemory::kPrivate, 1, kDevicePages, "linux-6.12", false, "refcount-bias",
                  with(Quirk::kPagesOutlivePagemap, on));
    NoDriver driver;
    DevPagemap pagemap(*box.machine, DeviceMemory::kCoherent, {kRamPages}, 4, 3, &driver, driver);
    ASSERT_EQ(pagemap.add(), Errc::kOk);
    ASSERT_EQ(pagemap.init_page(box.cpu(), {kRamPages + 1}), Errc::kOk);
    pagemap.kill();
    EXPECT_EQ(pagemap.try_remove(), on ? Errc::kOk : Errc::kBusy);
    EXPECT_EQ(box.machine->pagemap({kRamPages + 1}) == nullptr, on);
    if (on) continue;
    const Page page = box.machine->page({kRamPages + 1});
    page.clear(Flag::kLocked);
    folio_put(box.cpu(), page);
    EXPECT_EQ(pagemap.try_remove(), Errc::kOk);
  }
}

TEST(ZoneDeviceQuirk, CollectLosesDirtyAndReclaimDropsWhatWasWritten) {
  for (const bool on : {false, true}) {
    DeviceBox box(DeviceMemory::kPrivate, 1, 1, "linux-6.12", false, "refcount-bias",
                  with(Quirk::kCollectLosesDirty, on));
    auto mm = box.create_mm(2);
    box.fill(*mm, 2, 1);
    Mirror* mirror = box.device->open(*mm);
    // The device has one page: the other one stays where it is.
    lru_add_drain_all(box.cpu());
    ASSERT_EQ(do_madvise(box.cpu(), *mm, kBase + kPageBytes, 1, Advice::kFree), Errc::kOk);
    lru_add_drain_all(box.cpu());
    ASSERT_EQ(store_word(box.cpu(), *mm, kBase + kPageBytes, 9), FaultResult::kOk);
    EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 2, {}).error, Errc::kNoEnt);
    lru_add_drain_all(box.cpu());
    ASSERT_EQ(do_madvise(box.cpu(), *mm, kBase + kPageBytes, 1, Advice::kPageout), Errc::kOk);
    EXPECT_EQ(box.word(*mm, 1), on ? 0U : 9U);
    mirror->close(box.cpu());
    box.exit(*mm);
  }
}

TEST(ZoneDeviceQuirk, ReleaseMissesDevicePagesThatHaveBecomeIdle) {
  for (const bool on : {false, true}) {
    DeviceBox box(DeviceMemory::kPrivate, 1, 4, "linux-4.20", false, "refcount-bias",
                  with(Quirk::kReleaseMissesDevicePages, on));
    auto mm = box.create_mm(2);
    box.fill(*mm, 2, 1);
    Mirror* mirror = box.device->open(*mm);
    ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 2, {}).error, Errc::kOk);
    ASSERT_EQ(do_munmap(box.cpu(), *mm, kBase, 2), Errc::kOk);
    EXPECT_EQ(box.device->pages_in_use(), on ? 2U : 0U);
    if (on) box.device->abandon();
    mirror->close(box.cpu());
    box.exit(*mm);
  }
}

TEST(ZoneDeviceQuirk, DaxTruncateGivesAwayBlocksUnderDma) {
  for (const bool on : {false, true}) {
    DeviceBox box(DeviceMemory::kPrivate, 1, 16, "linux-6.12", false, "refcount-bias",
                  with(Quirk::kDaxTruncateForgetsDma, on));
    DaxDeviceOptions options;
    options.kind = DaxKind::kFsdax;
    options.first = {kRamPages};
    options.pages = 16;
    std::unique_ptr<DaxDevice> dax;
    ASSERT_EQ(DaxDevice::create(*box.machine, options, dax), Errc::kOk);
    DaxFile& file = *dax->create_file(box.cpu(), 1).value;
    std::unique_ptr<Mm> mm;
    ASSERT_EQ(Mm::create(box.cpu(), mm), Errc::kOk);
    ASSERT_EQ(file.mmap(box.cpu(), *mm, kBase, 1, kVmRead | kVmWrite, true), Errc::kOk);
    Pfn pfn;
    ASSERT_EQ(pin_user_pages(box.cpu(), *mm, kBase, kFollWrite, std::span(&pfn, 1)).pages, 1U);
    EXPECT_EQ(file.truncate(box.cpu(), 0, OnBusy::kRefuse), on ? Errc::kOk : Errc::kBusy);
    EXPECT_EQ(dax->free_blocks(), on ? 16U : 15U);
    unpin_user_page(box.cpu(), pfn);
    mm->exit(box.cpu());
    put_file(box.cpu(), file.space());
    lru_add_drain_all(box.cpu());
    box.machine->rcu.barrier();
  }
}

}  // namespace
}  // namespace pagebox::testing
