// Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS
// 2010): fibers have priorities, drawn; the highest that can go on does. At d - 1 steps,
// drawn among k, who would go on falls below all others. A bug that d ordered steps make is
// found with a chance of at least 1 / (n * k^(d-1)) a run.
#pragma once

#include "base/env.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "explore/strategies/sampler.h"

namespace pagebox::inline PAGEBOX_ENV {

class PctStrategy final : public Sampler {
 public:
  static constexpr unsigned kMostDepth = 16;
  /// Depth 0: 1, 2 and 3 in turn.
  PctStrategy(std::uint64_t seed, unsigned depth) : Sampler(seed), depth_(depth) {}

  std::string_view name() const override { return "pct"; }
  FiberId next_fiber(const Choice& choice) override {
    for (; next_change_ < changes_ && change_at_[next_change_] <= choice.step; ++next_change_) {
      const FiberId first = highest(choice.runnable, [this](FiberId f) { return priority(f); });
      priorities_[first] = kMostDepth - next_change_;
    }
    return highest(choice.runnable, [this](FiberId f) { return priority(f); });
  }

 private:
  void begin_drawn(std::uint64_t run) override {
    priorities_.fill(0);
    changes_ = (depth_ == 0 ? static_cast<unsigned>(run % 3) + 1 : depth_) - 1;
    next_change_ = 0;
    for (unsigned i = 0; i < changes_; ++i)
      change_at_[i] = 1 + rng_.below(std::max<std::uint64_t>(pilot_.all_steps, 1));
    std::sort(change_at_.begin(), change_at_.begin() + changes_);
  }
  /// Drawn when a fiber is seen first; above all that the changes give.
  std::uint64_t priority(FiberId fiber) {
    if (priorities_[fiber] == 0) priorities_[fiber] = rng_.next() | std::uint64_t{1} << 63;
    return priorities_[fiber];
  }

  const unsigned depth_;
  unsigned changes_ = 0, next_change_ = 0;
  std::array<std::uint64_t, kMostDepth> change_at_{};
  std::array<std::uint64_t, kMaxFibers> priorities_{};
};

}  // namespace pagebox::inline PAGEBOX_ENV
