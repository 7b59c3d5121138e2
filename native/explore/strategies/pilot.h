// One schedule that is run to measure a program by: how many steps each fiber takes, and
// which places are shared. Strategies that draw by such numbers are told of it before their
// own runs; it counts as none of them.
#pragma once

#include "base/env.h"

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "base/model/run_memory.h"
#include "base/model/strategy.h"
#include "base/rng.h"
#include "explore/dependence.h"
#include "explore/strategies/random.h"

namespace pagebox::inline PAGEBOX_ENV {

struct Pilot {
  /// Steps at scheduling points, by fiber.
  using Counts = std::array<std::uint32_t, kMaxFibers>;
  Counts steps{};
  std::uint64_t all_steps = 0;
  unsigned fibers = 0;
  /// Eight bytes that one fiber changes and another touches too, in the order in which they
  /// were first touched; and how often each fiber does.
  struct Place {
    std::uintptr_t granule = 0;
    Counts touches{};
  };
  std::vector<Place> shared;
};

/// Draws each choice.
class PilotStrategy final : public Strategy {
 public:
  explicit PilotStrategy(std::uint64_t seed) : rng_(seed) {}

  bool begin(std::uint64_t) override { return true; }
  FiberId next_fiber(const Choice& choice) override { return draw_any(choice.runnable, rng_); }
  bool wants_steps() const override { return true; }
  bool executed(const Step& step) override {
    if (!step.at_point) return true;
    ++pilot_.steps[step.fiber];
    ++pilot_.all_steps;
    pilot_.fibers = std::max(pilot_.fibers, step.fiber + 1U);
    touches_.clear();
    touches_of(step.what, step.wrote, touches_);
    for (const Touch& touch : touches_) {
      const auto [found, is_new] = places_.try_emplace(touch.granule, seen_.size());
      if (is_new) seen_.push_back({{touch.granule, {}}, false});
      Seen& seen = seen_[found->second];
      ++seen.place.touches[step.fiber];
      seen.changed =
          seen.changed || touch.effect == Effect::kChange || touch.effect == Effect::kAdd;
    }
    return true;
  }
  Pilot take() {
    for (const Seen& seen : seen_) {
      unsigned touching = 0;
      for (const std::uint32_t count : seen.place.touches) touching += count != 0 ? 1 : 0;
      if (seen.changed && touching > 1) pilot_.shared.push_back(seen.place);
    }
    return std::move(pilot_);
  }

 private:
  struct Seen {
    Pilot::Place place;
    bool changed = false;
  };
  Rng rng_;
  Pilot pilot_;
  std::vector<Touch> touches_;
  std::vector<Seen> seen_;
  std::map<std::uintptr_t, std::size_t> places_;  // looked up only
};

}  // namespace pagebox::inline PAGEBOX_ENV
