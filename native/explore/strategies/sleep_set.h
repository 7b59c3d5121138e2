// Fibers whose next step need not be taken: every schedule that goes on with it from here
// is explored elsewhere (Godefroid, 1996). One stays asleep until a step that its own
// depends on.
#pragma once

#include "base/env.h"

#include <array>
#include <bit>
#include <span>
#include <utility>
#include <vector>

#include "explore/dependence.h"

namespace pagebox::inline PAGEBOX_ENV {

/// A step that has been explored from some state: whose, and what it touched there.
struct ExploredStep {
  FiberId fiber = kNoFiber;
  std::vector<Touch> touches;
};

class SleepSet {
 public:
  /// Who sleeps, and what its step touches.
  using Sleepers = std::vector<std::pair<FiberId, std::span<const Touch>>>;

  void begin() { asleep_ = 0; }
  /// As it was when they slept.
  void begin(const Sleepers& sleepers) {
    asleep_ = 0;
    for (const auto& [fiber, touches] : sleepers) {
      asleep_ |= fiber_bit(fiber);
      next_of_[fiber] = touches;
    }
  }
  Sleepers sleepers() const {
    Sleepers all;
    for (FiberSet left = asleep_; left != 0; left &= left - 1) {
      const auto fiber = static_cast<FiberId>(std::countr_zero(left));
      all.emplace_back(fiber, next_of_[fiber]);
    }
    return all;
  }
  FiberSet asleep() const { return asleep_; }
  bool has(FiberId fiber) const { return (asleep_ & fiber_bit(fiber)) != 0; }
  /// At a choice that has been made before, with these: they sleep, whoever goes on now does
  /// not. What `explored` leads to stays as it is while the run goes on.
  void choose(std::span<const ExploredStep> explored, FiberId chosen) {
    for (const ExploredStep& step : explored) {
      asleep_ |= fiber_bit(step.fiber);
      next_of_[step.fiber] = step.touches;
    }
    asleep_ &= ~fiber_bit(chosen);
  }
  void executed(std::span<const Touch> touches) {
    for (FiberSet left = asleep_; left != 0; left &= left - 1) {
      const auto fiber = static_cast<unsigned>(std::countr_zero(left));
      if (meet(next_of_[fiber], touches)) asleep_ &= ~(FiberSet{1} << fiber);
    }
  }

 private:
  static bool meet(std::span<const Touch> some, std::span<const Touch> others) {
    for (const Touch& one : some)
      for (const Touch& other : others)
        if (depend(one, other)) return true;
    return false;
  }

  FiberSet asleep_ = 0;
  std::array<std::span<const Touch>, kMaxFibers> next_of_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
