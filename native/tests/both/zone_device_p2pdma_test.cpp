// Memory on the bus: mapped shared, pinned by who asks for it, never for long.
#include "mm/fault/user_access.h"
#include "mm/file/file_io.h"
#include "mm/file/files.h"
#include "mm/file/memory_disk.h"
#include "mm/gup/gup.h"
#include "tests/both/mm_fixture.h"
#include "zone_device/p2pdma.h"

namespace pagebox::testing {
namespace {

constexpr std::uint64_t kBusRam = 1024, kOnBus = 4;

struct BusBox : MmBox {
  BusBox() : MmBox(1, "refcount-bias", kBusRam, kOnBus) {
    P2pdmaOptions options;
    options.first = {kBusRam};
    options.pages = kOnBus;
    EXPECT_EQ(P2pdma::create(cpu(), options, device), Errc::kOk);
    mm = create_mm();
  }
  ~BusBox() {
    mm->exit(cpu());
    machine->rcu.barrier();
  }
  Errc map(std::uint64_t pages, bool shared = true) {
    return device->mmap(cpu(), *mm, kTestBase, pages, kVmRead | kVmWrite, shared);
  }
  std::unique_ptr<P2pdma> device;
  std::unique_ptr<Mm> mm;
};

TEST(P2pdma, PagesAreHandedOutWithTheMappingAndComeBackWithIt) {
  BusBox box;
  EXPECT_EQ(box.map(1, false), Errc::kInval);
  EXPECT_EQ(box.map(kOnBus + 1), Errc::kNoMem);
  EXPECT_EQ(box.device->free_pages(), kOnBus);  // what was mapped until then came back
  ASSERT_EQ(box.map(2), Errc::kOk);
  EXPECT_EQ(box.device->free_pages(), kOnBus - 2);
  EXPECT_EQ(store_word(box.cpu(), *box.mm, kTestBase, 3), FaultResult::kOk);
  EXPECT_EQ(box.audit({box.mm.get()}), kClean);
  EXPECT_EQ(box.device->holders().size(), 2U);
  EXPECT_EQ(box.device->remove(box.cpu()), Errc::kBusy);
  ASSERT_EQ(do_munmap(box.cpu(), *box.mm, kTestBase, 2), Errc::kOk);
  EXPECT_EQ(box.device->free_pages(), kOnBus);
  EXPECT_EQ(box.map(1), Errc::kNoDev);  // it is going away
  EXPECT_EQ(box.device->remove(box.cpu()), Errc::kOk);
  EXPECT_EQ(box.audit({box.mm.get()}), kClean);
}

TEST(P2pdma, OnlyWhoAsksForItMayPinItAndNeverForLong) {
  BusBox box;
  ASSERT_EQ(box.map(1), Errc::kOk);
  Pfn pfn;
  const auto pin = [&](std::uint32_t flags, bool fast) {
    return (fast ? pin_user_pages_fast : pin_user_pages)(box.cpu(), *box.mm, kTestBase,
                                                         kFollWrite | flags, std::span(&pfn, 1));
  };
  for (const bool fast : {false, true}) {
    EXPECT_EQ(pin(0, fast).error, Errc::kRemoteIo);
    EXPECT_EQ(pin(kFollLongterm, fast).error, Errc::kRemoteIo);
    EXPECT_EQ(pin(kFollPciP2pdma | kFollLongterm, fast).error, Errc::kInval);
    ASSERT_EQ(pin(kFollPciP2pdma, fast).pages, 1U);
    EXPECT_EQ(pfn.value, kBusRam);
    unpin_user_page(box.cpu(), pfn);
  }
  AddressSpace* disk = create_disk_file(*box.machine, std::make_unique<MemoryDisk>());
  EXPECT_EQ(direct_write(box.cpu(), *box.mm, *disk, 0, kTestBase, 1).error, Errc::kFault);
  put_file(box.cpu(), *disk);
  EXPECT_EQ(box.audit({box.mm.get()}), kClean);
}

TEST(P2pdma, APinKeepsItsPageAfterTheMappingIsGone) {
  BusBox box;
  ASSERT_EQ(box.map(1), Errc::kOk);
  Pfn pfn;
  ASSERT_EQ(pin_user_pages(box.cpu(), *box.mm, kTestBase, kFollPciP2pdma, std::span(&pfn, 1)).pages,
            1U);
  ASSERT_EQ(do_munmap(box.cpu(), *box.mm, kTestBase, 1), Errc::kOk);
  EXPECT_EQ(box.device->free_pages(), kOnBus - 1);
  EXPECT_EQ(box.device->remove(box.cpu()), Errc::kBusy);
  EXPECT_EQ(box.audit({box.mm.get()}, {{pfn, true}}), kClean);
  unpin_user_page(box.cpu(), pfn);
  EXPECT_EQ(box.device->free_pages(), kOnBus);
  EXPECT_EQ(box.machine->page(pfn).refcount(), 1);  // idle, as v6.12 keeps it
}

}  // namespace
}  // namespace pagebox::testing
