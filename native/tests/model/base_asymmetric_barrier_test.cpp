// The rule of the two sides, in its form with barriers, in every schedule; and that the same
// exploration finds what a processor makes of it where a barrier is missing.
#include <gtest/gtest.h>

#include "base/asymmetric_barrier.h"
#include "base/plain.h"
#include "tests/model/base_run_helpers.h"

namespace {

using namespace pagebox;
using pagebox::testing::AllSchedules;
using pagebox::testing::body;

/// Order of the frequent side's two accesses. Without a barrier its look overtakes its write.
enum class Order : std::uint8_t { kWriteThenLook, kLookThenWrite };

struct Ends {
  std::uint64_t clean = 0, races = 0, others = 0;
};

/// One or two that enter often, each with a word of its own, and one that wants to be alone.
Ends all_schedules(unsigned frequent, Order order) {
  AsymmetricBarrier barrier;
  EXPECT_FALSE(barrier.rare_pays());
  Atomic<std::uint32_t> active[2], shut;
  Plain<unsigned> field[2];  // the rare side's and one frequent side's: never at once
  const auto enter = [&](unsigned me) {
    bool open = false;
    if (order == Order::kWriteThenLook) {
      barrier.announce(active[me], 1);
      open = shut.load() == 0;
    } else {
      open = shut.load() == 0;
      barrier.announce(active[me], 1);
    }
    if (open) field[me] += 1;
    active[me].store(0, atomics::kRelease);
  };
  auto first = [&] { enter(0); };
  auto second = [&] { enter(1); };
  auto alone = [&] {
    shut.store(1);
    barrier.pay();
    for (unsigned i = 0; i < frequent; ++i) {
      for (SpinWait wait; active[i].load() != 0;) wait.pause();
      field[i] += 1;
    }
    shut.store(0);
  };
  const FiberBody bodies[] = {body(alone), body(first), body(second)};
  constexpr std::uint64_t kEnough = 1'000'000;
  ModelRunner runner;
  AllSchedules strategy;
  Ends ends;
  const auto runs = explore_runs(
      runner, std::span(bodies).first(1 + frequent), strategy, {}, kEnough,
      [&] {
        for (auto& each : active) each.store(0);
        shut.store(0);
      },
      [&](const RunOutcome& outcome) {
        if (outcome.end == Outcome::kClean)
          ++ends.clean;
        else
          ++(outcome.end == Outcome::kDataRace ? ends.races : ends.others);
        return true;
      });
  EXPECT_LT(runs, kEnough);  // so it was all of them
  return ends;
}

TEST(AsymmetricBarrierModel, NobodyIsInsideBesideWhoIsAlone) {
  for (const unsigned frequent : {1U, 2U}) {
    const Ends ends = all_schedules(frequent, Order::kWriteThenLook);
    EXPECT_GT(ends.clean, 1U);
    EXPECT_EQ(ends.races, 0U);
    EXPECT_EQ(ends.others, 0U);
  }
}

TEST(AsymmetricBarrierModel, AMissingBarrierIsFound) {
  EXPECT_GT(all_schedules(1, Order::kLookThenWrite).races, 0U);
}

}  // namespace
