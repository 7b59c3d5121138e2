// Each fiber that can go on is chosen with the same probability: quick, and
// without a guarantee; small chances add up over many runs.
#pragma once

#include <bit>
#include <cstdint>

#include "base/env.h"
#include "base/model/strategy.h"
#include "base/rng.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Of those that can go on, each with the same probability.
inline FiberId draw_any(FiberSet from, Rng& rng) {
  const auto count = static_cast<std::uint64_t>(std::popcount(from));
  auto skip = rng.below(count);
  if (count == 2)
    from &= from - skip;  // nearly always; and no branch that nobody can foresee
  else
    for (; skip != 0; --skip) from &= from - 1;
  return static_cast<FiberId>(std::countr_zero(from));
}

class RandomStrategy final : public Strategy {
 public:
  explicit RandomStrategy(std::uint64_t seed) : seed_(seed), rng_(seed) {}

  /// Run i is a function of (seed, i): any one can be repeated alone.
  bool begin(std::uint64_t run) override {
    rng_ = Rng::stream(seed_, run);
    return true;
  }
  std::string_view name() const override { return "random"; }
  FiberId next_fiber(const Choice& choice) override { return draw_any(choice.runnable, rng_); }

 private:
  std::uint64_t seed_;
  Rng rng_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
