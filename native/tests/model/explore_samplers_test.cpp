// Strategies that draw, held to what their papers promise: fixed seeds, exact binomial and
// chi-square.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/atomic.h"
#include "engine/scenario/guarantee.h"
#include "explore/strategies/by_name.h"
#include "explore/strategies/depth_first.h"
#include "explore/strategies/pilot.h"
#include "tests/model/base_run_helpers.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

using testing::body;
// Eight bytes: places are told apart by them, and two on a stack may lie side by side.
using LongWord = Atomic<std::uint64_t>;

struct Toy {
  std::vector<std::function<void()>> threads;
  std::function<void()> reset = [] {};
};

std::vector<FiberBody> bodies_of(Toy& toy) {
  std::vector<FiberBody> bodies;
  for (auto& thread : toy.threads) bodies.push_back(body(thread));
  return bodies;
}
Pilot pilot_of(Toy& toy) {
  PilotStrategy pilot(1);
  ModelRunner runner;
  const auto bodies = bodies_of(toy);
  toy.reset();
  (void)runner.run(bodies, pilot);
  return pilot.take();
}
/// `each` after each of `runs` schedules.
void draw(Toy& toy, const StrategySettings& settings, std::uint64_t runs,
          const std::function<void(const RunOutcome&)>& each) {
  EXPECT_EQ(check_strategy(settings), "");
  const auto strategy = make_strategy(settings);
  if (strategy->wants_pilot(0)) strategy->learn(pilot_of(toy));
  ModelRunner runner;
  const auto bodies = bodies_of(toy);
  (void)explore_runs(runner, bodies, *strategy, {}, runs, toy.reset,
                     [&](const RunOutcome& outcome) {
                       each(outcome);
                       return true;
                     });
}
std::uint64_t hits_of(Toy& toy, const StrategySettings& settings, std::uint64_t runs,
                      const std::function<bool()>& is_hit) {
  std::uint64_t hits = 0;
  draw(toy, settings, runs, [&](const RunOutcome&) { hits += is_hit() ? 1 : 0; });
  return hits;
}

/// The chance of at most `hits` of `runs`, each of chance `p`.
double at_most(std::uint64_t hits, std::uint64_t runs, double p) {
  double sum = 0;
  for (std::uint64_t k = 0; k <= hits; ++k)
    sum += std::exp(std::lgamma(runs + 1.0) - std::lgamma(k + 1.0) - std::lgamma(runs - k + 1.0) +
                    static_cast<double>(k) * std::log(p) +
                    static_cast<double>(runs - k) * std::log1p(-p));
  return sum;
}
template <class Key>
double chi_square(const std::map<Key, std::uint64_t>& seen, std::uint64_t cells,
                  std::uint64_t runs) {
  const double expected = static_cast<double>(runs) / static_cast<double>(cells);
  double sum = expected * static_cast<double>(cells - seen.size());
  for (const auto& [key, count] : seen) {
    const double off = static_cast<double>(count) - expected;
    sum += off * off / expected;
  }
  return sum;
}

constexpr double kUnlikely = 1e-6;

/// One step against `steps` of another: a bug if it comes last of all.
struct LateStep {
  explicit LateStep(unsigned steps) {
    toy.threads = {[this, steps] {
                     for (unsigned i = 0; i < steps; ++i) one.store(i + 1);
                   },
                   [this] {
                     seen = two.load();
                     last = one.load();
                   }};
    toy.reset = [this] {
      one.store(0);
      last = 0;
    };
  }
  LongWord one, two;
  std::uint32_t last = 0, seen = 0;
  Toy toy;
};

