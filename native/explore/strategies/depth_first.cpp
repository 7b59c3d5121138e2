#include "explore/strategies/depth_first.h"

#include <algorithm>
#include <bit>

#include "base/model/model_run.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

/// Beginnings that each machine should get.
constexpr std::uint64_t kEnoughEach = 16;

}  // namespace

DepthFirstStrategy::DepthFirstStrategy(Settings settings) : settings_(settings) {
  if (settings_.preemptions != kUnbounded) settings_.sleep_sets = false;
  is_dealt_ = settings_.of == 1;
}

void DepthFirstStrategy::start_at(Prefix prefix) {
  nodes_.clear();
  given_ = std::move(prefix);
  knows_way_ = false;
  is_done_ = was_cut_ = differs_ = false;
}

bool DepthFirstStrategy::begin(std::uint64_t) {
  depth_ = 0;
  // Up to the choice that is made anew all is as in the run before.
  quiet_ = knows_way_ ? nodes_.size() - 1 : 0;
  if (knows_way_)
    sleep_.begin(nodes_.back().sleepers);
  else
    sleep_.begin();
  knows_way_ = false;
  now_.clear();
  now_of_ = kNoChoice;
  choice_ = kNoChoice;
  return !is_done_;
}

/// Whoever ran goes on first: so the first schedules have the fewest switches.
FiberId DepthFirstStrategy::pick(Node& node) {
  FiberSet left = node.runnable & ~node.sleep & ~node.done;
  if (left == 0) return kAbandon;
  if (node.current != kNoFiber && (left & fiber_bit(node.current)) != 0) return node.current;
  return static_cast<FiberId>(std::countr_zero(left));
}

/// The step that was going on is over: who depends on it is awake.
void DepthFirstStrategy::settle() {
  if (!settings_.sleep_sets) return;
  sleep_.executed(now_);
  if (now_of_ < nodes_.size()) nodes_[now_of_].touches = now_;
  now_.clear();
  now_of_ = kNoChoice;
}

FiberId DepthFirstStrategy::next_fiber(const Choice& choice) {
  const bool is_known = depth_ < quiet_;
  if (!is_known) settle();
  if (depth_ == nodes_.size()) {
    Node node;
    node.runnable = choice.runnable;
    node.current = choice.current;
    node.sleep = sleep_.asleep();
    if (settings_.sleep_sets) node.sleepers = sleep_.sleepers();
    if (depth_ != 0) {
      const Node& before = nodes_.back();
      node.preemptions = before.preemptions + (before.preempts(before.chosen) ? 1 : 0);
    }
    const bool is_given = depth_ < given_.size();
    if (is_given || depth_ < prefix_.size()) {
      node.chosen = is_given ? given_[depth_].chosen : prefix_[depth_];
      if (is_given) node.explored = given_[depth_].explored;
      if (node.chosen >= kMaxFibers || (node.runnable & fiber_bit(node.chosen)) == 0) {
        differs_ = true;
        return kAbandon;
      }
    } else {
      node.chosen = pick(node);
    }
    if (node.chosen == kAbandon) return kAbandon;
    nodes_.push_back(std::move(node));
  }
  const Node& node = nodes_[depth_];
  if (node.runnable != choice.runnable) {
    differs_ = true;  // something beside the choices decided
    return kAbandon;
  }
  const std::size_t at = depth_++;
  if (is_known) return node.chosen;
  choice_ = at;
  if (settings_.sleep_sets) sleep_.choose(node.explored, node.chosen);
  return node.chosen;
}

bool DepthFirstStrategy::executed(const Step& step) {
  if (step.at_point) {
    settle();
    now_of_ = choice_;
    choice_ = kNoChoice;
    if (sleep_.has(step.fiber)) return false;
  }
  touches_of(step.what, step.wrote, now_);
  return true;
}

void DepthFirstStrategy::woke(FiberId, const void* at, FiberSet) { now_.push_back(wake_of(at)); }

void DepthFirstStrategy::died(FiberId, const void* at, std::size_t bytes) {
  touches_of({at, static_cast<std::uint32_t>(bytes), Access::kPlainWrite}, true, now_);
}

