#include "explore/strategies/depth_first.h"

#include <bit>

#include "base/model/model_run.h"

namespace pagebox::inline PAGEBOX_ENV {

bool depend(const PendingAccess& a, const PendingAccess& b) {
  if (a.at == nullptr || b.at == nullptr || (!a.writes() && !b.writes())) return false;
  const auto from_a = reinterpret_cast<std::uintptr_t>(a.at);
  const auto from_b = reinterpret_cast<std::uintptr_t>(b.at);
  return from_a < from_b + b.bytes && from_b < from_a + a.bytes;
}

bool DepthFirstStrategy::begin(std::uint64_t) {
  depth_ = 0;
  sleep_ = 0;
  return !is_done_;
}

/// Whoever ran goes on first: so the first schedules have the fewest switches.
FiberId DepthFirstStrategy::pick(Node& node) {
  FiberSet left = node.runnable & ~node.sleep & ~node.done;
  const bool may_stay = node.current != kNoFiber && (node.runnable & fiber_bit(node.current)) != 0;
  if (may_stay && (left & fiber_bit(node.current)) != 0) return node.current;
  if (may_stay && left != 0 && node.preemptions >= settings_.preemptions) {
    was_cut_ = true;
    left = 0;
  }
  return left == 0 ? kAbandon : static_cast<FiberId>(std::countr_zero(left));
}

FiberId DepthFirstStrategy::next_fiber(const Choice& choice) {
  if (depth_ == nodes_.size()) {
    Node node;
    node.runnable = choice.runnable;
    node.current = choice.current;
    node.sleep = sleep_ & choice.runnable;
    if (depth_ != 0) {
      const Node& before = nodes_.back();
      const bool preempts = before.current != kNoFiber && before.chosen != before.current &&
                            (before.runnable & fiber_bit(before.current)) != 0;
      node.preemptions = before.preemptions + (preempts ? 1 : 0);
    }
    node.chosen = pick(node);
    if (node.chosen == kAbandon) return kAbandon;
    nodes_.push_back(node);
  }
  const Node& node = nodes_[depth_++];
  if (node.runnable != choice.runnable) {
    differs_ = true;  // something beside the choices decided
    return kAbandon;
  }
  if (!settings_.sleep_sets) return node.chosen;
  // Those explored from here sleep on, until a step that they depend on.
  sleep_ = (node.sleep | node.done) & ~fiber_bit(node.chosen);
  for (FiberSet left = sleep_; left != 0; left &= left - 1) {
    const auto fiber = static_cast<std::size_t>(std::countr_zero(left));
    next_of_[fiber] = choice.pending[fiber];
  }
  return node.chosen;
}

bool DepthFirstStrategy::executed(const Step& step) {
  if ((sleep_ & fiber_bit(step.fiber)) != 0) return false;
  for (FiberSet left = sleep_; left != 0; left &= left - 1) {
    const auto fiber = static_cast<FiberId>(std::countr_zero(left));
    if (depend(step.what, next_of_[fiber])) sleep_ &= ~fiber_bit(fiber);
  }
  return true;
}

void DepthFirstStrategy::end(const RunOutcome& outcome) {
  if (outcome.end == Outcome::kStopped) return;
  nodes_.resize(depth_);
  while (!nodes_.empty()) {
    Node& node = nodes_.back();
    node.done |= fiber_bit(node.chosen);
    node.chosen = pick(node);
    if (node.chosen != kAbandon) return;
    nodes_.pop_back();
  }
  is_done_ = true;
}

}  // namespace pagebox::inline PAGEBOX_ENV
