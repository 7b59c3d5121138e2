// Pages of files on a disk in device memory: writeback, buffers, direct I/O.
#include "mm/file/files.h"
#include "tests/both/zone_device_file_fixture.h"

namespace pagebox::testing {
namespace {

class DeviceDisk : public DeviceFile {};
INSTANTIATE_TEST_SUITE_P(Memory, DeviceDisk,
                         ::testing::Values(Where{DeviceMemory::kPrivate, FileKind::kDisk},
                                           Where{DeviceMemory::kCoherent, FileKind::kDisk},
                                           Where{DeviceMemory::kPublic, FileKind::kDisk},
                                           Where{DeviceMemory::kPrivate, FileKind::kDisk,
                                                 "linux-4.20"}),
                         parameter_name);

TEST_P(DeviceDisk, writeback_reaches_the_disk_and_later_writes_are_noticed) {
  start();
  there();
  filemap_write_and_wait(box->cpu(), *box->file, 0, 4);
  for (std::uint64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(box->on_disk(i), 100 + i);
    EXPECT_FALSE(box->cached(i).test(Flag::kDirty));
    EXPECT_EQ(box->in_device(i), !is_private());
  }
  EXPECT_EQ(box->audit({mm.get()}), kClean);
  // Clean now: the device's next write comes through the file again.
  box->device_store(*mirror, 1, 8);
  filemap_write_and_wait(box->cpu(), *box->file, 0, 4);
  EXPECT_EQ(box->on_disk(1), 8U);
  finish();
}

TEST_P(DeviceDisk, a_clean_page_moves_read_only_and_a_device_write_makes_it_dirty) {
  start();
  filemap_write_and_wait(box->cpu(), *box->file, 0, 4);
  there();
  EXPECT_FALSE(box->cached(1).test(Flag::kDirty));
  box->device_store(*mirror, 1, 8);
  EXPECT_TRUE(box->cached(1).test(Flag::kDirty));
  filemap_write_and_wait(box->cpu(), *box->file, 0, 4);
  EXPECT_EQ(box->on_disk(1), 8U);
  finish();
}

TEST_P(DeviceDisk, buffers_travel_with_the_page) {
  start();
  box->write_word(0, 5);
  ASSERT_TRUE(box->cached(0).test(Flag::kPrivate));
  const std::uint64_t buffers = box->cached(0).word(5);
  there();
  EXPECT_TRUE(box->cached(0).test(Flag::kPrivate));
  EXPECT_EQ(box->cached(0).word(5), buffers);
  EXPECT_EQ(box->read_word(0), 5U);
  EXPECT_EQ(box->audit({mm.get()}), kClean);
  finish();
}

TEST_P(DeviceDisk, direct_io_sees_what_the_device_wrote_and_is_seen) {
  start();
  auto user = box->create_mm(1);
  there(user.get());
  box->device_store(*mirror, 2, 40);
  EXPECT_EQ(direct_read(box->cpu(), *user, *box->file, 2, kBase, 1).bytes, kPageBytes);
  EXPECT_EQ(box->word(*user, 0), 40U);
  EXPECT_EQ(store_word(box->cpu(), *user, kBase, 41), FaultResult::kOk);
  EXPECT_EQ(direct_write(box->cpu(), *user, *box->file, 2, kBase, 1).bytes, kPageBytes);
  EXPECT_EQ(box->on_disk(2), 41U);
  EXPECT_EQ(box->word(*mm, 2), 41U);
  EXPECT_EQ(box->device_load(*mirror, 2), 41U);
  EXPECT_EQ(box->audit({mm.get(), user.get()}), kClean);
  box->exit(*user);
  finish();
}

TEST_P(DeviceDisk, direct_io_takes_it_as_a_buffer) {
  start();
  AddressSpace* other = create_disk_file(*box->machine, std::make_unique<MemoryDisk>());
  const std::uint64_t words[] = {61, 62};
  ASSERT_EQ(kernel_write(box->cpu(), *other, 0, words).bytes, 2 * kPageBytes);
  there();
  EXPECT_EQ(direct_read(box->cpu(), *mm, *other, 0, kBase, 2).bytes, 2 * kPageBytes);
  EXPECT_EQ(box->read_word(1), 62U);
  filemap_write_and_wait(box->cpu(), *box->file, 0, 4);
  EXPECT_EQ(box->on_disk(0), 61U);
  put_file(box->cpu(), *other);
  finish();
}

}  // namespace
}  // namespace pagebox::testing