TEST(ExploreSamplers, APlainDrawDoesNotSeeWhatTheOthersSee) {
  constexpr unsigned kSteps = 25;
  constexpr std::uint64_t kRuns = 10'000;
  LateStep late(kSteps);
  const auto is_last = [&] { return late.last == kSteps; };
  EXPECT_EQ(hits_of(late.toy, {.name = "random", .seed = 1}, kRuns, is_last), 0U);
  const double uniform = 1.0 / ((kSteps + 1) * (kSteps + 2) / 2.0);
  const std::uint64_t urw = hits_of(late.toy, {.name = "urw", .seed = 1}, kRuns, is_last);
  EXPECT_GT(at_most(urw, kRuns, uniform), kUnlikely) << urw;
  const std::uint64_t surw = hits_of(late.toy, {.name = "surw", .seed = 1}, kRuns, is_last);
  EXPECT_GT(at_most(surw, kRuns, uniform), kUnlikely) << surw;
  const std::uint64_t pos = hits_of(late.toy, {.name = "pos", .seed = 1}, kRuns, is_last);
  EXPECT_GT(pos, 0U);
  // Depth 1: who has the lower priority comes last.
  const std::uint64_t pct =
      hits_of(late.toy, {.name = "pct", .seed = 1, .depth = 1}, kRuns, is_last);
  EXPECT_GT(at_most(pct, kRuns, 0.5), kUnlikely) << pct;
}

/// d steps of threads in turn, each only right after the one before: a bug of depth d.
struct Depth {
  Depth(unsigned depth, unsigned idle) {
    for (unsigned t = 0; t < 2; ++t)
      toy.threads.push_back([this, t, depth, idle] {
        for (unsigned i = 0; i < idle; ++i) (void)own[t].load();
        // Thread t takes the steps t, t + 2, ….
        for (unsigned step = t; step < depth; step += 2) {
          std::uint64_t expected = step;
          if (!chain.compare_exchange(expected, step + 1ULL)) return;
          for (unsigned i = 0; i < idle; ++i) (void)own[t].load();
        }
      });
    toy.reset = [this] { chain.store(0); };
  }
  LongWord own[2], chain;
  Toy toy;
};

TEST(ExploreSamplers, PctFindsBugsOfItsDepthAsOftenAsItSays) {
  for (unsigned depth = 1; depth <= 3; ++depth) {
    Depth program(depth, 4);
    const Pilot pilot = pilot_of(program.toy);
    ASSERT_EQ(pilot.fibers, 2U);
    const double bound =
        1.0 / (pilot.fibers * std::pow(static_cast<double>(pilot.all_steps), depth - 1.0));
    constexpr std::uint64_t kRuns = 20'000;
    const std::uint64_t hits = hits_of(program.toy, {.name = "pct", .seed = 3, .depth = depth},
                                       kRuns, [&] { return program.chain.load() == depth; });
    EXPECT_GT(at_most(hits, kRuns, bound), kUnlikely) << "depth " << depth << ": " << hits;
  }
}

TEST(ExploreSamplers, PctBeatsAPlainDrawWhereFewSwitchesAreNeeded) {
  Depth program(2, 30);  // one after the other, each in one piece
  const auto is_hit = [&] { return program.chain.load() == 2; };
  constexpr std::uint64_t kRuns = 4000;
  const std::uint64_t pct =
      hits_of(program.toy, {.name = "pct", .seed = 5, .depth = 1}, kRuns, is_hit);
  LateStep late(40);
  const auto is_last = [&] { return late.last == 40; };
  EXPECT_GT(pct, kRuns / 4);
  EXPECT_EQ(hits_of(late.toy, {.name = "random", .seed = 5}, kRuns, is_last), 0U);
  EXPECT_GT(hits_of(late.toy, {.name = "pct", .seed = 5, .depth = 1}, kRuns, is_last), kRuns / 4);
}

/// Two threads of n steps on words of their own.
struct Apart {
  explicit Apart(unsigned n) {
    for (unsigned t = 0; t < 2; ++t)
      toy.threads.push_back([this, t, n] {
        for (unsigned i = 0; i < n; ++i) own[t].store(i);
      });
  }
  LongWord own[2];
  Toy toy;
};

TEST(ExploreSamplers, UrwIsUniformOverAllSchedules) {
  Apart apart(4);
  constexpr std::uint64_t kRuns = 14'000;
  const auto spread = [&](const char* name) {
    std::map<std::uint64_t, std::uint64_t> seen;
    draw(apart.toy, {.name = name, .seed = 11}, kRuns,
         [&](const RunOutcome& outcome) { ++seen[outcome.schedule_hash]; });
    return chi_square(seen, 70, kRuns);
  };
  // 69 degrees of freedom: more than 138 in one of a million.
  EXPECT_LT(spread("urw"), 138);
  EXPECT_GT(spread("random"), 1000);
}

