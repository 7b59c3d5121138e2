// What strategies that draw their schedules have in common: run i is a function of (seed, i)
// and of the pilot alone, so any one can be repeated alone.
#pragma once

#include "base/env.h"

#include <bit>
#include <cstdint>

#include "base/model/strategy.h"
#include "base/rng.h"
#include "explore/strategies/pilot.h"

namespace pagebox::inline PAGEBOX_ENV {

class Sampler : public Strategy {
 public:
  explicit Sampler(std::uint64_t seed) : seed_(seed), rng_(seed) {}

  bool begin(std::uint64_t run) final {
    rng_ = Rng::stream(seed_, run);
    begin_drawn(run);
    return true;
  }
  bool wants_pilot(std::uint64_t) const override { return true; }
  void learn(const Pilot& pilot) override { pilot_ = pilot; }

 protected:
  virtual void begin_drawn(std::uint64_t run) = 0;

  /// One of them, by weights that are not all 0.
  template <class Weight>
  FiberId draw(FiberSet from, Weight&& weight) {
    std::uint64_t sum = 0;
    for (FiberSet left = from; left != 0; left &= left - 1) sum += weight(lowest(left));
    std::uint64_t skip = rng_.below(sum);
    for (FiberSet left = from; left != 0; left &= left - 1) {
      const std::uint64_t each = weight(lowest(left));
      if (skip < each) return lowest(left);
      skip -= each;
    }
    return lowest(from);
  }
  /// The one with the largest.
  template <class Priority>
  static FiberId highest(FiberSet from, Priority&& priority) {
    FiberId best = lowest(from);
    for (FiberSet left = from; left != 0; left &= left - 1)
      if (priority(lowest(left)) > priority(best)) best = lowest(left);
    return best;
  }
  static FiberId lowest(FiberSet set) { return static_cast<FiberId>(std::countr_zero(set)); }

  const std::uint64_t seed_;
  Rng rng_;
  Pilot pilot_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
