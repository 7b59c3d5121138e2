// dax devices and peer-to-peer memory of a box: one place behind RAM, one audit, and
// what is left when users and devices go.
#include <gtest/gtest.h>

#include "engine/box/box.h"
#include "engine/box/box_machine.h"
#include "engine_box_machine_fixture.h"
#include "mm/folio_state.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kBlocks = 8, kReadWrite = kVmRead | kVmWrite;

struct StorageBox : MachineBox {
  ObjectId device = 0, file_id = 0;

  explicit StorageBox(DaxKind kind = DaxKind::kFsdax, std::uint64_t pages = 2) {
    device = machine->add_dax(kind, kBlocks, "pmem").value;
    file_id = machine->create_dax_file(0, device, pages).value;
  }
  DaxDevice& dax() { return *machine->dax_device(device); }
  DaxFile& file() { return *machine->file(file_id)->dax; }
  Page block(std::uint64_t i) { return box->memmap().page(file().block(i).value); }
  std::uint64_t map_file(std::uint64_t pages, std::uint64_t pgoff = 0) {
    const std::uint64_t at = BoxMachine::find_gap(*mm->mm, pages).value;
    EXPECT_EQ(file().mmap(machine->cpu(0), *mm->mm, at, pages, kReadWrite, true, pgoff, file_id),
              Errc::kOk);
    return at;
  }
  FaultResult store(std::uint64_t address, std::uint64_t value) {
    return store_word(machine->cpu(0), *mm->mm, address, value);
  }
  Result<ObjectId> pin(std::uint64_t address, std::uint32_t flags = 0) {
    std::uint64_t had = 0;
    return machine->take_pages(0, *mm->mm, address, 1, kFollPin | kFollWrite | flags, true, had);
  }
};

TEST(BoxStorage, DevicesOfAllKindsShareNamesAndPfns) {
  MachineBox f;
  const auto gpu = f.machine->add_device(DeviceMemory::kPrivate, 16, "gpu");
  const auto pmem = f.machine->add_dax(DaxKind::kFsdax, 16, "pmem");
  const auto bus = f.machine->add_p2pdma(16, "bus");
  ASSERT_TRUE(gpu && pmem && bus);
  EXPECT_EQ(f.machine->device(pmem.value)->first.value, 1040U);
  EXPECT_EQ(f.machine->device(bus.value)->first.value, 1056U);
  EXPECT_EQ(f.machine->add_p2pdma(1, "pmem").error, Errc::kExist);
  EXPECT_EQ(f.machine->add_dax(DaxKind::kDevdax, 17, "large").error, Errc::kNoSpc);
  EXPECT_EQ(f.machine->mirror_device(pmem.value), nullptr);
  EXPECT_EQ(f.machine->dax_device(gpu.value), nullptr);
  EXPECT_EQ(f.machine->create_dax_file(0, bus.value, 1).error, Errc::kNoDev);
  EXPECT_EQ(f.audit(), "");
  EXPECT_EQ(f.machine->remove_device(0, pmem.value), Errc::kOk);
  EXPECT_EQ(f.machine->add_dax(DaxKind::kDevdax, 16, "pmem").error, Errc::kOk);
  EXPECT_EQ(f.audit(), "");
}

TEST(BoxStorage, ARemovedDeviceKeepsItsPfnsUntilItsFilesAreClosedAndUnmapped) {
  StorageBox f;
  const std::uint64_t at = f.map_file(2);
  EXPECT_EQ(f.store(at, 5), FaultResult::kOk);
  const auto pins = f.pin(at);
  ASSERT_TRUE(pins);
  EXPECT_EQ(f.machine->remove_device(0, f.device), Errc::kBusy);
  EXPECT_EQ(f.machine->device(f.device)->holders().size(), 1U);
  EXPECT_EQ(f.audit(), "");
  EXPECT_EQ(f.machine->give_back(pins.value), Errc::kOk);
  EXPECT_EQ(f.machine->remove_device(0, f.device), Errc::kOk);
  EXPECT_EQ(f.audit(), "");
  EXPECT_EQ(f.machine->device(f.device), nullptr);
  EXPECT_EQ(f.file().pages(), 0U);
  EXPECT_EQ(f.store(at, 5), FaultResult::kSigbus);
  EXPECT_EQ(f.machine->add_dax(DaxKind::kFsdax, 64, "all").error, Errc::kNoSpc);
  EXPECT_EQ(f.machine->close_file(f.file_id), Errc::kOk);
  EXPECT_EQ(f.store(at, 5), FaultResult::kSigbus);  // the mapping keeps the file
  EXPECT_EQ(f.machine->add_dax(DaxKind::kFsdax, 64, "all").error, Errc::kNoSpc);
  EXPECT_EQ(do_munmap(f.machine->cpu(0), *f.mm->mm, at, 2), Errc::kOk);
  EXPECT_TRUE(f.machine->add_dax(DaxKind::kFsdax, 64, "all"));
  EXPECT_EQ(f.audit(), "");
}