void DepthFirstStrategy::end(const RunOutcome& outcome) {
  if (outcome.end == Outcome::kStopped) return;
  if (outcome.end == Outcome::kLimit) was_cut_ = true;
  const bool badly = outcome.end != Outcome::kClean && outcome.end != Outcome::kAbandoned &&
                     outcome.end != Outcome::kDeadlock;
  // Nobody knows what the step that ended the run would have touched yet.
  if (badly && now_of_ < nodes_.size()) nodes_[now_of_].is_known = false;
  settle();
  nodes_.resize(depth_);
  // Told before the beginnings are dealt, which is the next thing that may happen.
  is_other_ = false;
  if (!is_dealt_ && outcome.end != Outcome::kAbandoned)
    is_other_ = shared_++ % settings_.of != settings_.index;
  const bool goes_back = go_back();
  knows_way_ = goes_back && settings_.sleep_sets && !differs_;
  is_done_ = !goes_back && !take_up();
}

/// What would take a preemption too many is put off.
void DepthFirstStrategy::put_off(Node& node) {
  if (!is_bounded() || node.preemptions < bound_) return;
  for (FiberSet left = node.runnable & ~node.done; left != 0; left &= left - 1) {
    const auto fiber = static_cast<FiberId>(std::countr_zero(left));
    if (!node.preempts(fiber)) continue;
    node.done |= fiber_bit(fiber);
    const std::size_t bytes = nodes_.size() + sizeof(Beginning);
    if (bound_ == settings_.preemptions || put_off_bytes_ + bytes > settings_.most_bytes) {
      lost_some_ = true;
      continue;
    }
    put_off_bytes_ += bytes;
    Beginning& prefix = next_.emplace_back();
    prefix.reserve(nodes_.size());
    for (const Node& before : nodes_) prefix.push_back(before.chosen);
    prefix.back() = fiber;
  }
}

/// To the deepest choice that has an alternative left. False: there is none.
bool DepthFirstStrategy::go_back() {
  while (!nodes_.empty()) {
    Node& node = nodes_.back();
    node.done |= fiber_bit(node.chosen);
    if (nodes_.size() <= std::max(prefix_.size(), given_.size()))
      node.done = node.runnable;  // somebody else's
    if (settings_.sleep_sets && node.is_known) node.explored.push_back({node.chosen, node.touches});
    put_off(node);
    node.chosen = pick(node);
    node.is_known = true;
    if (node.chosen != kAbandon) return true;
    nodes_.pop_back();
  }
  return false;
}

/// From here on each machine has what is its own.
void DepthFirstStrategy::deal() {
  is_dealt_ = true;
  std::vector<Beginning> own;
  for (std::size_t i = 0; i < these_.size(); ++i) {
    if (i % settings_.of == settings_.index)
      own.push_back(std::move(these_[i]));
    else
      put_off_bytes_ -= these_[i].size() + sizeof(Beginning);
  }
  these_ = std::move(own);
}

/// The next of the schedules that were put off. False: there is none.
bool DepthFirstStrategy::take_up() {
  if (these_.empty()) {
    if (lost_some_) was_cut_ = true;
    if (was_cut_ || next_.empty()) return false;
    these_.swap(next_);
    ++bound_;
    if (!is_dealt_ &&
        (bound_ == settings_.preemptions || these_.size() >= kEnoughEach * settings_.of))
      deal();
    if (these_.empty()) return false;
  }
  prefix_ = std::move(these_.back());
  these_.pop_back();
  put_off_bytes_ -= prefix_.size() + sizeof(Beginning);
  return true;
}

std::optional<std::uint32_t> DepthFirstStrategy::bound_done() const {
  if (!is_bounded() || differs_) return std::nullopt;
  if (is_complete()) return settings_.preemptions;
  if (is_done_) return bound_;
  return bound_ == 0 ? std::nullopt : std::optional(bound_ - 1);
}

/// As if what is left had branches like what was seen.
double DepthFirstStrategy::explored() const {
  if (is_done_) return 1;
  if (is_bounded()) return -1;
  double share = 1, behind = 0;
  for (const Node& node : nodes_) {
    const auto branches = static_cast<double>(std::popcount(node.runnable & ~node.sleep));
    const FiberSet done = node.done & ~node.sleep;
    behind += share * static_cast<double>(std::popcount(done)) / branches;
    share /= branches;
  }
  return behind;
}

}  // namespace pagebox::inline PAGEBOX_ENV
