// A box's machine: one memory, one audit, and what is left when users go.
#include <gtest/gtest.h>

#include "engine/box/box.h"
#include "engine/box/box_machine.h"
#include "engine_box_machine_fixture.h"
#include "mm/fault/user_access.h"
#include "mm/file/file_io.h"
#include "mm/huge/large_folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

using Fixture = MachineBox;

TEST(BoxMachine, PinsOfAddressSpacesAreInTheLedgerOfTheBox) {
  Fixture f;
  const std::uint64_t at = f.map(3);
  std::uint64_t had = 0;
  const auto pins = f.machine->take_pages(0, *f.mm->mm, at, 3, kFollPin | kFollWrite, true, had);
  ASSERT_TRUE(pins);
  const Pfn pfn = f.machine->pages(pins.value)->pfns[0];
  EXPECT_EQ(f.box->ledger()->pins(pfn), 1U);
  EXPECT_EQ(f.box->unpin(pfn), Errc::kNotPinned);
  EXPECT_EQ(f.box->pin(pfn), Errc::kOk);
  EXPECT_EQ(f.audit(), "");
  EXPECT_EQ(f.machine->give_back(pins.value), Errc::kOk);
  EXPECT_EQ(f.machine->give_back(pins.value), Errc::kBadF);
  EXPECT_EQ(do_munmap(f.machine->cpu(0), *f.mm->mm, at, 3), Errc::kOk);
  EXPECT_EQ(f.audit(), "");
  EXPECT_EQ(f.box->unpin(pfn), Errc::kOk);
  EXPECT_EQ(f.box->memmap().page(pfn).refcount(), 0);
  EXPECT_EQ(f.audit(), "");
}

TEST(BoxMachine, TheAuditExplainsAWrongCount) {
  Fixture f;
  const std::uint64_t at = f.map(1);
  std::uint64_t had = 0;
  const auto held = f.machine->take_pages(0, *f.mm->mm, at, 1, kFollGet, true, had);
  ASSERT_TRUE(held);
  const Page page = f.box->memmap().page(f.machine->pages(held.value)->pfns[0]);
  page.ref_add(1);
  const std::string found = f.audit();
  EXPECT_NE(found.find("refcount-accounted _refcount"), std::string::npos) << found;
  EXPECT_NE(found.find("1 mappings"), std::string::npos) << found;
  EXPECT_NE(found.find("1 references"), std::string::npos) << found;
  page.ref_sub(1);
  EXPECT_EQ(f.audit(), "");
}

TEST(BoxMachine, APinThatFailsLeavesNothing) {
  Fixture f;
  const std::uint64_t at = f.map(4);
  EXPECT_EQ(do_munmap(f.machine->cpu(0), *f.mm->mm, at + 2 * kPageBytes, 1), Errc::kOk);
  std::uint64_t had = 0;
  const auto pins = f.machine->take_pages(0, *f.mm->mm, at, 4, kFollPin, false, had);
  EXPECT_EQ(pins.error, Errc::kFault);
  EXPECT_EQ(had, 2U);
  EXPECT_EQ(f.box->ledger()->total(), 0U);
  EXPECT_EQ(f.audit(), "");
}

TEST(BoxMachine, AUserTakesWhatItLeavesBehindWithIt) {
  Fixture f;
  const std::uint64_t at = f.map(2);
  std::uint64_t had = 0;
  ASSERT_TRUE(f.machine->take_pages(0, *f.mm->mm, at, 2, kFollPin, true, had));
  ASSERT_TRUE(f.machine->create_file(0, 4, true));
  const auto other = f.machine->create_mm(1);
  ASSERT_TRUE(other);
  const LeftOver left = f.machine->end_user(0);
  EXPECT_EQ(left.mms, 1U);
  EXPECT_EQ(left.files, 1U);
  EXPECT_EQ(left.pinned.size(), 2U);
  EXPECT_EQ(f.machine->mm(f.id), nullptr);
  EXPECT_NE(f.machine->mm(other.value), nullptr);
  EXPECT_EQ(f.audit(), "");
  EXPECT_EQ(f.box->reset(), Errc::kBusy);
  EXPECT_EQ(f.machine->close_mm(other.value), Errc::kOk);
  EXPECT_EQ(f.box->reset(), Errc::kOk);
  EXPECT_EQ(f.box->machine(), nullptr);
}

