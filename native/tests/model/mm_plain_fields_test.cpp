// What memory management and devices keep beside the descriptors is checked: who looks
// at it without its lock, while somebody changes it, is a data race in every schedule.
#include <gtest/gtest.h>

#include "mm/file/files.h"
#include "plain_fields.h"
#include "tests/both/mm_fixture.h"
#include "tests/both/zone_device_fixture.h"
#include "zone_device/dax_device.h"
#include "zone_device/dax_file.h"
#include "zone_device/p2pdma.h"

namespace pagebox::testing {
namespace {

struct FolioBox : MmBox {
  FolioBox() : MmBox(2), folio(machine->alloc_folio(cpu()).value) {}
  Pfn pfn() const { return machine->pfn_of(folio); }
  Page folio;
};
std::unique_ptr<FolioBox> make_folio_box() { return std::make_unique<FolioBox>(); }

TEST(MmPlainFields, ABatchBeforeTheLruLists) {
  const auto add = [](FolioBox& box) { folio_add_lru(box.cpu(0), box.folio); };
  expect_checked(
      make_folio_box, add, [](FolioBox& box) { lru_add_drain_all(box.cpu(1)); },
      [](FolioBox& box) { (void)box.cpu(0).batches.moves[0].held(); });
}

TEST(MmPlainFields, ABatchOfMlocks) {
  const auto add = [](FolioBox& box) { mlock_folio(box.cpu(0), box.folio); };
  expect_checked(
      make_folio_box, add, [](FolioBox& box) { lru_add_drain_all(box.cpu(1)); },
      [](FolioBox& box) { (void)box.cpu(0).batches.mlock.held(); });
}

TEST(MmPlainFields, MlockCounts) {
  const auto count = [](FolioBox& box) {
    Guard guard(box.zone->lru_lock());
    box.machine->mlock_counts.set(box.pfn(), 1);
  };
  expect_checked(
      make_folio_box, count,
      [](FolioBox& box) {
        Guard guard(box.zone->lru_lock());
        (void)box.machine->mlock_counts.of(box.pfn());
      },
      [](FolioBox& box) { (void)box.machine->mlock_counts.of(box.pfn()); });
}

TEST(MmPlainFields, TheLogOfDamage) {
  const auto add = [](FolioBox& box) { box.machine->damage.add({.pfn = box.pfn()}); };
  expect_checked(make_folio_box, add, add, [](FolioBox& box) { (void)box.machine->damage.rows(); });
}

TEST(MmPlainFields, TheListenersOfAnAddressSpace) {
  struct ListenedBox : MmBox {
    ListenedBox() : MmBox(2), mm(create_mm()) { mm->notifiers.begin_to_count(); }
    std::unique_ptr<Mm> mm;
    Atomic<std::uint64_t> seen;
    NotifierOps ops{[](void*, Cpu&, Mm&, const NotifierRange&) {}, nullptr, nullptr};
  };
  expect_checked([] { return std::make_unique<ListenedBox>(); },
                 [](ListenedBox& box) {
                   box.mm->notifiers.add(&box.ops, &box, box.seen);
                   box.mm->notifiers.remove(&box);
                 },
                 [](ListenedBox& box) {
                   const Invalidation change(box.cpu(1), *box.mm, {kTestBase, kTestBase + 1});
                 },
                 [](ListenedBox& box) { (void)box.mm->notifiers.listeners(); });
}

struct MirroredBox : DeviceBox {
  MirroredBox() : DeviceBox(DeviceMemory::kPrivate, 2), mm(create_mm(2)) {
    fill(*mm, 2, 10);
    mirror = device->open(*mm);
  }
  ~MirroredBox() {
    mirror->close(cpu());
    exit(*mm);
  }
  std::unique_ptr<Mm> mm;
  Mirror* mirror = nullptr;
};

TEST(MmPlainFields, TheTableOfAMirror) {
  expect_checked([] { return std::make_unique<MirroredBox>(); },
                 [](MirroredBox& box) { (void)box.mirror->read(box.cpu(0), kBase, 1, {}); },
                 [](MirroredBox& box) { (void)box.mirror->read(box.cpu(1), kBase, 2, {}); },
                 [](MirroredBox& box) { (void)box.mirror->table().size(); });
}

// To look is to write: the chunk that was found last is kept.
TEST(MmPlainFields, TwoWhoLookIntoTheTableOfAMirror) {
  const auto look = [](MirrorTable& table) { (void)table.find(kBase); };
  const auto make = [] { return std::make_unique<MirrorTable>(); };
  EXPECT_EQ(meet(make, look, look)[Outcome::kDataRace], kRuns);
}

TEST(MmPlainFields, TheFreePagesOfP2pdma) {
  struct P2pdmaBox : MmBox {
    P2pdmaBox() : MmBox(2, "refcount-bias", 1024, 8), mm(create_mm()) {
      EXPECT_EQ(P2pdma::create(cpu(), {.first = {1024}, .pages = 8}, device), Errc::kOk);
    }
    ~P2pdmaBox() { mm->exit(cpu()); }
    std::unique_ptr<P2pdma> device;
    std::unique_ptr<Mm> mm;
  };
  const auto map = [](P2pdmaBox& box) {
    (void)box.device->mmap(box.cpu(0), *box.mm, kTestBase, 1, kVmRead | kVmWrite, true);
  };
  expect_checked([] { return std::make_unique<P2pdmaBox>(); }, map,
                 [](P2pdmaBox& box) { (void)box.device->free_pages(); },
                 [](P2pdmaBox& box) { (void)box.device->free_list().size(); });
}

struct DaxBox : MmBox {
  DaxBox() : MmBox(2, "refcount-bias", 1024, 8) {
    EXPECT_EQ(DaxDevice::create(*machine, {.first = {1024}, .pages = 8}, device), Errc::kOk);
  }
  std::unique_ptr<DaxDevice> device;
};
void make_file(DaxBox& box) {
  const auto file = box.device->create_file(box.cpu(0), 1);
  if (file) put_file(box.cpu(0), file.value->space());
}

TEST(MmPlainFields, TheFreeBlocksOfDax) {
  expect_checked([] { return std::make_unique<DaxBox>(); }, make_file,
                 [](DaxBox& box) { (void)box.device->free_blocks(); },
                 [](DaxBox& box) { (void)box.device->free_list().size(); });
}

TEST(MmPlainFields, TheFilesOfDax) {
  expect_checked([] { return std::make_unique<DaxBox>(); }, make_file,
                 [](DaxBox& box) { (void)box.device->has_files(); },
                 [](DaxBox& box) { (void)box.device->files().size(); });
}

}  // namespace
}  // namespace pagebox::testing