TEST(BoxStorage, ABoxGoesWithBlocksThatAreHeld) {
  for (const DaxKind kind : {DaxKind::kFsdax, DaxKind::kDevdax, DaxKind::kFsdaxLimited}) {
    StorageBox f(kind);
    const std::uint64_t at = f.map_file(2);
    EXPECT_EQ(f.store(at, 5), FaultResult::kOk);
    EXPECT_EQ(static_cast<bool>(f.pin(at)), kind != DaxKind::kFsdaxLimited);
    if (kind != DaxKind::kFsdaxLimited) {
      EXPECT_EQ(f.box->pin(f.file().block(1).value), Errc::kOk);
    }
    const auto bus = f.machine->add_p2pdma(4, "bus");
    ASSERT_TRUE(bus);
    EXPECT_EQ(f.box->get(f.machine->device(bus.value)->first), Errc::kOk);
    EXPECT_EQ(f.audit(), "");
    EXPECT_EQ(f.box->reset(), Errc::kBusy);
    f.box.reset();  // does not wait
  }
}

TEST(BoxStorage, AUserTakesItsFilesWithIt) {
  StorageBox f;
  const std::uint64_t at = f.map_file(2);
  ASSERT_TRUE(f.pin(at));
  const LeftOver left = f.machine->end_user(0);
  EXPECT_EQ(left.files, 1U);
  EXPECT_EQ(left.pinned.size(), 1U);
  EXPECT_EQ(f.dax().free_blocks(), kBlocks);
  EXPECT_FALSE(f.dax().has_files());
  EXPECT_EQ(f.audit(), "");
}

TEST(BoxStorage, TheAuditFindsABlockThatNamesAnotherPlace) {
  StorageBox f;
  EXPECT_EQ(f.audit(), "");
  const Page page = f.block(1);
  const std::uint64_t mapping = page.word(3), index = page.word(4);
  page.set_word(4, index + 1);
  EXPECT_EQ(f.audit().find("dax-block-linked index "), 0U) << f.audit();
  page.set_word(4, index);
  page.set_word(3, 0);
  EXPECT_EQ(f.audit().find("dax-block-linked mapping "), 0U) << f.audit();
  page.set_word(3, mapping);
  // A free block that still names a file.
  const Page free = f.box->memmap().page(f.dax().free_list()[0]);
  free.set_word(3, mapping);
  EXPECT_NE(f.audit().find("a free block names"), std::string::npos) << f.audit();
  free.set_word(3, 0);
  EXPECT_EQ(f.audit(), "");
}

TEST(BoxStorage, TheAuditFindsAnEntryThatLeadsToABlockOfAnotherFile) {
  StorageBox f;
  const std::uint64_t at = f.map_file(2);
  EXPECT_EQ(f.store(at, 1), FaultResult::kOk);
  EXPECT_EQ(f.store(at + kPageBytes, 2), FaultResult::kOk);
  const PteSlot first(f.mm->mm->page_table.find(at), nullptr);
  const PteSlot second = f.mm->mm->page_table.find(at + kPageBytes);
  const Pte before = first.get();
  (void)first.clear_and_flush();
  first.map(second.get());
  EXPECT_EQ(f.audit().find("dax-block-mapped block "), 0U) << f.audit();
  (void)first.clear_and_flush();
  first.restore(before);
  EXPECT_EQ(f.audit(), "");
}

TEST(BoxStorage, TheAuditFindsAReferenceOfABlockThatNobodyHolds) {
  StorageBox f;
  f.block(0).ref_add(1);
  EXPECT_EQ(f.audit().find("refcount-accounted "), 0U) << f.audit();
  f.block(0).ref_sub(1);
  EXPECT_EQ(f.audit(), "");
}