TEST(BoxMachine, ADeviceIsRemovedWhenNobodyHoldsItsPages) {
  Fixture f;
  const auto id = f.machine->add_device(DeviceMemory::kCoherent, 16, "gpu");
  ASSERT_TRUE(id);
  EXPECT_EQ(f.box->pfn_limit(), 1040U);
  EXPECT_EQ(f.machine->add_device(DeviceMemory::kPrivate, 49, "large").error, Errc::kNoSpc);
  EXPECT_EQ(f.machine->add_device(DeviceMemory::kPrivate, 1, "gpu").error, Errc::kExist);
  const std::uint64_t at = f.map(4);
  Mirror* mirror = f.machine->open_device(*f.mm, id.value);
  ASSERT_NE(mirror, nullptr);
  EXPECT_EQ(mirror->migrate_to_device(f.machine->cpu(0), at, 4, {}).error, Errc::kOk);
  EXPECT_EQ(f.audit(), "");
  const Pfn pfn = f.machine->device(id.value)->first;
  EXPECT_EQ(f.box->pin(pfn), Errc::kOk);
  EXPECT_EQ(f.machine->remove_device(0, id.value), Errc::kBusy);
  EXPECT_EQ(f.audit(), "");
  EXPECT_EQ(f.box->unpin(pfn), Errc::kOk);
  EXPECT_EQ(f.machine->remove_device(0, id.value), Errc::kOk);
  EXPECT_EQ(f.machine->device(id.value), nullptr);
  EXPECT_EQ(f.audit(), "");
}

TEST(BoxMachine, TheAuditFindsAPageThatNamesNoDeviceAndATableOutOfStep) {
  Fixture f;
  const auto id = f.machine->add_device(DeviceMemory::kPrivate, 16, "gpu");
  const std::uint64_t at = f.map(2);
  Mirror* mirror = f.machine->open_device(*f.mm, id.value);
  EXPECT_EQ(mirror->migrate_to_device(f.machine->cpu(0), at, 2, {}).error, Errc::kOk);
  EXPECT_EQ(f.audit(), "");
  const Page page = f.box->memmap().page(f.machine->device(id.value)->first);
  const unsigned word = page.shape().pgmap / page.shape().word_bytes;
  const std::uint64_t pgmap = page.word(word);
  page.set_word(word, pgmap + 64);
  EXPECT_EQ(f.audit().find("pgmap-intact pgmap 1024 "), 0U) << f.audit();
  page.set_word(word, pgmap);
  // An entry changed without a word to the device.
  const PteSlot slot(f.mm->mm->page_table.find(at), nullptr);
  const Pte before = slot.get();
  slot.drop();
  EXPECT_NE(f.audit().find("mirror-in-step mirror " + std::to_string(at) + " "), std::string::npos)
      << f.audit();
  slot.restore(before);
  EXPECT_EQ(f.audit(), "");
}

TEST(BoxMachine, TheAuditTellsOfHugePages) {
  BoxSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme("refcount-bias");
  settings.pages = 4096;
  settings.address_spaces = true;
  settings.hugetlb_pages = 2;
  std::shared_ptr<Box> box;
  ASSERT_EQ(Box::create(settings, box), Errc::kOk);
  HugetlbPool& pool = box->machine()->machine().hugetlb;
  const auto first_row = [&] {
    AuditReport report;
    EXPECT_EQ(audit(*box, report), Errc::kOk);
    return report.clean()
               ? std::string()
               : std::string(invariant_name(report.rows[0].invariant)) + " " + report.rows[0].field;
  };
  EXPECT_EQ(first_row(), "");
  ASSERT_EQ(pool.reserve(1), Errc::kOk);
  EXPECT_EQ(first_row(), "hugetlb-counted reserved");
  pool.unreserve(1);
  // In use by nobody: counts of a mapping, too.
  const auto taken = pool.take(false);
  ASSERT_TRUE(taken);
  EXPECT_EQ(first_row(), "refcount-accounted _refcount");
  ASSERT_EQ(box->get(box->memmap().pfn_of(taken.value)), Errc::kOk);
  taken.value.ref_sub(1);
  EXPECT_EQ(first_row(), "");
  folio_add_hugetlb_mapping(taken.value);
  EXPECT_EQ(first_row(), "huge-counts-agree _entire_mapcount");
  folio_remove_hugetlb_mapping(taken.value);
  ASSERT_EQ(box->put(box->memmap().pfn_of(taken.value)), Errc::kOk);
  EXPECT_EQ(pool.counts().free, 2U);
  EXPECT_EQ(first_row(), "");
  EXPECT_EQ(box->reset(), Errc::kOk);
  EXPECT_EQ(box->machine()->machine().hugetlb.counts().free, 2U);
}

