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
  choice_ = Trace::kNone;
  is_settled_ = true;
  // Up to the choice that is made anew all is as in the run before.
  quiet_ = knows_way_ ? nodes_.size() - 1 : 0;
  if (knows_way_) {
    trace_.rewind(nodes_.back().mark);
    sleep_.begin(nodes_.back().sleepers);
  } else {
    trace_.begin();
    sleep_.begin();
  }
  knows_way_ = false;
  return true;
}

/// The last event is over: who depends on it is awake.
void DporStrategy::settle() {
  if (is_settled_) return;
  is_settled_ = true;
  sleep_.executed(trace_.touches(trace_.events().back()));
}

FiberId DporStrategy::next_fiber(const Choice& choice) {
  const bool is_known = depth_ < quiet_;
  if (!is_known) settle();
  if (depth_ == nodes_.size()) {
    const FiberSet awake = choice.runnable & ~sleep_.asleep();
    if (awake == 0) return kAbandon;
    Node node;
    node.runnable = choice.runnable;
    node.sleep = sleep_.asleep();
    node.chosen = pick(awake, choice.current);
    node.wanted = fiber_bit(node.chosen);
    if (remembers_) {
      node.mark = trace_.mark();
      node.sleepers = sleep_.sleepers();
    }
    nodes_.push_back(std::move(node));
  }
  const Node& node = nodes_[depth_];
  if (node.runnable != choice.runnable) {
    differs_ = true;  // something beside the choices decided
    return kAbandon;
  }
  const auto at = static_cast<Trace::Index>(depth_++);
  if (is_known) return node.chosen;
  choice_ = at;
  if (remembers_) sleep_.choose(node.explored, node.chosen);
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

/// Of a run that ended as somebody waited for a lock, for ever or not: he might have been
/// first.
void DporStrategy::take_locks_anyway(const RunOutcome& outcome) {
  for (std::size_t i = 0; i < outcome.pending.size(); ++i) {
    const auto fiber = static_cast<FiberId>(i);
    const PendingAccess& what = outcome.pending[i];
    // In a deadlock who ended the run waits too.
    if (what.access != Access::kLock) continue;
    if (fiber == outcome.fiber && outcome.end != Outcome::kDeadlock) continue;
    trace_.add_event(fiber, Trace::kNone);
    trace_.touch(what, true, races_from_);
  }
}

/// What the run says of the choices that it made. The event that nobody knows all of, if
/// there is one.
Trace::Index DporStrategy::settle_end(const RunOutcome& outcome) {
  if (outcome.end == Outcome::kLimit) was_cut_ = true;
  nodes_.resize(depth_);
  // Nobody knows what the step that ended it would have touched yet.
  auto unknown = Trace::kNone;
  if (ends_badly(outcome.end) && !trace_.events().empty()) {
    unknown = static_cast<Trace::Index>(trace_.events().size() - 1);
    const Trace::Index choice = trace_.events()[unknown].choice;
    if (choice != Trace::kNone) nodes_[choice].wanted = nodes_[choice].runnable;
  }
  if (outcome.end != Outcome::kClean && outcome.end != Outcome::kAbandoned)
    take_locks_anyway(outcome);
  look_for_races();
  return unknown;
}

void DporStrategy::end(const RunOutcome& outcome) {
  if (outcome.end == Outcome::kStopped) return;
  go_back(settle_end(outcome));
  knows_way_ = remembers_ && !is_done_ && !differs_;
}

void DporStrategy::start_at(Prefix prefix) {
  nodes_.clear();
  for (PrefixChoice& choice : prefix) {
    Node& node = nodes_.emplace_back();
    node.runnable = choice.runnable;
    node.chosen = choice.chosen;
    // Nothing is to be added there.
    node.wanted = ~FiberSet{0};
    node.explored = std::move(choice.explored);
  }
  given_ = nodes_.size();
  races_from_ = 0;
  knows_way_ = false;
  is_done_ = was_cut_ = differs_ = false;
}

DporStrategy::Below DporStrategy::end_of_look(const RunOutcome& outcome) {
  Below below;
  if (depth_ < given_) {
    // Somebody sleeps on the way, or the program is another.
    below.is_any = false;
    below.differs = differs_;
    return below;
  }
  const Trace::Index unknown = settle_end(outcome);
  const auto events = trace_.events();
  if (given_ != 0) {
    const Trace::Index event = nodes_[given_ - 1].event;
    below.is_step_known = event < events.size() && event != unknown;
    if (below.is_step_known) {
      const auto touches = trace_.touches(events[event]);
      below.step = {touches.begin(), touches.end()};
    }
  }
  for (std::size_t i = given_; i < nodes_.size(); ++i)
    if ((nodes_[i].wanted & ~nodes_[i].sleep & ~fiber_bit(nodes_[i].chosen)) != 0) ++below.branches;
  if (nodes_.size() > given_) {
    const Node& node = nodes_[given_];
    below.first = node.chosen;
    below.runnable = node.runnable;
    below.awake = node.runnable & ~node.sleep;
  }
  below.is_asleep = outcome.end == Outcome::kAbandoned;
  below.is_any = !below.is_asleep || below.branches != 0;
  below.differs = differs_;
  return below;
}

/// To the deepest choice that has an alternative left.
void DporStrategy::go_back(Trace::Index unknown) {
  while (nodes_.size() > given_) {
    Node& node = nodes_.back();
    node.done |= fiber_bit(node.chosen);
    const auto events = trace_.events();
    if (remembers_ && node.event < events.size() && node.event != unknown) {
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
  for (std::size_t i = given_; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    const FiberSet all = node.wanted & ~node.sleep;
    const auto branches = static_cast<double>(std::popcount(all | node.done));
    behind += share * static_cast<double>(std::popcount(node.done)) / branches;
    share /= branches;
  }
  return behind;
}

}  // namespace pagebox::inline PAGEBOX_ENV
