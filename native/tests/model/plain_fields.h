// Shows that a field is checked: who changes it meets who looks at it with its lock, and without.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "base/model/leaks.h"
#include "base_run_helpers.h"

namespace pagebox::testing {

/// A machine whose run was abandoned with locks held cannot be taken down; it is kept.
template <class Box>
void keep(std::unique_ptr<Box> box) {
  static auto* const kept = new std::vector<std::unique_ptr<Box>>;
  kept->push_back(std::move(box));
}

inline constexpr std::uint64_t kRuns = 20;

/// How runs of `one` against `other` end, each on a machine of its own.
template <class Make, class One, class Other>
Ends meet(Make make, One one, Other other) {
  ModelRunner runner;
  Ends ends;
  for (std::uint64_t i = 0; i < kRuns; ++i) {
    auto box = make();
    RandomStrategy strategy(i);
    auto first = [&] { one(*box); };
    auto second = [&] { other(*box); };
    const FiberBody bodies[] = {body(first), body(second)};
    strategy.begin(0);
    // A data race ends it with a file half made.
    const sanitizer::MayStay half_made;
    const RunOutcome outcome = runner.run(bodies, strategy);
    strategy.end(outcome);
    ++ends.of[static_cast<int>(outcome.end)];
    if (outcome.end != Outcome::kClean) keep(std::move(box));
  }
  return ends;
}

/// `locked` is how the core does it, `bare` the same without the lock.
template <class Make, class Change, class Locked, class Bare>
void expect_checked(Make make, Change change, Locked locked, Bare bare) {
  EXPECT_EQ(meet(make, change, locked)[Outcome::kClean], kRuns);
  EXPECT_EQ(meet(make, change, bare)[Outcome::kDataRace], kRuns);
}

}  // namespace pagebox::testing
