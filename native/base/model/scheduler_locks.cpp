// Fibers that sleep: on a word, and on a lock.
#include <bit>

#include "base/model/scheduler_inl.h"

namespace pagebox::inline PAGEBOX_ENV {

void Scheduler::wait_on(const std::uint32_t* at, std::uint32_t expected) {
  point<Access::kWait>(at, sizeof *at, ~std::uint64_t{0});
  if (__atomic_load_n(at, __ATOMIC_SEQ_CST) != expected) return;
  settle_step();
  const FiberId me = current_;
  fibers_[me]->sleeps_on = at;
  runnable_ &= ~fiber_bit(me);
  sleeping_ |= fiber_bit(me);
  idle_spins_ = 0;
  if (runnable_ == 0) end(end_of_all());
  hand_over(runnable_);
  if (tells_steps_ || tells_points_) pending_[me] = {};  // it goes on, and looks at nothing yet
  if (tells_points_) tell_point();
  if (tells_steps_) begin_step(true);
  if (limits_.detect_races) races_.after_wait(me, at);
}

// No scheduling point: it changes only who can go on, and whoever is woken may
// still be chosen later.
void Scheduler::wake(const std::uint32_t* at) {
  FiberSet woken = 0;
  for (FiberSet left = sleeping_; left != 0; left &= left - 1) {
    const auto id = static_cast<FiberId>(std::countr_zero(left));
    if (fibers_[id]->sleeps_on == at) woken |= fiber_bit(id);
  }
  if (tells_steps_) {
    settle_step();
    // Who waits for a lock has not looked at it yet.
    FiberSet slept = 0;
    for (FiberSet left = woken; left != 0; left &= left - 1) {
      const auto id = static_cast<FiberId>(std::countr_zero(left));
      if (pending_[id].access != Access::kLock) slept |= fiber_bit(id);
    }
    const OutsideRun outside;
    strategy_->woke(current_, at, slept);
  }
  if (woken == 0) return;
  if (limits_.detect_races) races_.before_wake(current_, at);
  sleeping_ &= ~woken;
  runnable_ |= woken;
  idle_spins_ = 0;
}

void Scheduler::take_lock(std::uint32_t* at) {
  settle_step();
  announce(Access::kLock, at, sizeof *at);
  Fiber& self = *now_;
  if (++self.points >= kPointsOfProgress) idle_spins_ = 0;
  if (__atomic_load_n(at, __ATOMIC_SEQ_CST) != 0) {
    self.sleeps_on = at;
    runnable_ &= ~fiber_bit(current_);
    sleeping_ |= fiber_bit(current_);
    idle_spins_ = 0;
    // While fibers are begun there are others still to come.
    if (runnable_ == 0 && self.starter == nullptr) end(end_of_all());
  }
  hand_over(runnable_);
  // Chosen, so it is free: lock_taken() sees to that.
  if (is_watched_) [[unlikely]]
    tell_access(true);
  if (limits_.detect_races) check(races_.access<Access::kLock>(current_, at, sizeof *at));
  RunMemory::wrote(at, sizeof *at);
  __atomic_store_n(at, 1U, __ATOMIC_SEQ_CST);
  lock_taken(at);
}

void Scheduler::lock_taken(const std::uint32_t* at) {
  for (FiberSet left = runnable_ & ~fiber_bit(current_); left != 0; left &= left - 1) {
    const auto id = static_cast<FiberId>(std::countr_zero(left));
    if (pending_[id].access != Access::kLock || pending_[id].at != at) continue;
    fibers_[id]->sleeps_on = at;
    runnable_ &= ~fiber_bit(id);
    sleeping_ |= fiber_bit(id);
  }
}

void Scheduler::give_lock(std::uint32_t* at) {
  point<Access::kUnlock>(at, sizeof *at, ~std::uint64_t{0});
  RunMemory::wrote(at, sizeof *at);
  __atomic_store_n(at, 0U, __ATOMIC_SEQ_CST);
  wake(at);
}

}  // namespace pagebox::inline PAGEBOX_ENV
