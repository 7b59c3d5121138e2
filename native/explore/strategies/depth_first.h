// Every schedule, one after the other: the deepest choice that has an alternative left is
// made anew. Sleep sets (Godefroid, 1996) leave out those that only swap neighbours which
// do not touch the same place: of each class of such schedules one is run to its end, the
// others are abandoned at the first step that gives them away.
//
// A bound on preemptions leaves out schedules, and a sleeping one may be the only one of
// its class within the bound: with a bound there are no sleep sets.
#pragma once

#include "base/env.h"

#include <array>
#include <cstdint>
#include <vector>

#include "base/model/strategy.h"

namespace pagebox::inline PAGEBOX_ENV {

class DepthFirstStrategy final : public Strategy {
 public:
  static constexpr std::uint32_t kUnbounded = ~std::uint32_t{0};
  struct Settings {
    bool sleep_sets = true;
    std::uint32_t preemptions = kUnbounded;
  };
  DepthFirstStrategy() : DepthFirstStrategy(Settings{}) {}
  explicit DepthFirstStrategy(Settings settings) : settings_(settings) {
    if (settings_.preemptions != kUnbounded) settings_.sleep_sets = false;
  }

  bool begin(std::uint64_t run) override;
  FiberId next_fiber(const Choice& choice) override;
  bool wants_steps() const override { return settings_.sleep_sets; }
  bool executed(const Step& step) override;
  void end(const RunOutcome& outcome) override;
  std::uint64_t held_bytes() const override { return nodes_.capacity() * sizeof(Node); }
  bool is_complete() const override { return is_done_ && !was_cut_ && !differs_; }

 private:
  struct Node {
    FiberSet runnable = 0, sleep = 0, done = 0;
    FiberId chosen = kNoFiber, current = kNoFiber;
    std::uint32_t preemptions = 0;  // before it
  };
  FiberId pick(Node& node);

  Settings settings_;
  std::vector<Node> nodes_;  // the choices of the run before, the last made anew
  std::size_t depth_ = 0;
  FiberSet sleep_ = 0;  // whose next step has been explored from an equal state
  std::array<PendingAccess, kMaxFibers> next_of_{};
  bool is_done_ = false, was_cut_ = false, differs_ = false;
};

/// The order of the two is seen by somebody.
bool depend(const PendingAccess& a, const PendingAccess& b);

}  // namespace pagebox::inline PAGEBOX_ENV
