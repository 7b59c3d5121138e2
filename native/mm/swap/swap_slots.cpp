#include "mm/swap/swap_slots.h"

#include <algorithm>
#include <bit>

namespace pagebox::inline PAGEBOX_ENV {

void SwapSlots::create(std::uint64_t slots, unsigned cpus) {
  slots_ = slots;
  // In the model nothing is gained by keeping processors apart, and a slot that somebody has just
  // freed is what a stale entry would be mistaken for.
  if (kModel) cpus = 1;
  current_.assign(std::max(cpus, 1U), kNone);
}

std::uint64_t SwapSlots::opened() const {
  return std::min<std::uint64_t>(clusters_.size() * kCluster, slots_);
}

std::uint64_t SwapSlots::all_of(std::size_t cluster) const {
  const std::uint64_t slots = std::min<std::uint64_t>(slots_ - cluster * kCluster, kCluster);
  return ~std::uint64_t{0} >> (64 - slots);
}

void SwapSlots::open() {
  clusters_.emplace_back();
  clusters_.back().free = all_of(clusters_.size() - 1);
  free_ += static_cast<std::uint64_t>(std::popcount(clusters_.back().free));
}

/// A processor goes on with the cluster that it has.
void SwapSlots::list_if_whole(std::size_t cluster) {
  const auto number = static_cast<std::uint32_t>(cluster);
  if (clusters_[cluster].listed || !is_whole(cluster) ||
      std::ranges::find(current_, number) != current_.end())
    return;
  clusters_[cluster].listed = true;
  whole_.push_back(number);
}

std::uint32_t SwapSlots::next_cluster() {
  while (!whole_.empty()) {
    const std::uint32_t cluster = whole_.back();
    whole_.pop_back();
    clusters_[cluster].listed = false;
    if (is_whole(cluster)) return cluster;  // no run was taken from it since
  }
  if (opened() < slots_) {
    open();
    return static_cast<std::uint32_t>(clusters_.size() - 1);
  }
  if (free_ == 0) return kNone;
  // What is left lies scattered.
  do looked_at_ = (looked_at_ + 1) % clusters_.size();
  while (clusters_[looked_at_].free == 0);
  return static_cast<std::uint32_t>(looked_at_);
}

Result<std::uint64_t> SwapSlots::take(unsigned cpu) {
  std::uint32_t& mine = current_[cpu % current_.size()];
  if (mine == kNone || clusters_[mine].free == 0) mine = next_cluster();
  if (mine == kNone) return Errc::kNoSpc;
  std::uint64_t& free = clusters_[mine].free;
  const auto bit = static_cast<unsigned>(std::countr_zero(free));
  free &= free - 1;
  --free_;
  return std::uint64_t{mine} * kCluster + bit;
}

bool SwapSlots::are_free(std::uint64_t first, std::uint64_t count) const {
  for (std::uint64_t slot = first; slot < first + count; ++slot)
    if ((clusters_[slot / kCluster].free >> slot % kCluster & 1) == 0) return false;
  return true;
}

Result<std::uint64_t> SwapSlots::find_run(std::uint64_t count) {
  const std::uint64_t fresh = (opened() + count - 1) / count * count;
  if (fresh + count <= slots_) {
    while (opened() < fresh + count) {
      open();
      list_if_whole(clusters_.size() - 1);
    }
    return fresh;
  }
  // Rare: swap is seldom used up.
  for (std::uint64_t first = 0; first + count <= opened(); first += count)
    if (are_free(first, count)) return first;
  return Errc::kNoSpc;
}

Result<std::uint64_t> SwapSlots::take_run(std::uint64_t count) {
  const auto first = find_run(count);
  if (!first) return first;
  for (std::uint64_t slot = first.value; slot < first.value + count; ++slot)
    clusters_[slot / kCluster].free &= ~(std::uint64_t{1} << slot % kCluster);
  free_ -= count;
  return first;
}

void SwapSlots::give(std::uint64_t slot) {
  clusters_[slot / kCluster].free |= std::uint64_t{1} << slot % kCluster;
  ++free_;
  list_if_whole(slot / kCluster);
}

}  // namespace pagebox::inline PAGEBOX_ENV