TEST(BoxStorage, TheAuditFindsABlockThatIsAFilesAndFree) {
  StorageBox f;
  auto& free = const_cast<std::vector<Pfn>&>(f.dax().free_list());
  free.push_back(f.file().block(1).value);
  EXPECT_NE(f.audit().find("dax-block-owned block "), std::string::npos) << f.audit();
  free.pop_back();
  EXPECT_EQ(f.audit(), "");
}

struct BusBox : MachineBox {
  ObjectId device = machine->add_p2pdma(4, "bus").value;
  P2pdma& bus() { return *machine->p2pdma(device); }
  Errc map(std::uint64_t address, std::uint64_t pages) {
    return bus().mmap(machine->cpu(0), *mm->mm, address, pages, kReadWrite, true);
  }
};

TEST(BoxStorage, AFreePageThatSomebodyHoldsByItsNumberIsNotHandedOut) {
  BusBox f;
  const Pfn first = f.machine->device(f.device)->first;
  const std::uint64_t at = BoxMachine::find_gap(*f.mm->mm, 4).value;
  ASSERT_EQ(f.box->pin(first), Errc::kOk);
  EXPECT_EQ(f.audit(), "");
  EXPECT_EQ(f.map(at, 4), Errc::kNoMem);
  ASSERT_EQ(f.map(at, 3), Errc::kOk);
  for (std::uint64_t i = 0; i < 3; ++i)
    EXPECT_NE(f.mm->mm->page_table.find(at + i * kPageBytes).get().pfn(), first);
  EXPECT_EQ(f.audit(), "");
  EXPECT_EQ(do_munmap(f.machine->cpu(0), *f.mm->mm, at, 3), Errc::kOk);
  EXPECT_EQ(f.bus().free_pages(), 4U);
  EXPECT_EQ(f.machine->remove_device(0, f.device), Errc::kBusy);
  EXPECT_EQ(f.machine->device(f.device)->holders().size(), 1U);
  EXPECT_EQ(f.box->unpin(first), Errc::kOk);
  EXPECT_EQ(f.machine->remove_device(0, f.device), Errc::kOk);
  EXPECT_EQ(f.audit(), "");
}

TEST(BoxStorage, AMappingThatGaveItsPagesBackKeepsTheDevice) {
  BusBox f;
  const std::uint64_t at = BoxMachine::find_gap(*f.mm->mm, 2).value;
  ASSERT_EQ(f.map(at, 2), Errc::kOk);
  Cpu& cpu = f.machine->cpu(0);
  EXPECT_EQ(do_madvise(cpu, *f.mm->mm, at, 2, Advice::kDontneed), Errc::kOk);
  EXPECT_EQ(f.bus().free_pages(), 4U);
  EXPECT_EQ(f.machine->remove_device(0, f.device), Errc::kBusy);
  EXPECT_EQ(f.machine->device(f.device)->holders().size(), 0U);
  EXPECT_EQ(store_word(cpu, *f.mm->mm, at, 1), FaultResult::kSigbus);
  EXPECT_EQ(do_munmap(cpu, *f.mm->mm, at, 2), Errc::kOk);
  EXPECT_EQ(f.machine->remove_device(0, f.device), Errc::kOk);
}

TEST(BoxStorage, TheAuditFindsAPageThatIsFreeAndMapped) {
  BusBox f;
  const std::uint64_t at = BoxMachine::find_gap(*f.mm->mm, 1).value;
  ASSERT_EQ(f.map(at, 1), Errc::kOk);
  const PteSlot slot(f.mm->mm->page_table.find(at), nullptr);
  const Page page = f.box->memmap().page(slot.get().pfn());
  const Pte before = slot.get();
  // Unmapped without a word to the page.
  slot.drop();
  page.mapcount_raw_add(-1);
  EXPECT_NE(f.audit().find("nobody has it, and it is not free"), std::string::npos) << f.audit();
  EXPECT_NE(f.audit().find("p2pdma-accounted free "), std::string::npos) << f.audit();
  page.mapcount_raw_add(1);
  folio_put(f.machine->cpu(0), page);
  slot.restore(before);  // freed behind the mapping's back
  EXPECT_NE(f.audit().find("yet free to be handed out"), std::string::npos) << f.audit();
  slot.drop();
  page.set_mapcount_raw(-1);
  EXPECT_EQ(f.audit(), "");
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
