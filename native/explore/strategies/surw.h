// Selectively uniform random walk (as urw.h): uniform over the orders of some steps only,
// those at one place that fibers share; another place each run. Whose step there comes next
// is drawn by what each has left of them; until it has come, the others wait before theirs.
#pragma once

#include "base/env.h"

#include <cstdint>

#include "explore/strategies/sampler.h"

namespace pagebox::inline PAGEBOX_ENV {

class SurwStrategy final : public Sampler {
 public:
  explicit SurwStrategy(std::uint64_t seed) : Sampler(seed) {}

  std::string_view name() const override { return "surw"; }
  FiberId next_fiber(const Choice& choice) override {
    if (place_ == 0) return draw_by_steps(choice.runnable);
    if (intended_ == kNoFiber) intend(~FiberSet{0});
    FiberSet able = 0;
    for (FiberSet left = choice.runnable; left != 0; left &= left - 1) {
      const FiberId fiber = lowest(left);
      if (fiber == intended_ || !is_there(choice.pending[fiber])) able |= fiber_bit(fiber);
    }
    if (able != 0) return draw_by_steps(able);
    // All stand before it, and whose turn it is cannot go on: somebody else's, then.
    intend(choice.runnable);
    if (intended_ == kNoFiber) intended_ = draw_by_steps(choice.runnable);
    return intended_;
  }
  bool wants_points() const override { return true; }
  void passed(FiberId fiber, const PendingAccess& what) override {
    if (steps_[fiber] != 0) --steps_[fiber];
    if (place_ == 0 || !is_there(what)) return;
    if (there_[fiber] != 0) --there_[fiber];
    if (fiber == intended_) intended_ = kNoFiber;
  }

 private:
  void begin_drawn(std::uint64_t) override {
    steps_ = pilot_.steps;
    place_ = 0;
    intended_ = kNoFiber;
    if (pilot_.shared.empty()) return;
    const Pilot::Place& place = pilot_.shared[rng_.below(pilot_.shared.size())];
    place_ = place.granule;
    there_ = place.touches;
  }
  bool is_there(const PendingAccess& what) const {
    const auto at = reinterpret_cast<std::uintptr_t>(what.at);
    return at < place_ + 8 && place_ < at + what.bytes;
  }
  void intend(FiberSet among) {
    FiberSet with = 0;
    for (unsigned fiber = 0; fiber < pilot_.fibers; ++fiber)
      if (there_[fiber] != 0) with |= fiber_bit(static_cast<FiberId>(fiber));
    with &= among;
    intended_ = with == 0 ? kNoFiber : draw(with, [this](FiberId f) { return there_[f]; });
  }
  FiberId draw_by_steps(FiberSet from) {
    return draw(from, [this](FiberId f) { return steps_[f] == 0 ? 1U : steps_[f]; });
  }

  std::uintptr_t place_ = 0;  // 0: none is shared
  FiberId intended_ = kNoFiber;
  Pilot::Counts steps_{}, there_{};  // left
};

}  // namespace pagebox::inline PAGEBOX_ENV
