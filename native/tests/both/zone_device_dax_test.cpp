// Files whose blocks are mapped themselves, and what pins may do to them.
#include <array>

#include "mm/fault/user_access.h"
#include "mm/file/file_io.h"
#include "mm/file/files.h"
#include "mm/file/memory_disk.h"
#include "mm/folio_state.h"
#include "mm/gup/gup.h"
#include "mm/pagemap.h"
#include "tests/both/mm_fixture.h"
#include "zone_device/dax_file.h"

namespace pagebox::testing {
namespace {

constexpr std::uint64_t kRam = 1024, kBlocks = 16;

struct DaxBox : MmBox {
  explicit DaxBox(DaxKind kind) : MmBox(1, "refcount-bias", kRam, kBlocks) {
    DaxDeviceOptions options;
    options.kind = kind;
    options.first = {kRam};
    options.pages = kBlocks;
    EXPECT_EQ(DaxDevice::create(*machine, options, device), Errc::kOk);
    mm = create_mm();
  }
  ~DaxBox() {
    mm->exit(cpu());
    lru_add_drain_all(cpu());
    machine->rcu.barrier();
  }

  DaxFile& file(std::uint64_t pages) {
    const auto made = device->create_file(cpu(), pages);
    EXPECT_TRUE(made);
    return *made.value;
  }
  void put(DaxFile& file) { put_file(cpu(), file.space()); }
  Errc map(DaxFile& file, std::uint64_t pages, bool shared = true) {
    return file.mmap(cpu(), *mm, kTestBase, pages, kVmRead | kVmWrite, shared);
  }
  FaultResult store(std::uint64_t page, std::uint64_t value) {
    return store_word(cpu(), *mm, kTestBase + page * kPageBytes, value);
  }
  std::uint64_t load(std::uint64_t page) {
    std::uint64_t word = 0;
    EXPECT_EQ(load_word(cpu(), *mm, kTestBase + page * kPageBytes, word), FaultResult::kOk);
    return word;
  }
  std::uint64_t stored(DaxFile& file, std::uint64_t page) {
    std::array<std::uint64_t, kPageBytes / 8> words{};
    EXPECT_EQ(file.read_page(page, reinterpret_cast<std::byte*>(words.data())), Errc::kOk);
    return words[0];
  }
  GupResult pin(std::uint32_t flags, Pfn& out, bool fast = false) {
    return (fast ? pin_user_pages_fast : pin_user_pages)(cpu(), *mm, kTestBase, flags,
                                                         std::span(&out, 1));
  }

