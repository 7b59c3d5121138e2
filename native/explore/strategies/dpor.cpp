#include "explore/strategies/dpor.h"

#include <bit>

#include "base/model/model_run.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

FiberId lowest(FiberSet set) { return static_cast<FiberId>(std::countr_zero(set)); }

/// Whoever ran goes on first: so the first schedules have the fewest switches.
FiberId pick(FiberSet from, FiberId current) {
  return current != kNoFiber && (from & fiber_bit(current)) != 0 ? current : lowest(from);
}

/// In the middle: others may have had something to do still.
bool ends_badly(Outcome outcome) {
  return outcome == Outcome::kAssertion || outcome == Outcome::kDataRace ||
         outcome == Outcome::kUseAfterFree || outcome == Outcome::kLimit;
}

}  // namespace

bool DporStrategy::begin(std::uint64_t) {
  if (is_done_) return false;
  depth_ = 0;
  trace_.begin();
  sleep_.begin();
  choice_ = Trace::kNone;
  is_settled_ = true;
  return true;
}

/// The last event is over: who depends on it is awake.
void DporStrategy::settle() {
  if (is_settled_) return;
  is_settled_ = true;
  sleep_.executed(trace_.touches(trace_.events().back()));
}

FiberId DporStrategy::next_fiber(const Choice& choice) {
  settle();
  if (depth_ == nodes_.size()) {
    const FiberSet awake = choice.runnable & ~sleep_.asleep();
    if (awake == 0) return kAbandon;
    Node node;
    node.runnable = choice.runnable;
    node.sleep = sleep_.asleep();
    node.chosen = pick(awake, choice.current);
    node.wanted = fiber_bit(node.chosen);
    nodes_.push_back(std::move(node));
  }
  const Node& node = nodes_[depth_];
  if (node.runnable != choice.runnable) {
    differs_ = true;  // something beside the choices decided
    return kAbandon;
  }
  choice_ = static_cast<Trace::Index>(depth_++);
  sleep_.choose(node.explored, node.chosen);
  return node.chosen;
}

bool DporStrategy::executed(const Step& step) {
  if (step.at_point) {
    settle();
    if (sleep_.has(step.fiber)) return false;
    if (trace_.events().size() >= kMostEvents) {
      was_cut_ = true;
      return false;
    }
    if (choice_ != Trace::kNone)
      nodes_[choice_].event = static_cast<Trace::Index>(trace_.events().size());
    trace_.add_event(step.fiber, choice_);
    choice_ = Trace::kNone;
    is_settled_ = false;
  }
  trace_.touch(step.what, step.wrote, races_from_);
  return true;
}

void DporStrategy::woke(FiberId by, const void* at, FiberSet sleepers) {
  trace_.wake(at, races_from_);
  trace_.enabled(by, sleepers);
}

void DporStrategy::died(FiberId, const void* at, std::size_t bytes) {
  trace_.touch({at, static_cast<std::uint32_t>(bytes), Access::kPlainWrite}, true, races_from_);
}

void DporStrategy::look_for_races() {
  const auto events = trace_.events();
  for (const Trace::Race& race : trace_.races()) {
    const Trace::Index choice = events[race.earlier].choice;
    if (choice == Trace::kNone || choice >= depth_) continue;
    Node& node = nodes_[choice];
    const FiberSet initials = trace_.initials(race);
    if ((initials & (node.wanted | node.sleep)) != 0) continue;
    const FiberSet able = initials & node.runnable;
    if (able != 0) node.wanted |= fiber_bit(pick(able, events[race.later].fiber));
  }
}

void DporStrategy::end(const RunOutcome& outcome) {
  if (outcome.end == Outcome::kStopped) return;
  if (outcome.end == Outcome::kLimit) was_cut_ = true;
  nodes_.resize(depth_);
  const bool badly = ends_badly(outcome.end);
  look_for_races();
  if (badly && !trace_.events().empty()) {
    const Trace::Index choice = trace_.events().back().choice;
    if (choice != Trace::kNone) nodes_[choice].wanted = nodes_[choice].runnable;
  }
  go_back(badly);
}

/// To the deepest choice that has an alternative left.
void DporStrategy::go_back(bool ended_badly) {
  while (!nodes_.empty()) {
    Node& node = nodes_.back();
    node.done |= fiber_bit(node.chosen);
    // Nobody knows what the step that ended the run would have touched yet.
    const auto events = trace_.events();
    const bool is_known =
        node.event < events.size() && !(ended_badly && node.event + 1 == events.size());
    if (is_known) {
      const auto touches = trace_.touches(events[node.event]);
      node.explored.push_back({node.chosen, {touches.begin(), touches.end()}});
    }
    const FiberSet left = node.wanted & ~node.done & ~node.sleep;
    if (left != 0) {
      node.chosen = lowest(left);
      races_from_ = node.event;
      return;
    }
    nodes_.pop_back();
  }
  is_done_ = true;
}

/// As the tree looks now: alternatives are still found.
double DporStrategy::explored() const {
  if (is_done_) return 1;
  double share = 1, behind = 0;
  for (const Node& node : nodes_) {
    const FiberSet all = node.wanted & ~node.sleep;
    const auto branches = static_cast<double>(std::popcount(all | node.done));
    behind += share * static_cast<double>(std::popcount(node.done)) / branches;
    share /= branches;
  }
  return behind;
}

}  // namespace pagebox::inline PAGEBOX_ENV
