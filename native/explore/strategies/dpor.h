// One schedule of each class of those that differ only in the order of steps which do not
// depend on each other: dynamic partial-order reduction with source sets and sleep sets
// (Abdulla, Aronis, Jonsson, Sagonas, "Source sets", JACM 2017, algorithm 1). A schedule is
// run; where two of its steps race (explore/dependence.h), the choice before the earlier
// one gets the alternative that turns them round, unless it has one already.
//
// When no alternative is left every class has been visited, once: whatever any schedule can
// come to has been seen. What a schedule that ends badly would have done afterwards is no
// class, so where one does, everybody else gets a turn before its last step. Who spins
// (cpu_relax) goes on after another has taken a step, here as in all strategies; rounds of
// a spin loop that change nothing make no classes.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <vector>

#include "base/model/strategy.h"
#include "explore/dependence.h"
#include "explore/strategies/sleep_set.h"
#include "explore/strategies/subtree.h"

namespace pagebox::inline PAGEBOX_ENV {

class DporStrategy final : public SubtreeStrategy {
 public:
  /// A run of more steps is given up, and with it completeness.
  static constexpr std::size_t kMostEvents = std::size_t{1} << 20;

  std::string_view name() const override { return "dpor"; }
  Visit visits() const override { return Visit::kClass; }
  /// Without sleep sets, which remember accesses: complete, and some classes more than once.
  void places_move() override { remembers_ = false; }
  bool begin(std::uint64_t run) override;
  FiberId next_fiber(const Choice& choice) override;
  bool wants_steps() const override { return true; }
  std::size_t quiet_choices() const override { return quiet_; }
  bool executed(const Step& step) override;
  void woke(FiberId by, const void* at, FiberSet sleepers) override;
  void begun(FiberId by, FiberId child) override { trace_.enabled(by, fiber_bit(child)); }
  void died(FiberId by, const void* at, std::size_t bytes) override;
  void end(const RunOutcome& outcome) override;
  bool is_complete() const override { return is_done_ && !was_cut_ && !differs_; }
  /// A node remembers some steps that were explored from it.
  std::uint64_t held_bytes() const override {
    return nodes_.capacity() * (sizeof(Node) + 8 * sizeof(Touch)) + trace_.held_bytes();
  }
  bool is_done() const override { return is_done_; }
  double explored() const override;
  void start_at(Prefix prefix) override;

  /// What the first run of a subtree says of it.
  struct Below {
    /// There are schedules in it, or may be.
    bool is_any = true;
    bool is_asleep = false;  // the run itself was abandoned
    bool differs = false;
    /// Choices that want an alternative; 0: one schedule is all.
    std::uint64_t branches = 0;
    /// The first choice in it; no fiber: there is none.
    FiberId first = kNoFiber;
    FiberSet runnable = 0, awake = 0;
    /// The step that leads into it.
    bool is_step_known = false;
    std::vector<Touch> step;
  };
  /// Instead of end(), after the first run.
  Below end_of_look(const RunOutcome& outcome);

 private:
  struct Node {
    FiberSet runnable = 0, sleep = 0;  // as the run came here
    FiberSet wanted = 0, done = 0;     // alternatives, and those behind us
    FiberId chosen = kNoFiber;
    Trace::Index event = Trace::kNone;  // that the choice made
    std::vector<ExploredStep> explored;
    // How it stood when a run came here first: from here a later one goes on.
    Trace::Mark mark;
    SleepSet::Sleepers sleepers;
  };
  void settle();
  void look_for_races();
  Trace::Index settle_end(const RunOutcome& outcome);
  void take_locks_anyway(const RunOutcome& outcome);
  void go_back(Trace::Index unknown);

  std::vector<Node> nodes_;  // the choices of the run before, the last made anew
  std::size_t depth_ = 0;
  std::size_t given_ = 0;  // of nodes_: somebody else's
  std::size_t quiet_ = 0;  // of nodes_: made as in the run before, which the trace is of
  Trace trace_;
  SleepSet sleep_;
  Trace::Index choice_ = Trace::kNone;  // of the next event
  Trace::Index races_from_ = 0;         // events before it have been looked at
  bool is_settled_ = true, remembers_ = true;
  bool knows_way_ = false;  // to the last of nodes_: the trace is of a run that came there
  bool is_done_ = false, was_cut_ = false, differs_ = false;
};

}  // namespace pagebox::inline PAGEBOX_ENV
