// A device under random schedules: faults, pins, migration both ways, exclusive
// access and removal of the memory meet in every order; no data is lost and the
// audit is clean after each.
#include <gtest/gtest.h>

#include "base_run_helpers.h"
#include "mm/gup/gup.h"
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {
namespace {

constexpr std::uint64_t kPages = 2;

struct Meeting {
  explicit Meeting(DeviceMemory memory) : box(memory, 4, 4) {}

  /// Before each run, and once more at the end: what the last one left is clean.
  void renew() {
    if (mm != nullptr) {
      findings += box.audit({mm.get()}).size();
      for (std::uint64_t i = 0; i < kPages; ++i) lost += box.word(*mm, i) >= 10 ? 0 : 1;
      mirror->close(box.cpu());
      box.exit(*mm);
      findings += box.audit({}).size() + box.device->pages_in_use();
    }
    mm = box.create_mm(kPages);
    box.fill(*mm, kPages, 10);
    mirror = box.device->open(*mm);
  }

  void store(unsigned cpu) {
    for (std::uint64_t i = 0; i < kPages; ++i)
      (void)store_word(box.cpu(cpu), *mm, kBase + i * kPageBytes, 20 + i);
  }
  void pin(unsigned cpu, std::uint32_t flags) {
    Pfn pfn;
    if (pin_user_pages_fast(box.cpu(cpu), *mm, kBase, kFollWrite | flags, std::span(&pfn, 1))
            .pages != 1)
      return;
    if (box.machine->is_device_private(pfn)) ++private_pins;
    unpin_user_page(box.cpu(cpu), pfn);
  }
  void there(unsigned cpu) {
    moved += mirror->migrate_to_device(box.cpu(cpu), kBase, kPages, {}).error == Errc::kOk ? 1 : 0;
  }
  void back(unsigned cpu) { (void)mirror->migrate_to_system(box.cpu(cpu), kBase, kPages); }
  void exclusive(unsigned cpu) { (void)mirror->exclusive(box.cpu(cpu), kBase, 1, {}); }
  void release(unsigned cpu) { (void)box.device->release(box.cpu(cpu)); }

  void expect_clean(const Ends& ends, std::uint64_t runs, std::uint64_t tries_each) {
    renew();
    EXPECT_EQ(ends[Outcome::kClean], runs);
    EXPECT_EQ(findings, 0U);
    EXPECT_EQ(lost, 0U);
    EXPECT_EQ(private_pins, 0U);
    EXPECT_GT(moved, 0U);
    EXPECT_LT(moved, runs * tries_each);  // schedules met in the middle
    mirror->close(box.cpu());
    box.exit(*mm);
  }

  DeviceBox box;
  std::unique_ptr<Mm> mm;
  Mirror* mirror = nullptr;
  std::uint64_t findings = 0, lost = 0, private_pins = 0, moved = 0;
};

class ZoneDeviceSchedules : public ::testing::TestWithParam<DeviceMemory> {};
INSTANTIATE_TEST_SUITE_P(Memory, ZoneDeviceSchedules,
                         ::testing::Values(DeviceMemory::kPrivate, DeviceMemory::kCoherent),
                         parameter_name);

TEST_P(ZoneDeviceSchedules, FaultsAndPinsAgainstMigration) {
  constexpr std::uint64_t kRuns = 300;
  Meeting meeting(GetParam());
  auto cpu_side = [&] { meeting.store(0); };
  auto pins = [&] {
    meeting.pin(1, 0);
    meeting.pin(1, kFollLongterm);
  };
  auto device_side = [&] {
    meeting.there(2);
    meeting.back(2);
  };
  const FiberBody bodies[] = {body(cpu_side), body(pins), body(device_side)};
  meeting.expect_clean(random_runs(bodies, kRuns, [&] { meeting.renew(); }), kRuns, 1);
}

TEST_P(ZoneDeviceSchedules, RemovalAgainstFaultsMigrationAndExclusiveAccess) {
  constexpr std::uint64_t kRuns = 300;
  Meeting meeting(GetParam());
  auto cpu_side = [&] { meeting.store(0); };
  auto device_side = [&] {
    meeting.there(1);
    meeting.exclusive(1);
  };
  auto removal = [&] { meeting.release(2); };
  auto other = [&] { meeting.there(3); };
  const FiberBody bodies[] = {body(cpu_side), body(device_side), body(removal), body(other)};
  meeting.expect_clean(random_runs(bodies, kRuns, [&] { meeting.renew(); }), kRuns, 2);
}

}  // namespace
}  // namespace pagebox::testing
