// Threads that fault on one device-private page keep each other from moving it if
// each takes a reference first: Linux 6.12 can spin there for good, 6.14 does not.
#include <gtest/gtest.h>

#include "base_run_helpers.h"
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {
namespace {

TEST(ZoneDeviceFaultRace, FaultsOnOneDevicePageComeToAnEnd) {
  constexpr std::uint64_t kRuns = 300;
  auto owned = std::make_unique<DeviceBox>(DeviceMemory::kPrivate, 3, 4);
  DeviceBox& box = *owned;
  auto mm = box.create_mm(1);
  Mirror* mirror = box.device->open(*mm);
  const auto to_device = [&] {
    box.fill(*mm, 1, 10);
    EXPECT_EQ(mirror->migrate_to_device(box.cpu(), kBase, 1, {}).error, Errc::kOk);
  };
  const auto store = [&](unsigned cpu) {
    EXPECT_EQ(store_word(box.cpu(cpu), *mm, kBase, 20 + cpu), FaultResult::kOk);
  };
  auto first = [&] { store(0); };
  auto second = [&] { store(1); };
  auto third = [&] { store(2); };
  const FiberBody bodies[] = {body(first), body(second), body(third)};
  RunLimits limits;
  limits.max_steps = 20'000;
  ModelRunner runner;
  RandomStrategy strategy(1);
  Outcome end = Outcome::kClean;
  const auto check = [&](const RunOutcome& outcome) {
    end = outcome.end;
    return end == Outcome::kClean;
  };
  EXPECT_EQ(explore_runs(runner, bodies, strategy, limits, kRuns, to_device, check), kRuns);
  EXPECT_EQ(end, Outcome::kClean);
  if (end != Outcome::kClean) {
    (void)mm.release();  // abandoned fibers hold its locks
    (void)owned.release();
    return;
  }
  EXPECT_GE(box.word(*mm, 0), 20U);
  EXPECT_EQ(box.audit({mm.get()}), std::vector<std::string>{});
  mirror->close(box.cpu());
  box.exit(*mm);
}

}  // namespace
}  // namespace pagebox::testing
