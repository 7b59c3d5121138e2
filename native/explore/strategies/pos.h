// Partial order sampling (Yuan, Yang, Gu, CAV 2018): each step that is next has a priority,
// drawn; the highest is taken, and those that it meets draw again. So orders of steps that
// do not meet cost no chances.
#pragma once

#include "base/env.h"

#include <array>
#include <cstdint>

#include "explore/dependence.h"
#include "explore/strategies/sampler.h"

namespace pagebox::inline PAGEBOX_ENV {

class PosStrategy final : public Sampler {
 public:
  explicit PosStrategy(std::uint64_t seed) : Sampler(seed) {}

  std::string_view name() const override { return "pos"; }
  FiberId next_fiber(const Choice& choice) override {
    // It has taken a step since it drew.
    if (choice.current != kNoFiber) priorities_[choice.current] = 0;
    const FiberId next = highest(choice.runnable, [this](FiberId fiber) {
      if (priorities_[fiber] == 0) priorities_[fiber] = rng_.next() | 1;
      return priorities_[fiber];
    });
    for (FiberSet left = choice.runnable & ~fiber_bit(next); left != 0; left &= left - 1) {
      const FiberId other = lowest(left);
      if (depend(choice.pending[next], choice.pending[other])) priorities_[other] = 0;
    }
    priorities_[next] = 0;
    return next;
  }

 private:
  void begin_drawn(std::uint64_t) override { priorities_.fill(0); }

  std::array<std::uint64_t, kMaxFibers> priorities_{};  // 0: to be drawn
};

}  // namespace pagebox::inline PAGEBOX_ENV
