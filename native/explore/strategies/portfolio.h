// First tries to be complete, then draws: reduction (dpor.h) gets the first runs, and if it
// is not done by then each strategy that samples gets every seventh. What one is blind to
// another sees. After the first runs, run i is a function of (seed, i), as of a sampler.
#pragma once

#include "base/env.h"

#include <array>
#include <cstdint>

#include "explore/strategies/delegating.h"
#include "explore/strategies/dpor.h"
#include "explore/strategies/pct.h"
#include "explore/strategies/pos.h"
#include "explore/strategies/random.h"
#include "explore/strategies/surw.h"
#include "explore/strategies/urw.h"

namespace pagebox::inline PAGEBOX_ENV {

class PortfolioStrategy final : public DelegatingStrategy {
 public:
  /// Runs below `systematic` are the reduction's.
  PortfolioStrategy(std::uint64_t seed, std::uint64_t systematic)
      : DelegatingStrategy(dpor_),
        systematic_(systematic),
        pct_{PctStrategy(seed, 1), PctStrategy(seed, 2), PctStrategy(seed, 3)},
        pos_(seed),
        urw_(seed),
        surw_(seed),
        random_(seed) {}

  void places_move() override { dpor_.places_move(); }
  bool begin(std::uint64_t run) override {
    if (run < systematic_) {
      delegate_to(dpor_);
      if (dpor_.begin(run)) return true;
      // Done: complete, or nothing more can be said by it.
      if (dpor_.is_complete()) return false;
    }
    delegate_to(*samplers()[run % kSamplers]);
    return now().begin(run);
  }
  std::uint64_t held_bytes() const override { return dpor_.held_bytes(); }
  bool is_complete() const override { return dpor_.is_complete(); }
  double explored() const override { return systematic_ == 0 ? -1 : dpor_.explored(); }
  bool wants_pilot(std::uint64_t run) const override {
    return run >= systematic_ || (dpor_.is_done() && !dpor_.is_complete());
  }
  void learn(const Pilot& pilot) override {
    for (Strategy* each : samplers()) each->learn(pilot);
  }

 private:
  static constexpr std::size_t kSamplers = 7;
  std::array<Strategy*, kSamplers> samplers() {
    return {&pct_[1], &pos_, &surw_, &pct_[2], &urw_, &random_, &pct_[0]};
  }

  const std::uint64_t systematic_;
  DporStrategy dpor_;
  std::array<PctStrategy, 3> pct_;
  PosStrategy pos_;
  UrwStrategy urw_;
  SurwStrategy surw_;
  RandomStrategy random_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
