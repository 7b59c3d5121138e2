// What the tests of the model's scheduler share: lambdas as bodies, and a
// strategy that visits all schedules of a toy.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "base/model/model_run.h"
#include "explore/strategies/random.h"

namespace pagebox::testing {

/// The lambda must outlive the run.
template <class F>
FiberBody body(F& f) {
  return {[](void* arg) { (*static_cast<F*>(arg))(); }, &f};
}

/// Depth first over all choices, without any bound.
class AllSchedules final : public Strategy {
 public:
  bool begin(std::uint64_t) override {
    depth_ = 0;
    if (started_) {
      while (!left_.empty() && left_.back() == 0) {
        left_.pop_back();
        taken_.pop_back();
      }
      if (left_.empty()) return false;
      taken_.back() = take(left_.back());
    }
    started_ = true;
    return true;
  }
  FiberId next_fiber(const Choice& choice) override {
    if (depth_ == taken_.size()) {
      left_.push_back(choice.runnable);
      taken_.push_back(take(left_.back()));
    }
    return taken_[depth_++];
  }

 private:
  static FiberId take(FiberSet& set) {
    const auto fiber = static_cast<FiberId>(std::countr_zero(set));
    set &= set - 1;
    return fiber;
  }
  std::vector<FiberSet> left_;
  std::vector<FiberId> taken_;
  std::size_t depth_ = 0;
  bool started_ = false;
};

/// The choices of a recorded run.
class Replay final : public Strategy {
 public:
  explicit Replay(std::span<const FiberId> choices) : choices_(choices.begin(), choices.end()) {}
  bool begin(std::uint64_t) override {
    at_ = 0;
    return true;
  }
  FiberId next_fiber(const Choice&) override { return choices_.at(at_++); }

 private:
  std::vector<FiberId> choices_;
  std::size_t at_ = 0;
};

/// How many of `runs` random schedules ended how.
struct Ends {
  std::uint64_t of[kOutcomes] = {};
  std::uint64_t operator[](Outcome end) const { return of[static_cast<int>(end)]; }
};

/// Who wants to hear at once of a run that did not end well: what it leaves may hold locks.
inline void (*bad_end)(const RunOutcome&) = nullptr;

template <class Reset>
Ends random_runs(std::span<const FiberBody> bodies, std::uint64_t runs, Reset&& reset,
                 const RunLimits& limits = {}, std::uint64_t seed = 1) {
  ModelRunner runner;
  RandomStrategy strategy(seed);
  Ends ends;
  explore_runs(runner, bodies, strategy, limits, runs, reset, [&](const RunOutcome& outcome) {
    ++ends.of[static_cast<int>(outcome.end)];
    if (outcome.end != Outcome::kClean && bad_end != nullptr) bad_end(outcome);
    return true;
  });
  return ends;
}

}  // namespace pagebox::testing
