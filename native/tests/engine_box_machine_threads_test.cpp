// Users of one box on threads of their own: address spaces, pins, devices and
// audits side by side, as workers attached to a box have them.
#include <gtest/gtest.h>

#include <thread>
#include <type_traits>
#include <vector>

#include "both/engine_box_machine_fixture.h"
#include "engine/audit.h"
#include "engine/box_machine.h"
#include "mm/user_access.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kPages = 16;

/// One thread's work; what it finds wrong is counted, as expectations are for the main
/// thread.
class User {
 public:
  User(const std::shared_ptr<Box>& box, ObjectId device)
      : handle_(box), machine_(*box->machine()), device_(device) {}

  void run(unsigned rounds) {
    const auto mine = call([&] { return machine_.create_mm(user()); });
    const std::uint64_t at = call([&] { return map(*machine_.mm(mine.value)); });
    for (unsigned round = 0; round < rounds; ++round) {
      step(mine.value, at, round);
      if (round % 16 == 0) audit();
    }
    call([&] { return machine_.end_user(user()).mms; });
  }
  unsigned wrong() const { return wrong_; }

 private:
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
  std::uint64_t map(BoxMm& mm) {
    MmapRequest request;
    request.address = BoxMachine::find_gap(*mm.mm, kPages).value;
    request.pages = kPages;
    request.prot = kVmRead | kVmWrite;
    check(do_mmap(cpu(), *mm.mm, request) == Errc::kOk);
    return request.address;
  }
  bool store(Mm& mm, std::uint64_t at, std::uint64_t value) {
    return store_word(cpu(), mm, at, value) == FaultResult::kOk;
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
  const ObjectId device_;
  unsigned wrong_ = 0;
};

TEST(BoxMachineThreads, UsersDoNotDisturbEachOther) {
  MachineBox f;
  const auto device = f.machine->add_device(DeviceMemory::kCoherent, 32, "gpu");
  ASSERT_TRUE(device);
  std::vector<std::unique_ptr<User>> users;
  for (unsigned i = 0; i < 3; ++i) users.push_back(std::make_unique<User>(f.box, device.value));
  std::vector<std::thread> threads;
  threads.reserve(users.size());
  for (auto& each : users) threads.emplace_back([&each] { each->run(64); });
  for (auto& each : threads) each.join();
  for (const auto& each : users) EXPECT_EQ(each->wrong(), 0U);
  EXPECT_EQ(f.audit(), "");
  EXPECT_EQ(f.machine->remove_device(0, device.value), Errc::kOk);
  EXPECT_EQ(f.audit(), "");
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