TEST(BoxMachine, ABoxWithoutRoomForItsPoolIsNotMade) {
  BoxSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme("refcount-bias");
  settings.pages = 4096;
  settings.address_spaces = true;
  settings.hugetlb_pages = 8;  // the zero page is in the way of the last one
  std::shared_ptr<Box> box;
  std::string reason;
  EXPECT_EQ(Box::create(settings, box, &reason), Errc::kNoMem);
  EXPECT_NE(reason.find("hugetlbPages"), std::string::npos) << reason;
}

TEST(BoxMachine, ABoxGoesWithADeviceThatIsHeld) {
  Fixture f;
  const auto id = f.machine->add_device(DeviceMemory::kCoherent, 16, "gpu");
  const std::uint64_t at = f.map(4);
  Mirror* mirror = f.machine->open_device(*f.mm, id.value);
  EXPECT_EQ(mirror->migrate_to_device(f.machine->cpu(0), at, 4, {}).error, Errc::kOk);
  EXPECT_EQ(f.box->get(f.machine->device(id.value)->first), Errc::kOk);
  f.box.reset();  // does not wait
}

TEST(BoxMachine, ARealFileIsReadAndWrittenFromTheFrames) {
  Fixture f;
  const std::string path = ::testing::TempDir() + "pagebox-box-machine";
  FileDiskOptions options;
  options.create = options.truncate = true;
  const auto id = f.machine->open_file(0, path, options);
  ASSERT_TRUE(id);
  AddressSpace& file = *f.machine->file(id.value)->file;
  Cpu& cpu = f.machine->cpu(0);
  const std::uint64_t at = f.map(4);
  EXPECT_EQ(direct_write(cpu, *f.mm->mm, file, 0, at, 4).bytes, 4 * kPageBytes);
  EXPECT_EQ(file.size_pages(), 4U);
  const std::uint64_t back = f.map(4);
  EXPECT_EQ(store_word(cpu, *f.mm->mm, back, 99), FaultResult::kOk);
  EXPECT_EQ(direct_read(cpu, *f.mm->mm, file, 1, back, 3).bytes, 3 * kPageBytes);
  std::uint64_t word = 0;
  EXPECT_EQ(load_word(cpu, *f.mm->mm, back, word), FaultResult::kOk);
  EXPECT_EQ(word, 2U);
  EXPECT_EQ(f.audit(), "");
  EXPECT_EQ(f.machine->close_file(id.value), Errc::kOk);
  // The bytes outlive the last user.
  FileDiskOptions again;
  const auto reopened = f.machine->open_file(0, path, again);
  ASSERT_TRUE(reopened);
  EXPECT_EQ(f.machine->file(reopened.value)->file->size_pages(), 4U);
  FileStore store;
  (void)File::remove(store, path);
}

// Mappings, the caches and who looks at a page for a moment need references too.
TEST(BoxMachine, PinsLeaveReferencesToMemoryManagement) {
  MachineBox f;
  const std::uint64_t at = f.map(1);
  const Pfn pfn = f.mm->mm->page_table.find(at).get().pfn();
  constexpr std::uint32_t kEach = 1024, kAll = kRefcountMax / kEach;
  EXPECT_EQ(f.box->pin(pfn, kAll - 1), Errc::kPinLimit);
  const std::uint32_t fits = kAll - BoxMachine::kSpareRefs / kEach - 1;
  ASSERT_EQ(f.box->pin(pfn, fits), Errc::kOk);
  std::uint64_t word = 0;
  EXPECT_EQ(load_word(f.machine->cpu(0), *f.mm->mm, at, word), FaultResult::kOk);
  ASSERT_EQ(f.box->unpin(pfn, fits), Errc::kOk);
  EXPECT_EQ(f.audit(), "");
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
