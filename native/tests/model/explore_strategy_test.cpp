// What a strategy is told and may do; and the complete one visits what there is, once.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/atomic.h"
#include "base/lock.h"
#include "engine/scenario/scenario_ops.h"
#include "explore/explore.h"
#include "explore/strategies/depth_first.h"
#include "explore/strategies/random.h"
#include "explore/strategies/replay.h"
#include "pins/registry.h"
#include "tests/model/base_run_helpers.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

using testing::body;

struct VisitedSchedules {
  std::uint64_t ended = 0, abandoned = 0;
  std::set<std::uint64_t> schedules;
  bool complete = false;
};

template <class Reset, class Each>
VisitedSchedules visit(std::span<const FiberBody> bodies, Strategy& strategy, Reset reset,
                       Each each) {
  ModelRunner runner;
  VisitedSchedules visited;
  (void)explore_runs(runner, bodies, strategy, {}, 2'000'000, reset,
                     [&](const RunOutcome& outcome) {
                       if (outcome.end == Outcome::kAbandoned) {
                         ++visited.abandoned;
                         return true;
                       }
                       ++visited.ended;
                       visited.schedules.insert(outcome.schedule_hash);
                       each(outcome);
                       return true;
                     });
  visited.complete = strategy.is_complete();
  return visited;
}

std::uint64_t choose(std::uint64_t n, std::uint64_t k) {
  std::uint64_t result = 1;
  for (std::uint64_t i = 1; i <= k; ++i) result = result * (n - k + i) / i;
  return result;
}

VisitedSchedules independent(unsigned steps, DepthFirstStrategy::Settings settings) {
  Atomic<std::uint32_t> one, two;
  auto first = [&] {
    for (unsigned i = 0; i < steps; ++i) one.fetch_add(1);
  };
  auto second = [&] {
    for (unsigned i = 0; i < steps; ++i) two.fetch_add(1);
  };
  const FiberBody bodies[] = {body(first), body(second)};
  DepthFirstStrategy strategy(settings);
  return visit(bodies, strategy, [] {}, [](const RunOutcome&) {});
}

TEST(ExploreDepthFirst, VisitsAllSchedulesOfIndependentStepsAndOneClass) {
  for (unsigned n = 1; n <= 7; ++n) {
    const VisitedSchedules all = independent(n, {.sleep_sets = false});
    EXPECT_EQ(all.ended, choose(2 * n, n)) << n;
    EXPECT_EQ(all.schedules.size(), all.ended);
    EXPECT_EQ(all.abandoned, 0U);
    EXPECT_TRUE(all.complete);
    const VisitedSchedules classes = independent(n, {});
    EXPECT_EQ(classes.ended, 1U) << n;
    EXPECT_TRUE(classes.complete);
  }
}

// Two threads, each reads and then writes the word that both share: 6 orders, in which
// 4 pairs of what was read can come out.
TEST(ExploreDepthFirst, SleepSetsKeepEveryResult) {
  Atomic<std::uint32_t> word, other;
  std::uint32_t read[2] = {};
  auto increment = [&](unsigned me) {
    other.fetch_add(1);
    read[me] = word.load();
    word.store(read[me] + 1);
    other.fetch_add(1);
  };
  auto first = [&] { increment(0); };
  auto second = [&] { increment(1); };
  const FiberBody bodies[] = {body(first), body(second)};
  const auto results = [&](DepthFirstStrategy::Settings settings, VisitedSchedules& visited) {
    std::set<std::string> seen;
    DepthFirstStrategy strategy(settings);
    visited = visit(
        bodies, strategy,
        [&] {
          word.store(0);
          other.store(0);
        },
        [&](const RunOutcome&) {
          seen.insert(std::to_string(read[0]) + std::to_string(read[1]) +
                      std::to_string(word.load()));
        });
    return seen;
  };
  VisitedSchedules all, classes;
  EXPECT_EQ(results({.sleep_sets = false}, all), results({}, classes));
  EXPECT_EQ(all.ended, choose(8, 4));
  EXPECT_LT(classes.ended, all.ended);
  EXPECT_TRUE(classes.complete);
}

TEST(ExploreDepthFirst, ABoundOnPreemptionsIsNoCompleteness) {
  const VisitedSchedules none = independent(3, {.preemptions = 0});
  EXPECT_EQ(none.ended, 2U);  // one after the other, in either order
  EXPECT_FALSE(none.complete);
  const VisitedSchedules enough = independent(3, {.preemptions = 6});
  EXPECT_EQ(enough.ended, choose(6, 3));
  EXPECT_TRUE(enough.complete);
}

