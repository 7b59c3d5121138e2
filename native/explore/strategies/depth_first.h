// Every schedule, one after the other: the deepest choice that has an alternative left is
// made anew. Sleep sets leave out those that only swap neighbours which do not depend on
// each other: of each class of such schedules one is run to its end, the others are
// abandoned at the first step that gives them away. dpor.h finds the same classes with
// fewer abandoned.
//
// With a bound on preemptions (Musuvathi and Qadeer, PLDI 2007) those with none come first,
// then those with one more, and so on: most bugs need few. A bound leaves out schedules, and
// a sleeping one may be the only one of its class within it: there are no sleep sets then.
//
// Several machines share a bounded search by what was put off: all visit the schedules of few
// preemptions, and each counts its share of them, until so much is put off that each gets
// enough; from there on they are alone.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <optional>
#include <vector>

#include "base/model/strategy.h"
#include "explore/strategies/sleep_set.h"
#include "explore/strategies/subtree.h"

namespace pagebox::inline PAGEBOX_ENV {

class DepthFirstStrategy final : public SubtreeStrategy {
 public:
  static constexpr std::uint32_t kUnbounded = ~std::uint32_t{0};
  struct Settings {
    bool sleep_sets = true;
    std::uint32_t preemptions = kUnbounded;
    /// Of schedules that are put off until the bound is raised; beyond that they are lost,
    /// and with them completeness.
    std::size_t most_bytes = std::size_t{256} << 20;
    /// With a bound: which one (from 0) of how many machines that share it this is.
    std::uint64_t index = 0, of = 1;
  };
  DepthFirstStrategy() : DepthFirstStrategy(Settings{}) {}
  explicit DepthFirstStrategy(Settings settings);

  std::string_view name() const override { return "depth-first"; }
  Visit visits() const override {
    if (!is_bounded()) return Visit::kClass;
    return is_other_ ? Visit::kNone : Visit::kSchedule;
  }
  /// Without sleep sets, which remember accesses: every schedule.
  void places_move() override { settings_.sleep_sets = false; }
  bool begin(std::uint64_t run) override;
  FiberId next_fiber(const Choice& choice) override;
  bool wants_steps() const override { return settings_.sleep_sets; }
  std::size_t quiet_choices() const override { return quiet_; }
  bool executed(const Step& step) override;
  void woke(FiberId by, const void* at, FiberSet sleepers) override;
  void died(FiberId by, const void* at, std::size_t bytes) override;
  void end(const RunOutcome& outcome) override;
  std::uint64_t held_bytes() const override {
    return nodes_.capacity() * sizeof(Node) + put_off_bytes_;
  }
  bool is_complete() const override { return is_done_ && !was_cut_ && !differs_; }
  void start_at(Prefix prefix) override;
  bool is_done() const override { return is_done_; }
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
    SleepSet::Sleepers sleepers;  // as a run came here first

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
  void deal();

  Settings settings_;
  std::vector<Node> nodes_;  // the choices of the run before, the last made anew
  std::size_t depth_ = 0;
  std::size_t quiet_ = 0;   // of nodes_: made as in the run before
  bool knows_way_ = false;  // to the last of nodes_
  SleepSet sleep_;
  static constexpr std::size_t kNoChoice = ~std::size_t{0};
  std::size_t choice_ = kNoChoice;  // that makes the next step
  // The step that is going on, and the choice that made it.
  std::vector<Touch> now_;
  std::size_t now_of_ = kNoChoice;

  std::uint32_t bound_ = 0;  // of the schedules that are being visited
  // Beginnings of schedules that are left, with as many preemptions and with one more.
  using Beginning = std::vector<FiberId>;
  std::vector<Beginning> these_, next_;
  std::size_t put_off_bytes_ = 0;
  bool lost_some_ = false;  // of next_
  Beginning prefix_;
  Prefix given_;  // what all schedules begin with
  // Of a search that is shared: whether the beginnings are dealt, schedules before that, and
  // whether the last one counts elsewhere.
  bool is_dealt_ = true, is_other_ = false;
  std::uint64_t shared_ = 0;
  bool is_done_ = false, was_cut_ = false, differs_ = false;
};

}  // namespace pagebox::inline PAGEBOX_ENV
