// The gate of a box, with barriers on both sides, in every order of its accesses: calls of
// handles against an exclusive run, against close(), and handles that come and go.
#include <gtest/gtest.h>

#include <memory>

#include "base/plain.h"
#include "engine/box/box_gate.h"
#include "engine/box/box_machine.h"
#include "tests/both/engine_fixture.h"
#include "tests/model/base_run_helpers.h"

namespace {

using namespace pagebox;
using pagebox::testing::AllSchedules;
using pagebox::testing::body;
using pagebox::testing::random_runs;

/// All schedules of these bodies; each has to end well.
template <class Reset>
std::uint64_t all_runs(std::span<const FiberBody> bodies, Reset reset) {
  constexpr std::uint64_t kEnough = 2'000'000;
  ModelRunner runner;
  AllSchedules strategy;
  const auto runs =
      explore_runs(runner, bodies, strategy, {}, kEnough, reset, [&](const RunOutcome& outcome) {
        if (outcome.end != Outcome::kClean && pagebox::testing::bad_end != nullptr)
          pagebox::testing::bad_end(outcome);
        EXPECT_EQ(outcome.end, Outcome::kClean) << outcome.text;
        return outcome.end == Outcome::kClean;
      });
  EXPECT_LT(runs, kEnough);  // so it was all
  return runs;
}

TEST(GateSchedules, ACallAndAnExclusiveRunAreNeverInsideTogether) {
  BoxHandle handle(TestBox{.pages = 1}.make());
  Plain<unsigned> inside;  // two at once would be a data race
  unsigned calls = 0, refused = 0;
  auto enter = [&] {
    const BoxCall call(handle);
    if (!call) return static_cast<void>(++refused);
    ++calls;
    inside += 1;
  };
  auto alone = [&] {
    const ExclusiveRun run(handle.box().gate());
    EXPECT_TRUE(run);
    inside += 1;
  };
  const FiberBody bodies[] = {body(enter), body(alone)};
  const auto runs = all_runs(bodies, [&] { inside = 0; });
  EXPECT_EQ(calls + refused, runs);
  EXPECT_GT(calls, 0U);
  EXPECT_GT(refused, 0U);
}

TEST(GateSchedules, TwoHandlesAndARunWithOneInFrontOfTheOther) {
  const auto box = TestBox{.pages = 1}.make();
  BoxHandle first(box), second(box);
  Plain<unsigned> of_first, of_second;
  auto enter_first = [&] {
    if (const BoxCall call(first); call) of_first += 1;
  };
  auto enter_second = [&] {
    if (const BoxCall call(second); call) of_second += 1;
  };
  auto alone = [&] {
    const ExclusiveRun run(box->gate());
    EXPECT_TRUE(run);
    of_first += 1;
    of_second += 1;
  };
  const FiberBody bodies[] = {body(enter_first), body(enter_second), body(alone)};
  EXPECT_EQ(random_runs(bodies, 20'000, [] {})[Outcome::kClean], 20'000U);
}

TEST(GateSchedules, AfterCloseNobodyIsInside) {
  std::unique_ptr<BoxHandle> handle;
  Plain<unsigned> inside;
  auto enter = [&] {
    if (const BoxCall call(*handle); call) inside += 1;
  };
  auto close = [&] {
    handle->box().gate().close();
    inside += 1;
    EXPECT_EQ(BoxCall(*handle).error(), Errc::kBadF);
  };
  const FiberBody bodies[] = {body(enter), body(close)};
  all_runs(bodies, [&] { handle = std::make_unique<BoxHandle>(TestBox{.pages = 1}.make()); });
}

TEST(GateSchedules, HandlesComeAndGoAroundARun) {
  const auto box = TestBox{.pages = 1}.make();
  auto come_and_go = [&] {
    BoxHandle handle(box);
    (void)BoxCall(handle);
    (void)handle.leave();
  };
  auto alone = [&] { const ExclusiveRun run(box->gate()); };
  const FiberBody bodies[] = {body(come_and_go), body(come_and_go), body(alone)};
  EXPECT_EQ(random_runs(bodies, 5'000, [] {})[Outcome::kClean], 5'000U);
  EXPECT_EQ(BoxHandle(box).index(), 0U);
}

}  // namespace
