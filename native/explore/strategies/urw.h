// Uniform random walk (Zhao, Wolff, Mathur, Roychoudhury, ASPLOS 2025): a fiber is drawn by
// the number of steps it has left, as the pilot had them. Where nobody waits and nothing
// branches every schedule has the same chance; a plain draw all but never lets one short
// fiber run late.
#pragma once

#include "base/env.h"

#include <cstdint>

#include "explore/strategies/sampler.h"

namespace pagebox::inline PAGEBOX_ENV {

class UrwStrategy final : public Sampler {
 public:
  explicit UrwStrategy(std::uint64_t seed) : Sampler(seed) {}

  std::string_view name() const override { return "urw"; }
  FiberId next_fiber(const Choice& choice) override {
    return draw(choice.runnable, [this](FiberId f) { return left_[f] == 0 ? 1U : left_[f]; });
  }
  bool wants_points() const override { return true; }
  void passed(FiberId fiber, const PendingAccess&) override {
    if (left_[fiber] != 0) --left_[fiber];
  }

 private:
  void begin_drawn(std::uint64_t) override { left_ = pilot_.steps; }

  Pilot::Counts left_{};
};

}  // namespace pagebox::inline PAGEBOX_ENV
