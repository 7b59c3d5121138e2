// Small programs, visited by reduction, by sleep sets and in every schedule there is.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "explore/strategies/depth_first.h"
#include "explore/strategies/dpor.h"
#include "explore/strategies/shared.h"
#include "tests/model/base_run_helpers.h"

namespace pagebox::inline PAGEBOX_ENV {

struct Visited {
  std::uint64_t ended = 0, abandoned = 0;
  std::set<std::string> results;
  bool complete = false;
};

/// A small program: `reset` before each schedule, a word on how it came out after it.
struct Toy {
  std::vector<std::function<void()>> threads;
  std::function<void()> reset = [] {};
  std::function<std::string()> result = [] { return std::string(); };
};

inline Visited visit(Toy& toy, Strategy& strategy, std::uint64_t most = 1'000'000) {
  std::vector<FiberBody> bodies;
  for (auto& thread : toy.threads) bodies.push_back(testing::body(thread));
  ModelRunner runner;
  Visited visited;
  (void)explore_runs(runner, bodies, strategy, {}, most, toy.reset, [&](const RunOutcome& outcome) {
    if (strategy.visits() == Visit::kNone) return true;
    if (outcome.end == Outcome::kAbandoned) {
      ++visited.abandoned;
      return true;
    }
    ++visited.ended;
    std::string how(outcome_name(outcome.end));
    if (outcome.end == Outcome::kClean) how += " " + toy.result();
    visited.results.insert(how);
    return true;
  });
  visited.complete = strategy.is_complete();
  return visited;
}

/// Of the same program by reduction, by sleep sets alone and by neither.
struct Three {
  Visited reduced, sleeping, all;
};
inline Three three_ways(Toy& toy) {
  Three three;
  DporStrategy dpor;
  three.reduced = visit(toy, dpor);
  DepthFirstStrategy sleeping;
  three.sleeping = visit(toy, sleeping);
  DepthFirstStrategy all({.sleep_sets = false});
  three.all = visit(toy, all);
  return three;
}
/// The same on several machines, each with its part.
template <class Below>
Visited shared_by(Toy& toy, std::uint64_t machines) {
  Visited together;
  together.complete = true;
  for (std::uint64_t index = 0; index < machines; ++index) {
    SharedStrategy strategy(index, machines, std::make_unique<Below>());
    const Visited own = visit(toy, strategy);
    together.ended += own.ended;
    together.abandoned += own.abandoned;
    together.results.insert(own.results.begin(), own.results.end());
    together.complete = together.complete && own.complete;
  }
  return together;
}
inline void expect_shares_to_add_up(Toy& toy, const Visited& whole) {
  for (const std::uint64_t machines : {1, 2, 3, 7}) {
    const Visited reduced = shared_by<DporStrategy>(toy, machines);
    EXPECT_TRUE(reduced.complete);
    EXPECT_EQ(reduced.ended, whole.ended) << machines;
    EXPECT_EQ(reduced.results, whole.results) << machines;
    const Visited sleeping = shared_by<DepthFirstStrategy>(toy, machines);
    EXPECT_TRUE(sleeping.complete);
    EXPECT_EQ(sleeping.ended, whole.ended) << machines;
    EXPECT_EQ(sleeping.results, whole.results) << machines;
  }
}

/// How many classes there are, if all agree.
inline std::uint64_t classes_of(Toy& toy) {
  const Three three = three_ways(toy);
  EXPECT_TRUE(three.reduced.complete && three.sleeping.complete && three.all.complete);
  EXPECT_EQ(three.reduced.results, three.all.results);
  EXPECT_EQ(three.sleeping.results, three.all.results);
  EXPECT_EQ(three.reduced.ended, three.sleeping.ended);
  expect_shares_to_add_up(toy, three.reduced);
  return three.reduced.ended;
}

}  // namespace pagebox::inline PAGEBOX_ENV