  std::unique_ptr<DaxDevice> device;
  std::unique_ptr<Mm> mm;
};

TEST(Dax, AStoreIsInTheFileAtOnceAndAPrivateOneNever) {
  DaxBox box(DaxKind::kFsdax);
  DaxFile& file = box.file(2);
  ASSERT_EQ(box.map(file, 3), Errc::kOk);
  EXPECT_EQ(box.load(0), 0U);
  EXPECT_EQ(box.store(1, 7), FaultResult::kOk);
  EXPECT_EQ(box.stored(file, 1), 7U);
  EXPECT_EQ(box.store(2, 7), FaultResult::kSigbus);  // beyond the end
  ASSERT_EQ(do_munmap(box.cpu(), *box.mm, kTestBase, 3), Errc::kOk);

  ASSERT_EQ(box.map(file, 2, false), Errc::kOk);
  EXPECT_EQ(box.load(1), 7U);
  EXPECT_EQ(box.store(1, 8), FaultResult::kOk);  // after a read: copied on write
  EXPECT_EQ(box.store(0, 9), FaultResult::kOk);  // at once
  EXPECT_EQ(box.load(1), 8U);
  EXPECT_EQ(box.stored(file, 0), 0U);
  EXPECT_EQ(box.stored(file, 1), 7U);
  EXPECT_EQ(box.audit({box.mm.get()}), kClean);
  box.put(file);
}

TEST(Dax, MappingsCountNothingAndTheDescriptorNamesTheFile) {
  DaxBox box(DaxKind::kFsdax);
  DaxFile& file = box.file(1);
  ASSERT_EQ(box.map(file, 1), Errc::kOk);
  ASSERT_EQ(box.store(0, 1), FaultResult::kOk);
  const Page page = box.machine->page(file.block(0).value);
  EXPECT_EQ(page.refcount(), 1);
  EXPECT_EQ(page.mapcount_raw(), -1);
  EXPECT_EQ(folio_file(*box.machine, page), &file.space());
  EXPECT_EQ(DevPagemap::of(*box.machine, file.block(0).value), &box.device->pagemap());
  std::unique_ptr<Mm> child = box.create_mm();
  ASSERT_EQ(dup_mmap(box.cpu(), *child, *box.mm), Errc::kOk);
  EXPECT_EQ(page.refcount(), 1);
  EXPECT_EQ(store_word(box.cpu(), *child, kTestBase, 2), FaultResult::kOk);
  EXPECT_EQ(box.load(0), 2U);
  EXPECT_EQ(box.audit({box.mm.get(), child.get()}), kClean);
  child->exit(box.cpu());
  box.put(file);
}

TEST(Dax, FsdaxIsPinnedInPlaceButNotForLong) {
  for (const bool fast : {false, true}) {
    DaxBox box(DaxKind::kFsdax);
    DaxFile& file = box.file(1);
    ASSERT_EQ(box.map(file, 1), Errc::kOk);
    ASSERT_EQ(box.store(0, 1), FaultResult::kOk);
    Pfn pfn;
    EXPECT_EQ(box.pin(kFollWrite | kFollLongterm, pfn, fast).error, Errc::kOpNotSupp);
    ASSERT_EQ(box.pin(kFollWrite, pfn, fast).pages, 1U);
    EXPECT_EQ(pfn, file.block(0).value);
    box.machine->frames.set_word(pfn, 0, 5);  // DMA
    EXPECT_EQ(box.load(0), 5U);
    EXPECT_EQ(box.audit({box.mm.get()}, {{pfn, true}}), kClean);
    unpin_user_page(box.cpu(), pfn);
    box.put(file);
  }
}

TEST(Dax, DevdaxIsPinnedForLongAndMappedSharedOnly) {
  DaxBox box(DaxKind::kDevdax);
  DaxFile& file = box.file(0);
  EXPECT_EQ(file.pages(), kBlocks);
  EXPECT_EQ(box.device->create_file(box.cpu(), 1).error, Errc::kBusy);
  EXPECT_EQ(file.truncate(box.cpu(), 0, OnBusy::kWait), Errc::kInval);
  EXPECT_EQ(box.map(file, 1, false), Errc::kInval);
  ASSERT_EQ(box.map(file, 1), Errc::kOk);
  for (const bool fast : {false, true}) {
    Pfn pfn;
    ASSERT_EQ(box.pin(kFollWrite | kFollLongterm, pfn, fast).pages, 1U);
    EXPECT_EQ(pfn, file.block(0).value);
    unpin_user_page(box.cpu(), pfn);
  }
  box.put(file);
}

TEST(Dax, TruncateFreesNoBlockThatIsPinned) {
  DaxBox box(DaxKind::kFsdax);
  DaxFile& file = box.file(2);
  ASSERT_EQ(box.map(file, 2), Errc::kOk);
  Pfn pfn;
  ASSERT_EQ(box.pin(kFollWrite, pfn).pages, 1U);
  EXPECT_EQ(file.truncate(box.cpu(), 0, OnBusy::kRefuse), Errc::kBusy);
  EXPECT_EQ(file.pages(), 2U);
  EXPECT_EQ(file.layout_busy_page(box.cpu(), 0), pfn);
  EXPECT_EQ(file.layout_busy_page(box.cpu(), 1), std::nullopt);
  EXPECT_EQ(file.truncate(box.cpu(), 1, OnBusy::kRefuse), Errc::kOk);  // the other one
  EXPECT_EQ(box.store(0, 3), FaultResult::kOk);                        // mapped again
  unpin_user_page(box.cpu(), pfn);
  EXPECT_EQ(file.truncate(box.cpu(), 0, OnBusy::kWait), Errc::kOk);
  EXPECT_EQ(box.store(0, 3), FaultResult::kSigbus);
  EXPECT_EQ(box.device->free_blocks(), kBlocks);
  EXPECT_EQ(box.audit({box.mm.get()}), kClean);
  box.put(file);
}

TEST(Dax, AFileGrowsWithZeroesUntilTheDeviceIsFull) {
  DaxBox box(DaxKind::kFsdax);
  DaxFile& file = box.file(1);
  ASSERT_EQ(box.map(file, kBlocks), Errc::kOk);
  ASSERT_EQ(file.truncate(box.cpu(), 3, OnBusy::kWait), Errc::kOk);
  ASSERT_EQ(box.store(2, 9), FaultResult::kOk);
  ASSERT_EQ(file.truncate(box.cpu(), 1, OnBusy::kWait), Errc::kOk);
  ASSERT_EQ(file.truncate(box.cpu(), kBlocks, OnBusy::kWait), Errc::kOk);
  EXPECT_EQ(box.load(2), 0U);
  EXPECT_EQ(file.truncate(box.cpu(), kBlocks + 1, OnBusy::kWait), Errc::kNoSpc);
  EXPECT_EQ(file.pages(), kBlocks);
  EXPECT_EQ(box.device->create_file(box.cpu(), 1).error, Errc::kNoSpc);
  box.put(file);
}

TEST(Dax, ADroppedFileLeavesAPinnedBlockToItsPin) {
  DaxBox box(DaxKind::kFsdax);
  DaxFile& file = box.file(1);
  ASSERT_EQ(box.map(file, 1), Errc::kOk);
  Pfn pfn;
  ASSERT_EQ(box.pin(kFollWrite, pfn).pages, 1U);
  box.put(file);
  ASSERT_EQ(do_munmap(box.cpu(), *box.mm, kTestBase, 1), Errc::kOk);
  EXPECT_EQ(box.device->create_file(box.cpu(), kBlocks).error, Errc::kNoSpc);
  DaxFile& other = box.file(kBlocks - 1);
  for (std::uint64_t i = 0; i < kBlocks - 1; ++i) EXPECT_NE(other.block(i).value, pfn);
  unpin_user_page(box.cpu(), pfn);
  EXPECT_EQ(other.truncate(box.cpu(), kBlocks, OnBusy::kWait), Errc::kOk);
  EXPECT_EQ(other.block(kBlocks - 1).value, pfn);
  box.put(other);
}

TEST(Dax, TheDeviceDoesNotLeaveWhileABlockIsPinned) {
  DaxBox box(DaxKind::kFsdax);
  DaxFile& file = box.file(2);
  ASSERT_EQ(box.map(file, 2), Errc::kOk);
  ASSERT_EQ(box.store(1, 4), FaultResult::kOk);
  Pfn pfn;
  ASSERT_EQ(box.pin(kFollWrite, pfn, true).pages, 1U);
  EXPECT_EQ(box.device->remove(box.cpu()), Errc::kBusy);
  const std::vector<PageHolder> holders = box.device->holders();
  ASSERT_EQ(holders.size(), 1U);
  EXPECT_EQ(holders[0].pfn, pfn);
  EXPECT_TRUE(holders[0].maybe_pinned);
  EXPECT_EQ(box.load(1), 4U);  // nothing is lost
  unpin_user_page(box.cpu(), pfn);
  EXPECT_EQ(box.device->remove(box.cpu()), Errc::kOk);
  EXPECT_EQ(box.machine->pagemap(pfn), nullptr);
  EXPECT_TRUE(box.memmap->is_untouched(pfn));
  EXPECT_EQ(box.store(1, 5), FaultResult::kSigbus);
  EXPECT_EQ(box.device->remove(box.cpu()), Errc::kNoDev);
  EXPECT_EQ(box.device->create_file(box.cpu(), 1).error, Errc::kNoDev);
  EXPECT_EQ(file.truncate(box.cpu(), 1, OnBusy::kWait), Errc::kNoDev);
  EXPECT_EQ(box.audit({box.mm.get()}), kClean);
  box.put(file);
}

TEST(Dax, DirectIoGoesToFsdaxMemoryAndFailsWhereThereAreNoDescriptors) {
  for (const DaxKind kind : {DaxKind::kFsdax, DaxKind::kFsdaxLimited}) {
    DaxBox box(kind);
    DaxFile& file = box.file(1);
    ASSERT_EQ(box.map(file, 1), Errc::kOk);
    ASSERT_EQ(box.store(0, 6), FaultResult::kOk);
    EXPECT_EQ(box.load(0), 6U);
    AddressSpace* disk = create_disk_file(*box.machine, std::make_unique<MemoryDisk>());
    ASSERT_NE(disk, nullptr);
    const IoResult io = direct_write(box.cpu(), *box.mm, *disk, 0, kTestBase, 1);
    if (kind == DaxKind::kFsdax) {
      EXPECT_EQ(io.error, Errc::kOk);
      std::uint64_t word = 0;
      EXPECT_EQ(kernel_direct_read(box.cpu(), *disk, 0, std::span(&word, 1)).bytes, kPageBytes);
      EXPECT_EQ(word, 6U);
    } else {
      EXPECT_EQ(io.error, Errc::kFault);
      Pfn pfn;
      EXPECT_EQ(box.pin(kFollWrite, pfn).error, Errc::kExist);
      EXPECT_EQ(file.truncate(box.cpu(), 0, OnBusy::kRefuse), Errc::kOk);  // nothing to wait for
    }
    put_file(box.cpu(), *disk);
    EXPECT_EQ(box.audit({box.mm.get()}), kClean);
    box.put(file);
  }
}

TEST(Dax, MemoryWithoutDescriptorsIsFaultedInButHandedToNobody) {
  DaxBox box(DaxKind::kFsdaxLimited);
  DaxFile& file = box.file(1);
  ASSERT_EQ(box.map(file, 1), Errc::kOk);
  EXPECT_EQ(do_madvise(box.cpu(), *box.mm, kTestBase, 1, Advice::kPopulateWrite), Errc::kOk);
  const Pte pte = box.mm->page_table.find(kTestBase).get();
  EXPECT_TRUE(pte.present() && pte.write());
  // Again, where it is there: still no error.
  EXPECT_EQ(do_madvise(box.cpu(), *box.mm, kTestBase, 1, Advice::kPopulateRead), Errc::kOk);
  EXPECT_EQ(do_mlock(box.cpu(), *box.mm, kTestBase, 1), Errc::kOk);
  Pfn pfn;
  EXPECT_EQ(box.pin(0, pfn).error, Errc::kExist);
  box.put(file);
}

TEST(Dax, ProcShowsABlockAsAPageOfNoMemory) {
  for (const DaxKind kind : {DaxKind::kFsdax, DaxKind::kFsdaxLimited}) {
    DaxBox box(kind);
    DaxFile& file = box.file(1);
    ASSERT_EQ(box.map(file, 1), Errc::kOk);
    ASSERT_EQ(box.store(0, 1), FaultResult::kOk);
    PagemapEntry entry;
    read_pagemap(box.cpu(), *box.mm, kTestBase, std::span(&entry, 1));
    EXPECT_EQ(entry.state, PagemapState::kPresent);
    EXPECT_EQ(entry.flags, 1U << kKpfNopage);
    EXPECT_EQ(entry.pfn, file.block(0).value);
    EXPECT_EQ(entry.has_descriptor, kind == DaxKind::kFsdax);
    box.put(file);
  }
}

TEST(Dax, RangesThatAreNoDeviceAreRefused) {
  MmBox box(1, "refcount-bias", kRam, kBlocks);
  std::unique_ptr<DaxDevice> device;
  DaxDeviceOptions options;
  options.pages = kBlocks;
  EXPECT_EQ(DaxDevice::create(*box.machine, options, device), Errc::kInval);  // RAM
  options.first = {kRam};
  options.pages = kBlocks + 1;
  EXPECT_EQ(DaxDevice::create(*box.machine, options, device), Errc::kInval);
  options.pages = 0;
  EXPECT_EQ(DaxDevice::create(*box.machine, options, device), Errc::kInval);
  EXPECT_EQ(device, nullptr);
}

}  // namespace
}  // namespace pagebox::testing
