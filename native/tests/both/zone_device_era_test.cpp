// The counts of HMM's pages until v5.18: 1 is free, 2 one user. The layout says which.
#include "mm/swap/release.h"
#include "tests/both/zone_device_file_fixture.h"

namespace pagebox::testing {
namespace {

struct CountingDriver final : PagemapDriver {
  void page_free(Cpu&, Page page) override {
    ++frees;
    refcount_when_freed = page.refcount();
  }
  FaultResult migrate_to_ram(Cpu&, Vma&, std::uint64_t, Page) override {
    return FaultResult::kSigbus;
  }
  unsigned frees = 0;
  std::int32_t refcount_when_freed = -1;
};

struct Era {
  const char* layout;
  DeviceMemory memory;
  std::int32_t free, used;
};
std::string test_name(const Era& era) {
  return pagebox::test_name(era.layout + ("_" + test_name(era.memory)));
}
void PrintTo(const Era& era, std::ostream* out) { *out << test_name(era); }

class ZoneDeviceEra : public ::testing::TestWithParam<Era> {};
INSTANTIATE_TEST_SUITE_P(Layouts, ZoneDeviceEra,
                         ::testing::Values(Era{"linux-4.20", DeviceMemory::kPrivate, 1, 2},
                                           Era{"linux-4.20", DeviceMemory::kPublic, 1, 2},
                                           Era{"linux-4.20-zd", DeviceMemory::kPrivate, 1, 2},
                                           Era{"linux-4.20-count", DeviceMemory::kPublic, 1, 2},
                                           Era{"linux-6.12", DeviceMemory::kPrivate, 0, 1},
                                           Era{"linux-6.12", DeviceMemory::kCoherent, 0, 1}),
                         parameter_name);

TEST_P(ZoneDeviceEra, a_page_is_free_used_and_free_again) {
  const Era& era = GetParam();
  DeviceBox box(era.memory, 1, kDevicePages, era.layout);
  CountingDriver driver;
  DevPagemap pagemap(*box.machine, era.memory, {kRamPages}, 4, 0, &driver, driver);
  ASSERT_EQ(pagemap.add(), Errc::kOk);
  const Page page = box.machine->page({kRamPages + 1});
  const unsigned pgmap = page.shape().pgmap / page.shape().word_bytes;
  const std::uint64_t named = page.word(pgmap);
  EXPECT_NE(named, 0U);
  EXPECT_EQ(page.refcount(), era.free);
  EXPECT_EQ(pagemap.pages_in_use(), 0U);
  EXPECT_FALSE(pagemap.try_get(box.cpu(), page));
  EXPECT_EQ(driver.frees, 0U);

  ASSERT_EQ(pagemap.init_page(box.cpu(), {kRamPages + 1}), Errc::kOk);
  page.clear(Flag::kLocked);
  EXPECT_EQ(page.refcount(), era.used);
  EXPECT_EQ(pagemap.pages_in_use(), 1U);
  EXPECT_TRUE(pagemap.try_get(box.cpu(), page));
  EXPECT_EQ(page.refcount(), era.used + 1);
  EXPECT_EQ(box.audit({}, {{{kRamPages + 1}}, {{kRamPages + 1}}}), kClean);
  folio_put(box.cpu(), page);
  EXPECT_EQ(driver.frees, 0U);
  folio_put(box.cpu(), page);
  EXPECT_EQ(driver.frees, 1U);
  EXPECT_EQ(page.refcount(), era.free);
  EXPECT_EQ(driver.refcount_when_freed, era.free);
  EXPECT_EQ(page.word(pgmap), named);
  EXPECT_EQ(box.audit({}), kClean);
  pagemap.kill();
  EXPECT_EQ(pagemap.try_remove(), Errc::kOk);
}

TEST_P(ZoneDeviceEra, a_free_page_that_somebody_holds_is_not_handed_out) {
  const Era& era = GetParam();
  if (era.free == 0) GTEST_SKIP() << "nobody can get a free page";
  DeviceBox box(era.memory, 1, 2, era.layout);
  auto mm = box.create_mm(2);
  box.fill(*mm, 2, 7);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 2, {}).error, Errc::kOk);
  ASSERT_EQ(mirror->migrate_to_system(box.cpu(), kBase, 2).error, Errc::kOk);
  const Page page = box.machine->page({kRamPages});
  page.ref_add(1);
  EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 2, {}).error, Errc::kNoEnt);
  EXPECT_EQ(box.device->pages_in_use(), 1U);
  EXPECT_EQ(box.device->release(box.cpu()), Errc::kBusy);
  page.ref_sub(1);
  EXPECT_EQ(box.device->release(box.cpu()), Errc::kOk);
  EXPECT_EQ(box.word(*mm, 1), 8U);
  mirror->close(box.cpu());
  box.exit(*mm);
  EXPECT_EQ(box.audit({}), kClean);
}

