// Pages of files in device memory: the extension of docs/file-backed-device-memory.md.
#include "tests/both/zone_device_file_fixture.h"

namespace pagebox::testing {
namespace {

INSTANTIATE_TEST_SUITE_P(
    Memory, DeviceFile,
    ::testing::Values(Where{DeviceMemory::kPrivate, FileKind::kShmem},
                      Where{DeviceMemory::kPrivate, FileKind::kDisk},
                      Where{DeviceMemory::kCoherent, FileKind::kShmem},
                      Where{DeviceMemory::kCoherent, FileKind::kDisk},
                      Where{DeviceMemory::kPublic, FileKind::kShmem},
                      Where{DeviceMemory::kPublic, FileKind::kDisk},
                      Where{DeviceMemory::kPrivate, FileKind::kDisk, "linux-4.20"},
                      Where{DeviceMemory::kPublic, FileKind::kShmem, "linux-4.20"}),
    parameter_name);

TEST_P(DeviceFile, TheCacheHoldsTheDevicePageWhichKnowsItsFile) {
  start();
  there();
  const Page page = box->cached(2);
  EXPECT_EQ(folio_file(*box->machine, page), box->file);
  EXPECT_EQ(folio_index(page), 2U);
  EXPECT_TRUE(page.test(Flag::kDirty));
  EXPECT_EQ(page_mapcount(page), 1);
  EXPECT_NE(page.word(1), 0U) << "pgmap";
  const Pte pte = mm->page_table.find(kBase + 2 * kPageBytes).get();
  EXPECT_EQ(pte.present(), !is_private());
  EXPECT_EQ(box->device_load(*mirror, 2), 102U);
  finish();
}

TEST_P(DeviceFile, ACpuReadsAndWritesIt) {
  start();
  there();
  EXPECT_EQ(box->word(*mm, 1), 101U);
  EXPECT_EQ(store_word(box->cpu(), *mm, kBase, 7), FaultResult::kOk);
  EXPECT_EQ(box->in_device(0), !is_private());
  EXPECT_EQ(box->in_device(1), !is_private());
  EXPECT_EQ(box->read_word(0), 7U);
  EXPECT_EQ(box->audit({mm.get()}), kClean);
  finish();
}

TEST_P(DeviceFile, ReadAndWriteFindTheContents) {
  start();
  there();
  EXPECT_EQ(box->read_word(3), 103U);
  EXPECT_EQ(box->in_device(3), !is_private());
  box->write_word(2, 55);
  EXPECT_EQ(box->in_device(2), !is_private());
  EXPECT_EQ(box->word(*mm, 2), 55U);
  EXPECT_EQ(box->device_load(*mirror, 2), 55U);
  EXPECT_EQ(box->audit({mm.get()}), kClean);
  finish();
}

TEST_P(DeviceFile, WhatTheDeviceWritesIsTheFiles) {
  start();
  there();
  box->device_store(*mirror, 1, 77);
  EXPECT_TRUE(box->in_device(1));
  EXPECT_EQ(box->read_word(1), 77U);
  EXPECT_EQ(box->word(*mm, 1), 77U);
  if (GetParam().kind == FileKind::kDisk) {
    filemap_write_and_wait(box->cpu(), *box->file, 0, 4);
    EXPECT_EQ(box->on_disk(1), 77U);
  }
  finish();
}

TEST_P(DeviceFile, MigratesBackByTheDriverAndAtItsRelease) {
  start();
  there();
  EXPECT_EQ(mirror->migrate_to_system(box->cpu(), kBase, 2).cpages, 2U);
  EXPECT_EQ(box->device->pages_in_use(), 2U);
  EXPECT_EQ(box->audit({mm.get()}), kClean);
  EXPECT_EQ(box->device->release(box->cpu()), Errc::kOk);
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(box->word(*mm, i), 100 + i);
  EXPECT_TRUE(box->cached(3).test(Flag::kDirty));
  EXPECT_EQ(box->audit({mm.get()}), kClean);
  finish();
}

TEST_P(DeviceFile, Pins) {
  start();
  there();
  Pfn pinned;
  ASSERT_EQ(pin_user_pages_fast(box->cpu(), *mm, kBase, kFollWrite, std::span(&pinned, 1)).pages,
            1U);
  EXPECT_EQ(box->machine->is_zone_device(pinned), !is_private());
  EXPECT_EQ(box->machine->frames.word(pinned), 100U);
  EXPECT_EQ(mirror->migrate_to_system(box->cpu(), kBase, 1).cpages, 0U);
  EXPECT_EQ(box->audit({mm.get()}, {{pinned, true}}), kClean);
  unpin_user_page(box->cpu(), pinned);

  // Long-term pins of disk pages are refused for writing only (v6.5).
  const std::uint32_t write = GetParam().kind == FileKind::kDisk ? 0U : +kFollWrite;
  ASSERT_EQ(pin_user_pages(box->cpu(), *mm, kBase + kPageBytes, write | kFollLongterm,
                           std::span(&pinned, 1))
                .pages,
            1U);
  EXPECT_EQ(box->machine->is_zone_device(pinned), GetParam().memory == DeviceMemory::kPublic);
  EXPECT_EQ(box->machine->frames.word(pinned), 101U);
  EXPECT_EQ(box->machine->pfn_of(box->cached(1)), pinned);
  EXPECT_EQ(box->audit({mm.get()}, {{pinned, true}}), kClean);
  unpin_user_page(box->cpu(), pinned);
  finish();
}

TEST_P(DeviceFile, TruncateDropsWhatTheDeviceHas) {
  start();
  there();
  truncate_file(box->cpu(), *box->file, 1);
  EXPECT_EQ(box->device->pages_in_use(), 1U);
  EXPECT_EQ(box->audit({mm.get()}), kClean);
  std::uint64_t word = 0;
  EXPECT_EQ(load_word(box->cpu(), *mm, kBase + kPageBytes, word), FaultResult::kSigbus);
  EXPECT_EQ(box->word(*mm, 0), 100U);
  finish();
}

TEST_P(DeviceFile, AHolePunchedInItReadsZero) {
  if (GetParam().kind != FileKind::kShmem) return;  // ext2 has no holes to punch
  start();
  there();
  ASSERT_EQ(do_madvise(box->cpu(), *mm, kBase + kPageBytes, 2, Advice::kRemove), Errc::kOk);
  EXPECT_EQ(box->device->pages_in_use(), 2U);
  EXPECT_EQ(box->word(*mm, 1), 0U);
  EXPECT_EQ(box->word(*mm, 3), 103U);
  EXPECT_EQ(box->audit({mm.get()}), kClean);
  finish();
}

TEST_P(DeviceFile, EveryMappingFollowsInEveryProcess) {
  start();
  auto other = box->mapped_mm(4);
  EXPECT_EQ(box->word(*other, 0), 100U);  // and maps the pages around
  there(other.get());
  EXPECT_EQ(page_mapcount(box->cached(1)), 2);
  EXPECT_EQ(box->audit({mm.get(), other.get()}), kClean);
  EXPECT_EQ(box->word(*other, 1), 101U);
  EXPECT_EQ(store_word(box->cpu(), *other, kBase + 2 * kPageBytes, 9), FaultResult::kOk);
  EXPECT_EQ(box->word(*mm, 2), 9U);
  EXPECT_EQ(box->audit({mm.get(), other.get()}), kClean);
  box->exit(*other);
  EXPECT_EQ(box->audit({mm.get()}), kClean);
  finish();
}

TEST_P(DeviceFile, APrivateMappingCopiesWhatItWrites) {
  start();
  auto copier = box->mapped_mm(4, false);
  EXPECT_EQ(box->word(*copier, 0), 100U);
  there(copier.get());
  EXPECT_EQ(store_word(box->cpu(), *copier, kBase, 1), FaultResult::kOk);
  EXPECT_EQ(box->word(*copier, 0), 1U);
  EXPECT_EQ(box->word(*mm, 0), 100U);
  EXPECT_EQ(box->read_word(0), 100U);
  EXPECT_EQ(box->audit({mm.get(), copier.get()}), kClean);
  box->exit(*copier);
  finish();
}

TEST_P(DeviceFile, ForkSharesTheDevicePage) {
  start();
  there();
  auto child = box->empty_mm();
  ASSERT_EQ(dup_mmap(box->cpu(), *child, *mm), Errc::kOk);
  EXPECT_EQ(box->audit({mm.get(), child.get()}), kClean);
  EXPECT_EQ(store_word(box->cpu(), *child, kBase, 6), FaultResult::kOk);
  EXPECT_EQ(box->word(*mm, 0), 6U);
  EXPECT_EQ(box->audit({mm.get(), child.get()}), kClean);
  box->exit(*child);
  finish();
}

TEST_P(DeviceFile, ForkSharesWhatAPrivateMappingHasNotCopied) {
  start();
  auto parent = box->mapped_mm(4, false);
  EXPECT_EQ(store_word(box->cpu(), *parent, kBase + 3 * kPageBytes, 1), FaultResult::kOk);
  EXPECT_EQ(box->word(*parent, 0), 100U);
  there(parent.get());
  auto child = box->empty_mm();
  const bool mapped_to_disk = box->cached(1).test(Flag::kOwner2);
  ASSERT_EQ(dup_mmap(box->cpu(), *child, *parent), Errc::kOk);
  // The bit that says "exclusive" of an anonymous page.
  EXPECT_EQ(box->cached(1).test(Flag::kOwner2), mapped_to_disk);
  EXPECT_EQ(page_mapcount(box->cached(1)), 3);
  EXPECT_EQ(box->audit({mm.get(), parent.get(), child.get()}), kClean);
  EXPECT_EQ(store_word(box->cpu(), *child, kBase + kPageBytes, 5), FaultResult::kOk);
  EXPECT_EQ(box->word(*parent, 1), 101U);
  EXPECT_EQ(box->word(*child, 3), 1U);
  EXPECT_EQ(box->audit({mm.get(), parent.get(), child.get()}), kClean);
  box->exit(*child);
  box->exit(*parent);
  finish();
}

TEST_P(DeviceFile, AFullDeviceTakesAPart) {
  start(2);
  EXPECT_EQ(mirror->migrate_to_device(box->cpu(), kBase, 4, {}).error, Errc::kNoEnt);
  EXPECT_EQ(box->device->pages_in_use(), 2U);
  EXPECT_EQ(box->audit({mm.get()}), kClean);
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(box->read_word(i), 100 + i);
  finish();
}

TEST_P(DeviceFile, StaysTheFilesWhenItsLastMappingGoes) {
  start();
  there();
  box->device_store(*mirror, 0, 31);
  ASSERT_EQ(do_munmap(box->cpu(), *mm, kBase, 4), Errc::kOk);
  box->machine->rcu.barrier();
  EXPECT_EQ(box->device->pages_in_use(), 4U);
  EXPECT_EQ(box->audit({mm.get()}), kClean);
  EXPECT_EQ(box->read_word(0), 31U);
  EXPECT_EQ(box->read_word(3), 103U);
  finish();
}

}  // namespace
}  // namespace pagebox::testing