TEST(ExploreDepthFirst, SleepersThatAreWokenAreExplored) {
  Mutex mutex;
  std::uint32_t order = 0;
  auto first = [&] {
    mutex.lock();
    order = order * 10 + 1;
    mutex.unlock();
  };
  auto second = [&] {
    mutex.lock();
    order = order * 10 + 2;
    mutex.unlock();
  };
  const FiberBody bodies[] = {body(first), body(second)};
  std::set<std::uint32_t> orders;
  DepthFirstStrategy strategy;
  const VisitedSchedules visited = visit(
      bodies, strategy, [&] { order = 0; },
      [&](const RunOutcome& outcome) {
        EXPECT_EQ(outcome.end, Outcome::kClean);
        orders.insert(order);
      });
  EXPECT_EQ(orders, (std::set<std::uint32_t>{12, 21}));
  EXPECT_TRUE(visited.complete);
}

TEST(ExploreStrategy, IsToldOfEachStepWithTheValuesBeforeAndAfter) {
  ExploreSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme("refcount-bias");
  ScenarioOps scenario;
  Op map;
  map.code = OpCode::kMmap;
  map.pages = 1;
  map.prot = kProtRead | kProtWrite;
  Op store;
  store.code = OpCode::kStore;
  store.value = 7;
  scenario.setup = {map};
  scenario.threads = {{store}, {store}};
  settings.scenario = &scenario;
  settings.max_steps = 60;  // ends in a finding, which has its steps
  settings.steps = true;
  settings.schedules = 1;
  ExploreReport report;
  ASSERT_EQ(explore(settings, report), Errc::kOk);
  ASSERT_EQ(report.first.size(), 1U);
  const std::vector<ExploreStep>& steps = report.first[0].steps;
  ASSERT_GT(steps.size(), 50U);
  std::set<std::string> places;
  for (const ExploreStep& step : steps) {
    places.insert(step.place);
    EXPECT_EQ(step.place.find("0x"), std::string::npos) << step.place;
    const bool reads = step.access == "load" && step.has_values;
    EXPECT_TRUE(!reads || step.before == step.after) << step.place;
  }
  EXPECT_TRUE(places.contains("mmap_lock p"));
  ExploreReport again;
  ASSERT_EQ(explore(settings, again), Errc::kOk);
  ASSERT_EQ(again.first.at(0).steps.size(), steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(again.first[0].steps[i].place, steps[i].place) << i;
    EXPECT_EQ(again.first[0].steps[i].after, steps[i].after) << i << " " << steps[i].place;
  }
}

TEST(ExploreStrategy, MayAbandonARunAtAChoiceOrAfterAStep) {
  class Quitter final : public Strategy {
   public:
    explicit Quitter(bool at_choice) : at_choice_(at_choice) {}
    bool begin(std::uint64_t) override {
      left_ = 3;
      return true;
    }
    FiberId next_fiber(const Choice& choice) override {
      if (at_choice_ && left_-- == 0) return kAbandon;
      return static_cast<FiberId>(std::countr_zero(choice.runnable));
    }
    bool wants_steps() const override { return !at_choice_; }
    bool executed(const Step&) override { return left_-- != 0; }

   private:
    const bool at_choice_;
    unsigned left_ = 3;
  };
  Atomic<std::uint32_t> word;
  auto add = [&] {
    for (unsigned i = 0; i < 10; ++i) word.fetch_add(1);
  };
  const FiberBody bodies[] = {body(add), body(add)};
  for (const bool at_choice : {true, false}) {
    Quitter quitter(at_choice);
    ModelRunner runner;
    (void)quitter.begin(0);
    word.store(0);
    EXPECT_EQ(runner.run(bodies, quitter).end, Outcome::kAbandoned);
    EXPECT_LE(word.load(), 4U);
  }
}

TEST(ExploreStrategy, ChoicesOfARunRepeatIt) {
  Atomic<std::uint32_t> word;
  std::uint32_t last[2] = {};
  auto first = [&] {
    for (unsigned i = 0; i < 8; ++i) last[0] = word.fetch_add(1);
  };
  auto second = [&] {
    for (unsigned i = 0; i < 8; ++i) last[1] = word.fetch_add(1);
  };
  const FiberBody bodies[] = {body(first), body(second)};
  ModelRunner runner;
  RandomStrategy random(5);
  RunLimits limits;
  limits.record_choices = true;
  (void)random.begin(3);
  const RunOutcome outcome = runner.run(bodies, random, limits);
  const std::vector<FiberId> choices(outcome.choices.begin(), outcome.choices.end());
  const std::uint32_t seen[2] = {last[0], last[1]};
  word.store(0);
  ReplayStrategy replay(choices);
  (void)replay.begin(0);
  EXPECT_EQ(runner.run(bodies, replay).schedule_hash, outcome.schedule_hash);
  EXPECT_FALSE(replay.differs());
  EXPECT_EQ(last[0], seen[0]);
  EXPECT_EQ(last[1], seen[1]);
  const std::vector<FiberId> short_of_them(choices.begin(), choices.begin() + 2);
  ReplayStrategy cut(short_of_them);
  (void)cut.begin(0);
  (void)runner.run(bodies, cut);
  EXPECT_TRUE(cut.differs());
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
