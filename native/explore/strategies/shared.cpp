#include "explore/strategies/shared.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/model/model_run.h"

namespace pagebox::inline PAGEBOX_ENV {

void SharedStrategy::places_move() {
  remembers_ = false;
  look_.places_move();
  below_->places_move();
}

/// The choices that lead to an alternative; none lead to the root.
Prefix SharedStrategy::prefix_of(std::uint32_t above, unsigned rank) const {
  Prefix prefix;
  while (above != kRoot) {
    const Open& open = open_[above];
    PrefixChoice choice{.runnable = open.runnable, .chosen = open.order[rank], .explored = {}};
    for (unsigned before = 0; before < rank; ++before)
      if (open.steps[before].fiber != kNoFiber) choice.explored.push_back(open.steps[before]);
    prefix.push_back(std::move(choice));
    rank = open.rank;
    above = open.above;
  }
  std::reverse(prefix.begin(), prefix.end());
  return prefix;
}

void SharedStrategy::look_at(std::uint32_t above, unsigned rank) {
  looking_above_ = above;
  looking_rank_ = rank;
  look_.start_at(prefix_of(above, rank));
  delegate_to(look_);
  ++looks_;
}

/// False: there are enough subtrees, or none that can be cut.
bool SharedStrategy::open_next() {
  if (to_open_.empty() || leaves_.size() - closed_ >= kSubtreesEach * of_ || looks_ >= kMostLooks)
    return false;
  const std::size_t at = to_open_.begin()->second;
  to_open_.erase(to_open_.begin());
  Leaf& leaf = leaves_[at];
  Open open{.above = leaf.above,
            .rank = leaf.rank,
            .runnable = leaf.below.runnable,
            .order = {leaf.below.first},
            .steps = {}};
  for (FiberSet left = leaf.below.awake & ~fiber_bit(leaf.below.first); left != 0; left &= left - 1)
    open.order.push_back(static_cast<FiberId>(std::countr_zero(left)));
  open.steps.resize(open.order.size());
  held_bytes_ += sizeof(Open) + open.order.size() * (sizeof(ExploredStep) + 8 * sizeof(Touch));
  leaf.below.is_any = false;
  ++closed_;
  open_.push_back(std::move(open));
  look_at(static_cast<std::uint32_t>(open_.size() - 1), 0);
  return true;
}

/// The largest first, to and fro: each machine gets of all sizes.
void SharedStrategy::deal() {
  is_dealt_ = true;
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < leaves_.size(); ++i)
    if (leaves_[i].below.is_any) all.push_back(i);
  std::stable_sort(all.begin(), all.end(), [this](std::size_t a, std::size_t b) {
    return leaves_[a].below.branches > leaves_[b].below.branches;
  });
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::uint64_t round = i / of_, place = i % of_;
    if ((round % 2 == 0 ? place : of_ - 1 - place) == index_) own_.push_back(all[i]);
  }
  std::sort(own_.begin(), own_.end());
}

bool SharedStrategy::begin(std::uint64_t run) {
  if (is_done_) return false;
  if (looks_ == 0) look_at(kRoot, 0);
  if (!is_dealt_) return look_.begin(run);
  while (is_delegated_to(look_) || below_->is_done()) {
    // What is done is whole or not; the next subtree begins anew.
    if (!is_delegated_to(look_)) is_whole_ = is_whole_ && below_->is_complete();
    if (next_own_ == own_.size()) {
      is_done_ = true;
      return false;
    }
    const Leaf& leaf = leaves_[own_[next_own_++]];
    delegate_to(*below_);
    below_->start_at(prefix_of(leaf.above, leaf.rank));
  }
  return below_->begin(run);
}

void SharedStrategy::end(const RunOutcome& outcome) {
  if (!is_delegated_to(look_)) return below_->end(outcome);
  if (outcome.end == Outcome::kStopped) return;
  Leaf leaf{.above = looking_above_, .rank = looking_rank_, .below = look_.end_of_look(outcome)};
  if (leaf.below.differs) is_whole_ = false;
  unsigned next = 0;
  if (looking_above_ != kRoot) {
    Open& open = open_[looking_above_];
    next = looking_rank_ + 1;
    if (remembers_ && leaf.below.is_step_known)
      open.steps[looking_rank_] = {open.order[looking_rank_], leaf.below.step};
  }
  leaf.below.step = {};
  if (leaf.below.is_any) {
    if (leaf.below.branches != 0 && !leaf.below.is_asleep)
      to_open_.emplace(~std::uint64_t{0} - leaf.below.branches, leaves_.size());
    held_bytes_ += sizeof(Leaf);
    leaves_.push_back(std::move(leaf));
  }
  if (looking_above_ != kRoot && next < open_[looking_above_].order.size())
    return look_at(looking_above_, next);
  if (!open_next()) deal();
}

double SharedStrategy::explored() const {
  if (is_done_) return 1;
  if (!is_dealt_ || own_.empty() || is_delegated_to(look_)) return -1;
  const double here = below_->explored();
  if (here < 0) return -1;
  return (static_cast<double>(next_own_ - 1) + here) / static_cast<double>(own_.size());
}

}  // namespace pagebox::inline PAGEBOX_ENV
