// The scheduler itself: which schedules there are, and that they repeat.
#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "base/atomic.h"
#include "base_run_helpers.h"

namespace {

using namespace pagebox;
using pagebox::testing::AllSchedules;
using pagebox::testing::body;
using pagebox::testing::Replay;

using Word = Atomic<std::uint32_t>;

// n atomic steps each: the schedules are the ways to merge two sequences, and
// their number is C(2n, n), with or without race detection.
TEST(BaseSchedule, TwoFibersOfNStepsMergeInCTwoNNWays) {
  const std::uint64_t expected[] = {1, 2, 6, 20, 70, 252, 924, 3432};
  for (const bool detect_races : {false, true}) {
    for (unsigned n = 1; n <= 7; ++n) {
      Word word;
      auto steps = [&] {
        for (unsigned i = 0; i < n; ++i) word.fetch_add(1);
      };
      const FiberBody bodies[] = {body(steps), body(steps)};
      ModelRunner runner;
      AllSchedules strategy;
      RunLimits limits;
      limits.detect_races = detect_races;
      std::set<std::uint64_t> hashes;
      const auto runs = explore_runs(
          runner, bodies, strategy, limits, 1'000'000, [&] { word.store(0); },
          [&](const RunOutcome& outcome) {
            EXPECT_EQ(outcome.end, Outcome::kClean);
            EXPECT_EQ(outcome.steps, 2 * n);
            EXPECT_EQ(word.load(), 2 * n);
            hashes.insert(outcome.schedule_hash);
            return true;
          });
      EXPECT_EQ(runs, expected[n]) << n;
      EXPECT_EQ(hashes.size(), expected[n]) << n;
    }
  }
}

TEST(BaseSchedule, ThreeFibersMergeInMultinomialWays) {
  Word word;
  auto steps = [&] {
    for (int i = 0; i < 3; ++i) word.fetch_add(1);
  };
  const FiberBody bodies[] = {body(steps), body(steps), body(steps)};
  ModelRunner runner;
  AllSchedules strategy;
  const auto runs = explore_runs(
      runner, bodies, strategy, {}, 1'000'000, [] {}, [](const RunOutcome&) { return true; });
  EXPECT_EQ(runs, 1680U);  // 9! / (3!)^3
}

std::vector<std::uint64_t> hashes_of(std::uint64_t seed, unsigned runs) {
  Word words[2];
  auto steps = [&] {
    for (int i = 0; i < 10; ++i) words[i % 2].fetch_add(1);
  };
  const FiberBody bodies[] = {body(steps), body(steps), body(steps)};
  ModelRunner runner;
  RandomStrategy strategy(seed);
  std::vector<std::uint64_t> hashes;
  explore_runs(
      runner, bodies, strategy, {}, runs, [] {},
      [&](const RunOutcome& outcome) {
        hashes.push_back(outcome.schedule_hash);
        return true;
      });
  return hashes;
}

TEST(BaseSchedule, SameSeedSameSchedules) {
  EXPECT_EQ(hashes_of(1, 200), hashes_of(1, 200));
  EXPECT_NE(hashes_of(1, 200), hashes_of(2, 200));
}

TEST(BaseSchedule, TwoOsThreadsExploreAtOnce) {
  const auto expected = hashes_of(3, 300);
  std::vector<std::uint64_t> seen[2];
  std::thread other([&] { seen[1] = hashes_of(3, 300); });
  seen[0] = hashes_of(3, 300);
  other.join();
  EXPECT_EQ(seen[0], expected);
  EXPECT_EQ(seen[1], expected);
}

TEST(BaseSchedule, RecordedChoicesRepeatTheRun) {
  Word word;
  std::vector<int> order;
  int number = 0;
  auto steps = [&] {
    const int me = number++;
    for (int i = 0; i < 5; ++i) {
      word.fetch_add(1);
      order.push_back(me);
    }
  };
  const FiberBody bodies[] = {body(steps), body(steps)};
  ModelRunner runner;
  RandomStrategy random(5);
  RunLimits limits;
  limits.record_choices = true;
  ASSERT_TRUE(random.begin(0));
  const RunOutcome first = runner.run(bodies, random, limits);
  const auto first_order = order;
  Replay replay(first.choices);
  order.clear();
  number = 0;
  const RunOutcome second = runner.run(bodies, replay, limits);
  EXPECT_EQ(first.schedule_hash, second.schedule_hash);
  EXPECT_EQ(order, first_order);
}

TEST(BaseSchedule, LostUpdateIsFound) {
  Word word;
  auto careless = [&] { word.store(word.load() + 1); };
  auto careful = [&] { word.fetch_add(1); };
  for (const bool lost : {true, false}) {
    const FiberBody bad[] = {body(careless), body(careless)};
    const FiberBody good[] = {body(careful), body(careful)};
    ModelRunner runner;
    AllSchedules strategy;
    bool seen = false;
    explore_runs(
        runner, lost ? bad : good, strategy, {}, 1000, [&] { word.store(0); },
        [&](const RunOutcome&) {
          seen |= word.load() != 2;
          return true;
        });
    EXPECT_EQ(seen, lost);
  }
}

TEST(BaseSchedule, ObserverSeesEachAccessInOrder) {
  struct Trace final : RunObserver {
    void step(FiberId fiber, const PendingAccess& access) override {
      steps.emplace_back(fiber, access.access);
    }
    std::vector<std::pair<FiberId, Access>> steps;
  } trace;
  Word word;
  auto steps = [&] {
    word.store(1);
    word.fetch_add(1);
  };
  const FiberBody bodies[] = {body(steps)};
  ModelRunner runner;
  RandomStrategy strategy(1);
  RunLimits limits;
  limits.observer = &trace;
  EXPECT_EQ(runner.run(bodies, strategy, limits).steps, 2U);
  EXPECT_EQ(trace.steps, (decltype(trace.steps){{0, Access::kStore}, {0, Access::kRmw}}));
}

TEST(BaseSchedule, ManyFibersAndNone) {
  Word word;
  auto steps = [&] {
    for (int i = 0; i < 10; ++i) word.fetch_add(1);
  };
  const std::vector<FiberBody> bodies(kMaxFibers, body(steps));
  ModelRunner runner;
  RandomStrategy strategy(1);
  ASSERT_TRUE(strategy.begin(0));
  EXPECT_EQ(runner.run(bodies, strategy).end, Outcome::kClean);
  EXPECT_EQ(word.load(), kMaxFibers * 10);
  EXPECT_EQ(runner.run({}, strategy).end, Outcome::kClean);
}

}  // namespace
