// Users of one box on threads of their own: address spaces, pins, devices and
// audits side by side, as workers attached to a box have them.
#include <gtest/gtest.h>

#include <thread>
#include <type_traits>
#include <vector>

#include "both/engine_box_machine_fixture.h"
#include "engine/audit/audit.h"
#include "engine/box/box_machine.h"
#include "mm/fault/user_access.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kPages = 16;

/// One thread's handle; what it finds wrong is counted, as expectations are for the main
/// thread.
class User {
 public:
  explicit User(const std::shared_ptr<Box>& box) : handle_(box), machine_(*box->machine()) {}
  unsigned wrong() const { return wrong_; }

 protected:
  unsigned user() const { return handle_.index(); }
  Cpu& cpu() { return machine_.cpu(user()); }
  void check(bool right) { wrong_ += right ? 0 : 1; }

  template <class Body>
  std::invoke_result_t<Body> call(Body body) {
    for (;;) {
      const BoxCall each(handle_);
      if (each) {
        auto result = body();
        machine_.settle();
        return result;
      }
      std::this_thread::yield();
    }
  }
  bool store(Mm& mm, std::uint64_t at, std::uint64_t value) {
    return store_word(cpu(), mm, at, value) == FaultResult::kOk;
  }
  void audit() {
    ExclusiveRun run(handle_.box().gate());
    if (!run) return;
    AuditReport report;
    check(::pagebox::audit(handle_.box(), report) == Errc::kOk && report.clean());
    if (!report.clean())
      ADD_FAILURE() << report.rows[0].field << ": " << report.rows[0].explanation;
  }

  BoxHandle handle_;
  BoxMachine& machine_;

 private:
  unsigned wrong_ = 0;
};

/// Memory, pins, forks and migration to a device that all share.
class MemoryUser : public User {
 public:
  MemoryUser(const std::shared_ptr<Box>& box, ObjectId device) : User(box), device_(device) {}

  void run(unsigned rounds) {
    const auto mine = call([&] { return machine_.create_mm(user()); });
    const std::uint64_t at = call([&] { return map(*machine_.mm(mine.value)); });
    for (unsigned round = 0; round < rounds; ++round) {
      step(mine.value, at, round);
      if (round % 16 == 0) audit();
    }
    call([&] { return machine_.end_user(user()).mms; });
  }

 private:
  std::uint64_t map(BoxMm& mm) {
    MmapRequest request;
    request.address = BoxMachine::find_gap(*mm.mm, kPages).value;
    request.pages = kPages;
    request.prot = kVmRead | kVmWrite;
    check(do_mmap(cpu(), *mm.mm, request) == Errc::kOk);
    return request.address;
  }

  void step(ObjectId id, std::uint64_t at, unsigned round) {
    call([&] {
      BoxMm& mm = *machine_.mm(id);
      for (std::uint64_t i = 0; i < kPages; ++i)
        check(store(*mm.mm, at + i * kPageBytes, round + i));
      std::uint64_t had = 0;
      const auto pins =
          machine_.take_pages(user(), *mm.mm, at, 2, kFollPin | kFollWrite, round % 2 == 0, had);
      check(static_cast<bool>(pins));
      Mirror* mirror = machine_.open_device(mm, device_);
      (void)mirror->migrate_to_device(cpu(), at, kPages, {});
      const Pfn pfn = machine_.pages(pins.value)->pfns[0];
      check(machine_.machine().frames.word(pfn) == round);
      check(machine_.give_back(pins.value) == Errc::kOk);
      return true;
    });
    const auto child = call([&] { return machine_.fork_mm(user(), id); });
    call([&] {
      Mm& theirs = *machine_.mm(child.value)->mm;
      check(store(theirs, at + 3 * kPageBytes, 12345));
      std::uint64_t word = 0;
      check(load_word(cpu(), *machine_.mm(id)->mm, at + 3 * kPageBytes, word) == FaultResult::kOk);
      check(word == round + 3);
      check(machine_.close_mm(child.value) == Errc::kOk);
      return true;
    });
    if (round % 8 == 3) call([&] { return machine_.reclaim(user(), 4); });
    if (round % 8 == 7) call([&] { return machine_.compact(user(), Pfn{0}, Pfn{512}); });
  }

  const ObjectId device_;
};

/// Files of its own on a dax device, and pages on a bus, that all share.
class StorageUser : public User {
 public:
  StorageUser(const std::shared_ptr<Box>& box, ObjectId pmem, ObjectId bus)
      : User(box), pmem_(pmem), bus_(bus) {}