TEST(ExploreSamplers, SurwIsUniformOverTheOrdersAtOnePlace) {
  LongWord own, shared;
  std::string order;
  Toy toy;
  toy.threads = {[&] {
                   for (unsigned i = 0; i < 20; ++i) own.store(i);
                   for (unsigned i = 0; i < 2; ++i) {
                     (void)shared.fetch_add(1);
                     order += 'a';
                   }
                 },
                 [&] {
                   for (unsigned i = 0; i < 2; ++i) {
                     (void)shared.fetch_add(1);
                     order += 'b';
                   }
                 }};
  toy.reset = [&] { order.clear(); };
  order.reserve(8);
  constexpr std::uint64_t kRuns = 6000;
  const auto spread = [&](const char* name) {
    std::map<std::string, std::uint64_t> seen;
    draw(toy, {.name = name, .seed = 2}, kRuns, [&](const RunOutcome&) { ++seen[order]; });
    return chi_square(seen, 6, kRuns);
  };
  // 5 degrees of freedom: more than 37 in one of a million.
  EXPECT_LT(spread("surw"), 37);
  EXPECT_GT(spread("random"), 1000);
  EXPECT_GT(spread("urw"), 1000);
}

// Orders of steps that do not meet cost POS no chances: two that meet, among many that do
// not, come in either order alike.
TEST(ExploreSamplers, PosIsNotMisledByStepsThatMeetNobody) {
  LongWord own, shared;
  std::string order;
  order.reserve(4);
  Toy toy;
  toy.threads = {[&] {
                   (void)shared.fetch_add(1);
                   order += 'a';
                 },
                 [&] {
                   for (unsigned i = 0; i < 10; ++i) own.store(i);
                   (void)shared.fetch_add(1);
                   order += 'b';
                 }};
  toy.reset = [&] { order.clear(); };
  const auto late = [&](const char* name) {
    return hits_of(toy, {.name = name, .seed = 4}, 4000, [&] { return order == "ba"; });
  };
  EXPECT_GT(late("pos"), 200U);
  EXPECT_LT(late("random"), 20U);
}

TEST(ExploreSamplers, EachRunIsAFunctionOfItsNumber) {
  Depth program(3, 3);
  const Pilot pilot = pilot_of(program.toy);
  for (const char* name : {"random", "pct", "pos", "urw", "surw"}) {
    std::vector<std::uint64_t> all;
    draw(program.toy, {.name = name, .seed = 9}, 20,
         [&](const RunOutcome& outcome) { all.push_back(outcome.schedule_hash); });
    const auto strategy = make_strategy({.name = name, .seed = 9});
    strategy->learn(pilot);
    ModelRunner runner;
    const auto bodies = bodies_of(program.toy);
    program.toy.reset();
    ASSERT_TRUE(strategy->begin(13));
    EXPECT_EQ(runner.run(bodies, *strategy).schedule_hash, all.at(13)) << name;
    EXPECT_EQ(strategy->name(), name);
  }
}

TEST(ExplorePortfolio, IsCompleteOrDraws) {
  Apart small(3);
  std::set<std::string> by;
  const auto visit = [&](Toy& toy, std::uint64_t schedules) {
    by.clear();
    const auto strategy = make_strategy({.name = "portfolio", .seed = 1, .schedules = schedules});
    ModelRunner runner;
    const auto bodies = bodies_of(toy);
    std::uint64_t ended = 0;
    for (std::uint64_t run = 0; run < schedules; ++run) {
      if (strategy->wants_pilot(run)) strategy->learn(pilot_of(toy));
      if (!strategy->begin(run)) break;
      toy.reset();
      strategy->end(runner.run(bodies, *strategy));
      by.insert(std::string(strategy->name()));
      ++ended;
    }
    return std::pair(ended, strategy->is_complete());
  };
  EXPECT_EQ(visit(small.toy, 100), std::pair(std::uint64_t{1}, true));
  LateStep large(30);
  EXPECT_EQ(visit(large.toy, 40).second, false);
  EXPECT_EQ(by, (std::set<std::string>{"dpor", "pct", "pos", "random", "surw", "urw"}));
}

