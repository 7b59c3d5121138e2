// Every schedule, one after the other: the deepest choice that has an alternative left is
// made anew. Sleep sets leave out those that only swap neighbours which do not depend on
// each other: of each class of such schedules one is run to its end, the others are
// abandoned at the first step that gives them away. dpor.h finds the same classes with
// fewer abandoned.
//
// With a bound on preemptions (Musuvathi and Qadeer, PLDI 2007) those with none come first,
// then those with one more, and so on: most bugs need few. A bound leaves out schedules, and
// a sleeping one may be the only one of its class within it: there are no sleep sets then.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <optional>
#include <vector>

#include "base/model/strategy.h"
#include "explore/strategies/sleep_set.h"

namespace pagebox::inline PAGEBOX_ENV {

class DepthFirstStrategy final : public Strategy {
 public:
  static constexpr std::uint32_t kUnbounded = ~std::uint32_t{0};
  struct Settings {
    bool sleep_sets = true;
    std::uint32_t preemptions = kUnbounded;
    /// Of schedules that are put off until the bound is raised; beyond that they are lost,
    /// and with them completeness.
    std::size_t most_bytes = std::size_t{256} << 20;
  };
  DepthFirstStrategy() : DepthFirstStrategy(Settings{}) {}
  explicit DepthFirstStrategy(Settings settings);

  std::string_view name() const override { return "depth-first"; }
  Visit visits() const override { return is_bounded() ? Visit::kSchedule : Visit::kClass; }
  /// Without sleep sets, which remember accesses: every schedule.
  void places_move() override { settings_.sleep_sets = false; }
  bool begin(std::uint64_t run) override;
  FiberId next_fiber(const Choice& choice) override;
  bool wants_steps() const override { return settings_.sleep_sets; }
  bool executed(const Step& step) override;
  void woke(FiberId by, const void* at, FiberSet sleepers) override;
  void died(FiberId by, const void* at, std::size_t bytes) override;
  void end(const RunOutcome& outcome) override;
  std::uint64_t held_bytes() const override {
    return nodes_.capacity() * sizeof(Node) + put_off_bytes_;
  }
  bool is_complete() const override { return is_done_ && !was_cut_ && !differs_; }
  double explored() const override;
  /// All schedules of at most so many preemptions have been visited.
  std::optional<std::uint32_t> bound_done() const override;

 private:
  struct Node {
    FiberSet runnable = 0, sleep = 0, done = 0;
    FiberId chosen = kNoFiber, current = kNoFiber;
    std::uint32_t preemptions = 0;  // before it
    std::vector<Touch> touches;     // of the step that it chose
    bool is_known = true;           // that they are all
    std::vector<ExploredStep> explored;

    bool preempts(FiberId fiber) const {
      return current != kNoFiber && fiber != current && (runnable & fiber_bit(current)) != 0;
    }
  };
  FiberId pick(Node& node);
  void settle();
  bool is_bounded() const { return settings_.preemptions != kUnbounded; }
  void put_off(Node& node);
  bool go_back();
  bool take_up();

  Settings settings_;
  std::vector<Node> nodes_;  // the choices of the run before, the last made anew
  std::size_t depth_ = 0;
  SleepSet sleep_;
  static constexpr std::size_t kNoChoice = ~std::size_t{0};
  std::size_t choice_ = kNoChoice;  // that makes the next step
  // The step that is going on, and the choice that made it.
  std::vector<Touch> now_;
  std::size_t now_of_ = kNoChoice;

  std::uint32_t bound_ = 0;  // of the schedules that are being visited
  // Beginnings of schedules that are left, with as many preemptions and with one more.
  using Prefix = std::vector<FiberId>;
  std::vector<Prefix> these_, next_;
  std::size_t put_off_bytes_ = 0;
  bool lost_some_ = false;  // of next_
  Prefix prefix_;
  bool is_done_ = false, was_cut_ = false, differs_ = false;
};

}  // namespace pagebox::inline PAGEBOX_ENV
