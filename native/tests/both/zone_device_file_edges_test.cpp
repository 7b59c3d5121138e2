// Pages of files in device memory where something is missing, or was something else.
#include "mm/swap/release.h"
#include "tests/both/zone_device_file_fixture.h"

namespace pagebox::testing {
namespace {

TEST(DeviceFileMemory, what_a_device_wrote_to_a_clean_page_of_tmpfs_survives_reclaim) {
  for (const DeviceMemory memory : {DeviceMemory::kPrivate, DeviceMemory::kPublic}) {
    FileBox box(memory);
    auto mm = box.mapped_mm(1);
    EXPECT_EQ(box.word(*mm, 0), 0U);  // a hole filled, mapped writable, not dirty
    Mirror* mirror = box.device->open(*mm);
    ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
    EXPECT_EQ(box.audit({mm.get()}), kClean);
    box.device_store(*mirror, 0, 9);
    ASSERT_TRUE(box.in_device(0));
    EXPECT_EQ(mirror->migrate_to_system(box.cpu(), kBase, 1).cpages, 1U);
    ASSERT_EQ(do_madvise(box.cpu(), *mm, kBase, 1, Advice::kPageout), Errc::kOk);
    ASSERT_FALSE(box.cached(0));
    EXPECT_EQ(box.word(*mm, 0), 9U);
    box.finish(*mirror, *mm);
  }
}

TEST(DeviceFileOff, a_page_of_a_file_does_not_move) {
  for (const FileKind kind : {FileKind::kShmem, FileKind::kDisk}) {
    FileBox box(DeviceMemory::kPrivate, kind, 1, kDevicePages, "linux-6.12", false);
    auto mm = box.mapped_mm(2);
    box.fill(*mm, 2, 1);
    Mirror* mirror = box.device->open(*mm);
    EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 2, {}).error, Errc::kNoEnt);
    EXPECT_EQ(box.device->pages_in_use(), 0U);
    EXPECT_EQ(box.word(*mm, 1), 2U);
    box.finish(*mirror, *mm);
  }
}

TEST(DeviceFileMemory, without_ram_the_page_stays_and_its_data_still_reach_the_disk) {
  FileBox box(DeviceMemory::kPrivate, FileKind::kDisk);
  auto mm = box.mapped_mm(1);
  box.fill(*mm, 1, 3);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  lru_add_drain_all(box.cpu());
  std::vector<Page> hoard;
  for (;;) {
    const auto page = box.machine->alloc_folio(box.cpu());
    if (!page) break;
    hoard.push_back(page.value);
  }
  std::uint64_t word = 0;
  EXPECT_EQ(load_word(box.cpu(), *mm, kBase, word), FaultResult::kOom);
  const IoResult read = kernel_read(box.cpu(), *box.file, 0, std::span(&word, 1));
  EXPECT_EQ(read.error, Errc::kNoMem);
  filemap_write_and_wait(box.cpu(), *box.file, 0, 1);
  EXPECT_EQ(box.on_disk(0), 3U);
  EXPECT_TRUE(box.in_device(0));
  EXPECT_TRUE(box.cached(0).test(Flag::kDirty));
  for (const Page page : hoard) folio_put(box.cpu(), page);
  EXPECT_EQ(box.word(*mm, 0), 3U);
  EXPECT_EQ(box.audit({mm.get()}), kClean);
  box.finish(*mirror, *mm);
}

TEST(DeviceFileMemory, a_page_of_a_disk_forgets_that_the_device_page_was_swap_backed) {
  FileBox box(DeviceMemory::kPrivate, FileKind::kDisk);
  auto anon = box.create_mm(1);
  box.fill(*anon, 1, 1);
  Mirror* first = box.device->open(*anon);
  ASSERT_EQ(first->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  first->close(box.cpu());
  box.exit(*anon);

  auto mm = box.mapped_mm(1);
  box.fill(*mm, 1, 3);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  EXPECT_FALSE(box.cached(0).test(Flag::kSwapBacked));
  EXPECT_EQ(box.word(*mm, 0), 3U);
  EXPECT_FALSE(box.cached(0).test(Flag::kSwapBacked));
  box.finish(*mirror, *mm);
}

TEST(DeviceFileMemory, mlocked_pages_move_and_come_back) {
  FileBox box(DeviceMemory::kPrivate);
  auto mm = box.mapped_mm(2);
  box.fill(*mm, 2, 1);
  ASSERT_EQ(do_mlock(box.cpu(), *mm, kBase, 2), Errc::kOk);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 2, {}).error, Errc::kOk);
  EXPECT_EQ(box.audit({mm.get()}), kClean);
  EXPECT_EQ(box.word(*mm, 1), 2U);
  EXPECT_EQ(box.audit({mm.get()}), kClean);
  box.finish(*mirror, *mm);
  EXPECT_EQ(box.audit({}), kClean);
}

}  // namespace
}  // namespace pagebox::testing