TEST_P(ZoneDeviceEra, the_last_unpin_frees_it_too) {
  const Era& era = GetParam();
  if (era.memory == DeviceMemory::kPrivate) GTEST_SKIP() << "never pinned";
  DeviceBox box(era.memory, 1, kDevicePages, era.layout);
  auto mm = box.create_mm(1);
  box.fill(*mm, 1, 7);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  Pfn pinned;
  ASSERT_EQ(pin_user_pages_fast(box.cpu(), *mm, kBase, kFollWrite, std::span(&pinned, 1)).pages,
            1U);
  EXPECT_EQ(box.audit({mm.get()}, {{pinned, true}}), kClean);
  mirror->close(box.cpu());
  box.exit(*mm);
  EXPECT_EQ(box.device->pages_in_use(), 1U);
  unpin_user_page(box.cpu(), pinned);
  EXPECT_EQ(box.device->pages_in_use(), 0U);
  EXPECT_EQ(box.machine->page(pinned).refcount(), era.free);
}

TEST_P(ZoneDeviceEra, anonymous_memory_moves_and_is_taken_over_after_fork) {
  const Era& era = GetParam();
  DeviceBox box(era.memory, 1, kDevicePages, era.layout);
  auto mm = box.create_mm(4);
  box.fill(*mm, 4, 7);
  Mirror* mirror = box.device->open(*mm);
  ASSERT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 4, {}).error, Errc::kOk);
  EXPECT_EQ(box.audit({mm.get()}), kClean);
  std::unique_ptr<Mm> child;
  ASSERT_EQ(Mm::create(box.cpu(), child), Errc::kOk);
  ASSERT_EQ(dup_mmap(box.cpu(), *child, *mm), Errc::kOk);
  EXPECT_EQ(box.audit({mm.get(), child.get()}), kClean);
  box.exit(*child);
  EXPECT_EQ(store_word(box.cpu(), *mm, kBase, 3), FaultResult::kOk);
  if (era.memory != DeviceMemory::kPrivate) {
    // The last user again: it writes in place.
    EXPECT_TRUE(box.machine->is_zone_device(mm->page_table.find(kBase).get().pfn()));
  }
  EXPECT_EQ(mirror->migrate_to_system(box.cpu(), kBase + kPageBytes, 2).cpages, 2U);
  EXPECT_EQ(box.device->release(box.cpu()), Errc::kOk);
  for (std::uint64_t i = 1; i < 4; ++i) EXPECT_EQ(box.word(*mm, i), 7 + i);
  EXPECT_EQ(box.audit({mm.get()}), kClean);
  mirror->close(box.cpu());
  box.exit(*mm);
}

TEST(ZoneDeviceEraFile, pages_of_files_need_the_words_of_mapping_index_and_private) {
  struct Room {
    const char* layout;
    std::uint64_t moved;
  };
  for (const Room room :
       {Room{"linux-4.20", 2}, Room{"linux-4.20-counter", 2}, Room{"linux-6.12", 2},
        Room{"linux-4.20-zd", 0}, Room{"linux-4.20-count", 0}}) {
    FileBox box(DeviceMemory::kPrivate, FileKind::kDisk, 1, kDevicePages, room.layout);
    auto mm = box.mapped_mm(2);
    box.fill(*mm, 2, 1);
    Mirror* mirror = box.device->open(*mm);
    (void)mirror->migrate_to_device(box.cpu(), kBase, 2, {});
    EXPECT_EQ(box.device->pages_in_use(), room.moved) << room.layout;
    EXPECT_EQ(box.audit({mm.get()}), kClean) << room.layout;
    EXPECT_EQ(box.word(*mm, 1), 2U) << room.layout;
    filemap_write_and_wait(box.cpu(), *box.file, 0, 2);
    EXPECT_EQ(box.on_disk(0), 1U) << room.layout;
    mirror->close(box.cpu());
    box.exit(*mm);
    box.put_file();
    EXPECT_EQ(box.audit({}), kClean) << room.layout;
  }
}

}  // namespace
}  // namespace pagebox::testing