// Schedules with few preemptions come first, each once.
TEST(ExploreBound, GoesUpByOnePreemption) {
  Apart apart(3);
  std::vector<std::uint64_t> counts;
  for (std::uint32_t bound = 0; bound <= 5; ++bound) {
    DepthFirstStrategy strategy({.preemptions = bound});
    ModelRunner runner;
    std::set<std::uint64_t> schedules;
    std::uint64_t ended = 0;
    const auto bodies = bodies_of(apart.toy);
    (void)explore_runs(runner, bodies, strategy, {}, 1000, apart.toy.reset,
                       [&](const RunOutcome& outcome) {
                         EXPECT_EQ(outcome.end, Outcome::kClean);
                         schedules.insert(outcome.schedule_hash);
                         ++ended;
                         return true;
                       });
    EXPECT_EQ(schedules.size(), ended) << "bound " << bound;
    EXPECT_EQ(strategy.bound_done(), bound);
    EXPECT_EQ(strategy.is_complete(), bound >= 4);
    counts.push_back(ended);
  }
  // aaabbb and bbbaaa; aabbba and 3 more with one switch back; …; all 20.
  EXPECT_EQ(counts[0], 2U);
  EXPECT_LT(counts[0], counts[1]);
  EXPECT_LT(counts[1], counts[2]);
  EXPECT_EQ(counts[4], 20U);
  EXPECT_EQ(counts[5], 20U);
}

TEST(ExploreBound, KeepsNoMoreThanItMay) {
  Apart apart(6);
  DepthFirstStrategy strategy({.preemptions = 12, .most_bytes = 200});
  ModelRunner runner;
  const auto bodies = bodies_of(apart.toy);
  std::uint64_t ended = explore_runs(runner, bodies, strategy, {}, 100'000, apart.toy.reset,
                                     [](const RunOutcome&) { return true; });
  EXPECT_LT(ended, 924U);
  EXPECT_FALSE(strategy.is_complete());
  EXPECT_TRUE(strategy.bound_done().has_value());
}

TEST(ExploreGuarantee, SaysWhatACleanResultIsWorth) {
  EXPECT_NEAR(pct_missed_at_most(2, 16, 2, 146), 0.01, 0.0005);
  EXPECT_NEAR(pct_missed_at_most(3, 24, 3, 7956), 0.01, 0.0005);
  EXPECT_EQ(guarantee_text({.schedules = 6, .classes = 6, .complete = true}),
            "complete: 6 classes of schedules, each visited once");
  EXPECT_EQ(guarantee_text({.schedules = 8, .bound_done = 1, .bounded = true}),
            "complete under bound 1: all schedules of at most 1 preemption; 8 schedules in all, "
            "not all there are");
  EXPECT_EQ(guarantee_text({.schedules = 3, .classes = 3, .estimate = 1200}),
            "not complete: 3 classes of schedules of an estimated 1.2e+03");
  Worth sampled{.schedules = 146, .fibers = 2, .steps = 16, .depth = 2};
  sampled.runs_by["pct"] = 146;
  EXPECT_EQ(guarantee_text(sampled),
            "sampled: 146 schedules by pct, 2 fibers and 16 steps a schedule; the chance that pct "
            "has missed a bug is at most of depth 2 0.0097; what one in 48 schedules drawn so "
            "does has been seen, with 95 % confidence");
}

TEST(ExploreStrategies, RefuseWhatTheyDoNotHave) {
  EXPECT_EQ(check_strategy({.name = "luck"}).rfind("strategy: random, depth-first, dpor", 0), 0U);
  EXPECT_NE(check_strategy({.name = "dpor", .one_program = false}), "");
  EXPECT_NE(check_strategy({.name = "portfolio", .one_program = false}), "");
  EXPECT_NE(check_strategy({.name = "dpor", .bound = 1}), "");
  EXPECT_EQ(check_strategy({.name = "depth-first", .bound = 65}), "bound: 0 to 64");
  EXPECT_EQ(check_strategy({.name = "pct", .depth = 4}), "depth: 1 to 3");
  EXPECT_NE(check_strategy({.name = "pos", .depth = 1}), "");
  EXPECT_EQ(check_strategy({.name = "pct", .depth = 3}), "");
  EXPECT_EQ(check_strategy({.name = "depth-first", .bound = 0}), "");
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
