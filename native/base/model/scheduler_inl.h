// What each scheduling point goes through: most of a run is that.
#pragma once

#include <bit>
#include <cstdint>

#include "base/model/run_memory.h"
#include "base/model/scheduler.h"

namespace pagebox::inline PAGEBOX_ENV {

inline constexpr std::uint32_t kPointsOfProgress = 64;  // see RunLimits::max_idle_spins

/// Changes what it is about, as soon as it is made: compare-and-swaps and locks say so themselves.
constexpr bool stores(Access access) {
  constexpr unsigned kStores =
      1U << static_cast<unsigned>(Access::kStore) | 1U << static_cast<unsigned>(Access::kRmw) |
      1U << static_cast<unsigned>(Access::kAdd) | 1U << static_cast<unsigned>(Access::kPlainWrite) |
      1U << static_cast<unsigned>(Access::kBytesWrite);
  return (kStores >> static_cast<unsigned>(access) & 1) != 0;
}

/// Who looks at a run may read the machine: that is no step of it.
class [[nodiscard]] OutsideRun : OutsideRunMemory {
 public:
  OutsideRun() : run_(active_scheduler) { active_scheduler = nullptr; }
  ~OutsideRun() { active_scheduler = run_; }
  OutsideRun(const OutsideRun&) = delete;
  OutsideRun& operator=(const OutsideRun&) = delete;

 private:
  Scheduler* const run_;
};

// One function of each point.
[[gnu::always_inline]] inline void Scheduler::announce(Access access, const void* at,
                                                       std::size_t bytes, std::uint64_t bits) {
  pending_[current_] = {at, static_cast<std::uint32_t>(bytes), access, bits};
}

[[gnu::always_inline]] inline FiberId Scheduler::choose(FiberSet candidates) {
  FiberId next;
  if (std::has_single_bit(candidates)) {
    next = static_cast<FiberId>(std::countr_zero(candidates));
  } else {
    const OutsideRunMemory outside;
    next = strategy_->next_fiber({candidates, current_, steps_, {pending_.data(), count_}});
    if (next == Strategy::kAbandon) return kNoFiber;
    if (next >= kMaxFibers || (candidates & fiber_bit(next)) == 0) {
      model_misuse("the strategy chose a fiber that cannot go on");
    }
    if (limits_.record_choices) choices_.push_back(next);
    if (quiet_ != 0) {
      --quiet_;
      if (quiet_ == 0) is_watched_ = tells_steps_ = true;
    }
  }
  ++steps_;
  hash_ = (hash_ ^ next) * 0x100000001b3U;  // FNV-1a
  return next;
}

/// The current fiber lets one of `candidates` go on; returns when it is chosen itself.
[[gnu::always_inline]] inline void Scheduler::hand_over(FiberSet candidates) {
  Fiber& self = *now_;
  if (FiberContext* starter = self.starter) [[unlikely]] {
    self.starter = nullptr;
    switch_fiber(self.stack.context(), *starter);
    return;
  }
  if (steps_ >= next_look_) [[unlikely]]
    look_at_limits();
  const FiberId next = choose(candidates);
  if (next == kNoFiber) [[unlikely]]
    end(Outcome::kAbandoned);
  if (next == current_) return;
  ++switches_;
  go_on_as(next);
  switch_fiber(self.stack.context(), now_->stack.context());
}

inline void Scheduler::check(RaceDetector::Verdict verdict) {
  switch (verdict) {
    [[likely]] case RaceDetector::Verdict::kFine:
      return;
    case RaceDetector::Verdict::kRace: outcome_.other = races_.other(); end(Outcome::kDataRace);
    case RaceDetector::Verdict::kUseAfterFree:
      outcome_.other = races_.other();
      end(Outcome::kUseAfterFree);
  }
}

template <Access access>
[[gnu::always_inline]] inline void Scheduler::point(const void* at, std::size_t bytes,
                                                    std::uint64_t bits) {
  settle_step();
  announce(access, at, bytes, bits);
  constexpr bool kIsPlain = access == Access::kPlainRead || access == Access::kPlainWrite;
  const bool at_point = !kIsPlain || !limits_.detect_races;
  if (at_point) {
    if (++now_->points >= kPointsOfProgress) idle_spins_ = 0;
    hand_over(runnable_);
  }
  if (is_watched_) [[unlikely]]
    tell_access(at_point);
  if (limits_.detect_races) check(races_.access<access>(current_, at, bytes));
}

}  // namespace pagebox::inline PAGEBOX_ENV