  void run(unsigned rounds) {
    const ObjectId mm = call([&] { return machine_.create_mm(user()); }).value;
    for (unsigned round = 0; round < rounds; ++round) {
      call([&] { return step(*machine_.mm(mm), round); });
      if (round % 16 == 0) audit();
    }
    call([&] { return machine_.end_user(user()).files; });
  }

 private:
  bool step(BoxMm& mm, unsigned round) {
    const std::uint64_t pages = 1 + round % 4;
    const auto made = machine_.create_dax_file(user(), pmem_, pages);
    if (!made) return false;
    DaxFile& file = *machine_.file(made.value)->dax;
    const std::uint64_t at = BoxMachine::find_gap(*mm.mm, pages).value;
    check(file.mmap(cpu(), *mm.mm, at, pages, kVmRead | kVmWrite, true) == Errc::kOk);
    check(store(*mm.mm, at, round));
    std::uint64_t had = 0;
    const auto pins = machine_.take_pages(user(), *mm.mm, at, 1, kFollPin | kFollWrite, true, had);
    check(static_cast<bool>(pins));
    check(file.truncate(cpu(), 0, OnBusy::kRefuse) == Errc::kBusy);
    check(machine_.machine().frames.word(file.block(0).value) == round);
    // Every other file is dropped while its block is pinned.
    if (round % 2 == 0) check(machine_.give_back(pins.value) == Errc::kOk);
    check(machine_.close_file(made.value) == Errc::kOk);
    check(do_munmap(cpu(), *mm.mm, at, pages) == Errc::kOk);
    if (round % 2 == 1) check(machine_.give_back(pins.value) == Errc::kOk);

    P2pdma& bus = *machine_.p2pdma(bus_);
    if (bus.mmap(cpu(), *mm.mm, at, 2, kVmRead | kVmWrite, true) != Errc::kOk) return true;
    const auto peer =
        machine_.take_pages(user(), *mm.mm, at, 2, kFollPin | kFollPciP2pdma, round % 2 == 0, had);
    check(do_munmap(cpu(), *mm.mm, at, 2) == Errc::kOk);
    check(peer && machine_.give_back(peer.value) == Errc::kOk);
    return true;
  }

  const ObjectId pmem_, bus_;
};

/// Runs them all, each on a thread of its own.
template <class Each>
void run_all(std::vector<std::unique_ptr<Each>>& users, unsigned rounds) {
  std::vector<std::thread> threads;
  threads.reserve(users.size());
  for (auto& each : users) threads.emplace_back([&each, rounds] { each->run(rounds); });
  for (auto& each : threads) each.join();
  for (const auto& each : users) EXPECT_EQ(each->wrong(), 0U);
}

TEST(BoxMachineThreads, UsersShareStorageAndTheBus) {
  MachineBox f;
  const auto pmem = f.machine->add_dax(DaxKind::kFsdax, 12, "pmem");
  const auto bus = f.machine->add_p2pdma(6, "bus");
  ASSERT_TRUE(pmem && bus);
  std::vector<std::unique_ptr<StorageUser>> users;
  for (unsigned i = 0; i < 3; ++i)
    users.push_back(std::make_unique<StorageUser>(f.box, pmem.value, bus.value));
  run_all(users, 128);
  EXPECT_EQ(f.audit(), "");
  EXPECT_EQ(f.machine->dax_device(pmem.value)->free_blocks(), 12U);
  EXPECT_EQ(f.machine->p2pdma(bus.value)->free_pages(), 6U);
  EXPECT_EQ(f.machine->remove_device(0, pmem.value), Errc::kOk);
  EXPECT_EQ(f.machine->remove_device(0, bus.value), Errc::kOk);
  EXPECT_EQ(f.audit(), "");
}

TEST(BoxMachineThreads, UsersDoNotDisturbEachOther) {
  MachineBox f;
  const auto device = f.machine->add_device(DeviceMemory::kCoherent, 32, "gpu");
  ASSERT_TRUE(device);
  std::vector<std::unique_ptr<MemoryUser>> users;
  for (unsigned i = 0; i < 3; ++i)
    users.push_back(std::make_unique<MemoryUser>(f.box, device.value));
  run_all(users, 64);
  EXPECT_EQ(f.audit(), "");
  EXPECT_EQ(f.machine->remove_device(0, device.value), Errc::kOk);
  EXPECT_EQ(f.audit(), "");
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
