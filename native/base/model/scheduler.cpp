#include "base/model/scheduler.h"

#include <algorithm>
#include <bit>

#include "base/model/run_memory.h"
#include "base/model/scheduler_inl.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

/// Of memory that stays mapped whatever its owner does with it.
std::uint64_t word_at(const PendingAccess& what) {
  if (is_contents(what.access)) return *static_cast<const volatile std::uint64_t*>(what.at);
  switch (what.bytes) {
    case 1: return *static_cast<const volatile std::uint8_t*>(what.at);
    case 2: return *static_cast<const volatile std::uint16_t*>(what.at);
    case 4: return *static_cast<const volatile std::uint32_t*>(what.at);
    case 8: return *static_cast<const volatile std::uint64_t*>(what.at);
    default: return 0;
  }
}
/// Of frames their first.
bool has_word(const PendingAccess& what) {
  if (is_contents(what.access)) return reinterpret_cast<std::uintptr_t>(what.at) % 8 == 0;
  return std::has_single_bit(what.bytes) && what.bytes <= 8 &&
         (reinterpret_cast<std::uintptr_t>(what.at) & (what.bytes - 1)) == 0;
}

}  // namespace

RunOutcome Scheduler::run(std::span<const FiberBody> bodies, Strategy& strategy,
                          const RunLimits& limits) {
  if (active_scheduler != nullptr) model_misuse("a run inside a run");
  if (bodies.size() > kMaxFibers) model_misuse("more than 64 fibers");
  strategy_ = &strategy;
  limits_ = limits;
  outcome_ = RunOutcome{};
  choices_.clear();
  runnable_ = daemons_ = sleeping_ = 0;
  count_ = 0;
  idle_spins_ = 0;
  steps_ = switches_ = next_look_ = 0;
  hash_ = 0xcbf29ce484222325U;  // FNV's offset basis
  ended_ = false;
  serial_ = limits_.serial != 0 ? limits_.serial : ++runs_;
  const bool wants_steps = strategy.wants_steps();
  quiet_ = wants_steps ? strategy.quiet_choices() : 0;
  if (quiet_ != 0) ++quiet_;  // with the choice that ends it
  tells_steps_ = wants_steps && quiet_ == 0;
  tells_points_ = strategy.wants_points();
  is_watched_ = tells_steps_ || tells_points_ || limits.observer != nullptr;
  step_is_open_ = false;
  step_ = {};
  if (limits_.detect_races) races_.begin();
  main_.adopt_thread();
  RunMemory* const memory = run_memory_in_use;
  active_scheduler = this;
  for (const FiberBody& body : bodies) {
    if (limits_.detect_races) races_.add_fiber(kNoFiber);
    start(body, main_);
    if (ended_) break;
  }
  current_ = kNoFiber;
  if (!ended_) {
    if (runnable_ == 0) {
      settle_end(end_of_all());
    } else {
      const FiberId first = choose(runnable_);
      if (first == kNoFiber) {
        settle_end(Outcome::kAbandoned);
      } else {
        go_on_as(first);
        switch_fiber(main_, context(first));
      }
    }
  }
  active_scheduler = nullptr;
  run_memory_in_use = memory;  // a fiber that was left may have been outside of it
  current_ = kNoFiber;
  outcome_.steps = steps_;
  outcome_.switches = switches_;
  outcome_.schedule_hash = hash_;
  outcome_.choices = choices_;
  outcome_.pending = {pending_.data(), count_};
  return outcome_;
}

// Runs the new fiber up to its first scheduling point: what lies before touches
// nothing shared, so a choice there would only multiply the schedules.
void Scheduler::start(FiberBody body, FiberContext& starter) {
  const auto id = static_cast<FiberId>(count_++);
  if (id == fibers_.size()) {
    const OutsideRunMemory outside;
    fibers_.push_back(std::make_unique<Fiber>());
    pending_.emplace_back();
    if (fibers_.back()->stack.create(id) != Errc::kOk)
      model_misuse("no memory for a fiber's stack");
  }
  Fiber& fiber = *fibers_[id];
  fiber.owner = this;
  fiber.body = body;
  fiber.starter = &starter;
  fiber.sleeps_on = nullptr;
  fiber.points = 0;
  fiber.tries = fiber.tries_alone = 0;
  pending_[id] = {};
  if (!fiber.is_idle) fiber.stack.prepare(&fiber_main, &fiber);
  fiber.is_idle = false;
  runnable_ |= fiber_bit(id);
  go_on_as(id);
  switch_fiber(starter, fiber.stack.context());
}

void Scheduler::fiber_main(void* arg) {
  auto* fiber = static_cast<Fiber*>(arg);
  fiber->stack.context().arrived();
  for (;;) {
    fiber->body.run(fiber->body.arg);
    fiber->owner->finished();
  }
}

void Scheduler::look_at_limits() {
  constexpr std::uint64_t kBetweenLooks = 4096;
  if (steps_ >= limits_.max_steps) end(Outcome::kLimit);
  if (limits_.stop != nullptr && *limits_.stop != 0) end(Outcome::kStopped);
  next_look_ = std::min(limits_.max_steps, steps_ + kBetweenLooks);
}

void Scheduler::finished() {
  settle_step();
  Fiber& self = *now_;
  runnable_ &= ~fiber_bit(current_);
  idle_spins_ = 0;
  got_on();
  self.is_idle = true;
  if (FiberContext* starter = self.starter) {
    self.starter = nullptr;
    switch_fiber(self.stack.context(), *starter);
  } else if (runnable_ != 0) {
    hand_over(runnable_);
  } else {
    settle_end(end_of_all());
    switch_fiber(self.stack.context(), main_);
  }
  // Here in the next run, with another body.
}

void Scheduler::touched(Access access, const void* at, std::size_t bytes) {
  settle_step();
  announce(access, at, bytes);
  if (is_watched_) tell_access(false);
  if (limits_.detect_races) check(races_.look_at(current_, pending_[current_]));
}

void Scheduler::looked(const void* at, std::size_t bytes) {
  const bool is_checked = limits_.detect_races && races_.has_freed();
  if (!is_checked && !tells_steps_) return;
  settle_step();
  announce(Access::kPlainRead, at, bytes);
  if (tells_steps_) begin_step(false);
  if (is_checked) check(races_.alive(at));
}

void Scheduler::tell_access(bool at_point) {
  if (limits_.observer != nullptr) {
    const OutsideRun outside;
    limits_.observer->step(current_, pending_[current_]);
  }
  if (tells_points_ && at_point) tell_point();
  if (tells_steps_) begin_step(at_point);
}

void Scheduler::tell_point() {
  const OutsideRun outside;
  strategy_->passed(current_, pending_[current_]);
}

void Scheduler::begin_step(bool at_point) {
  step_.fiber = current_;
  // One by one, as they were written a moment ago: a processor waits where it reads at once what
  // lies in several stores of its own that are still under way.
  const PendingAccess& what = pending_[current_];
  step_.what.at = what.at;
  step_.what.bytes = what.bytes;
  step_.what.access = what.access;
  step_.what.bits = what.bits;
  step_.at_point = at_point;
  step_.wrote = step_.what.writes() && step_.what.access != Access::kCas &&
                step_.what.access != Access::kAddLook;
  step_.has_values = RunMemory::owns(step_.what.at) && has_word(step_.what);
  step_.place = RunMemory::place_of(step_.what.at);
  step_.before = step_.has_values ? word_at(step_.what) : 0;
  step_is_open_ = true;
}

// At the next thing that the fiber does which the scheduler sees: until then nobody else ran.
void Scheduler::end_step() {
  if (!tell_step()) end(Outcome::kAbandoned);
}

bool Scheduler::tell_step() {
  step_is_open_ = false;
  step_.after = step_.has_values ? word_at(step_.what) : 0;
  const OutsideRun outside;
  const bool goes_on = strategy_->executed(step_);
  ++step_.number;
  return goes_on;
}

void Scheduler::relax() {
  settle_step();
  announce(Access::kYield, nullptr, 0);
  now_->points = 0;
  if (++idle_spins_ > limits_.max_idle_spins) end(Outcome::kLivelock);
  const FiberSet others = runnable_ & ~fiber_bit(current_);
  hand_over(others != 0 ? others : runnable_);
  if (tells_points_) tell_point();
  if (tells_steps_) begin_step(true);
}

// A loop that tries again is right as long as somebody else has got on meanwhile. Where each that
// can run has tried so often, and none of them got on, they will go on like this for good: what
// one does in its try is all that the others' tries fail by.
void Scheduler::tried_again() {
  constexpr std::uint32_t kTriesInVain = 64;
  Fiber& self = *now_;
  ++self.tries;
  self.tries_alone = self.switches_at_try == switches_ ? self.tries_alone + 1 : 1;
  self.switches_at_try = switches_;
  if (std::popcount(runnable_) < 2) return;
  bool all = true;
  for (FiberSet left = runnable_; all && left != 0; left &= left - 1)
    all = fibers_[static_cast<FiberId>(std::countr_zero(left))]->tries >= kTriesInVain;
  if (all) {
    settle_step();
    end(Outcome::kLivelock);
  }
  // A schedule that leaves it to itself would have it try for good. What it finds after so many
  // tries it finds after one more.
  if (self.tries_alone > kTriesInVain) relax();
}

void Scheduler::got_on() {
  for (std::uint32_t id = 0; id < count_; ++id) fibers_[id]->tries = fibers_[id]->tries_alone = 0;
}

void Scheduler::freed(const void* at, std::size_t bytes) {
  if (tells_steps_) {
    settle_step();
    const OutsideRun outside;
    strategy_->died(current_, at, bytes);
  }
  if (limits_.detect_races) races_.freed(current_, at, bytes);
}

FiberId Scheduler::spawn(FiberBody body, SpawnKind kind) {
  if (count_ == kMaxFibers) return kNoFiber;
  settle_step();
  const FiberId parent = current_;
  const auto child = static_cast<FiberId>(count_);
  if (limits_.detect_races) races_.add_fiber(parent);
  if (kind == SpawnKind::kDaemon) daemons_ |= fiber_bit(child);
  if (tells_steps_) {
    const OutsideRun outside;
    strategy_->begun(parent, child);
  }
  start(body, context(parent));
  go_on_as(parent);
  return child;
}

void Scheduler::fail(const char* text, const char* file, int line) {
  outcome_.text = text;
  outcome_.file = file;
  outcome_.line = line;
  end(Outcome::kAssertion);
}

void Scheduler::settle_end(Outcome how) {
  ended_ = true;
  outcome_.end = how;
  if (how != Outcome::kClean) outcome_.fiber = current_;
  if (how == Outcome::kDeadlock) outcome_.sleeping = sleeping_ & ~daemons_;
}

// Leaves the fiber for good; the next run that needs the stack begins it anew.
void Scheduler::end(Outcome how) {
  if (step_is_open_ && how != Outcome::kAbandoned) tell_step();
  settle_end(how);
  now_->is_idle = false;  // not even one that had finished goes on from here
  switch_fiber(context(current_), main_);
  model_misuse("an abandoned fiber went on");
}

template <Access access>
void sched_point_of(const void* at, std::size_t bytes, std::uint64_t bits) {
  if constexpr (stores(access)) RunMemory::wrote(at, bytes);
  if (auto* run = active_scheduler) run->point<access>(at, bytes, bits);
}
template void sched_point_of<Access::kLoad>(const void*, std::size_t, std::uint64_t);
template void sched_point_of<Access::kStore>(const void*, std::size_t, std::uint64_t);
template void sched_point_of<Access::kRmw>(const void*, std::size_t, std::uint64_t);
template void sched_point_of<Access::kAdd>(const void*, std::size_t, std::uint64_t);
template void sched_point_of<Access::kAddLook>(const void*, std::size_t, std::uint64_t);
template void sched_point_of<Access::kCas>(const void*, std::size_t, std::uint64_t);
template void sched_point_of<Access::kPlainRead>(const void*, std::size_t, std::uint64_t);
template void sched_point_of<Access::kPlainWrite>(const void*, std::size_t, std::uint64_t);
template void sched_point_of<Access::kBytesRead>(const void*, std::size_t, std::uint64_t);
template void sched_point_of<Access::kBytesWrite>(const void*, std::size_t, std::uint64_t);
template void sched_point_of<Access::kLock>(const void*, std::size_t, std::uint64_t);
template void sched_point_of<Access::kUnlock>(const void*, std::size_t, std::uint64_t);
template void sched_point_of<Access::kWait>(const void*, std::size_t, std::uint64_t);
template void sched_point_of<Access::kYield>(const void*, std::size_t, std::uint64_t);

ModelRunner::ModelRunner() : scheduler_(std::make_unique<Scheduler>()) {}
ModelRunner::~ModelRunner() = default;

RunOutcome ModelRunner::run(std::span<const FiberBody> bodies, Strategy& strategy,
                            const RunLimits& limits) {
  return scheduler_->run(bodies, strategy, limits);
}

}  // namespace pagebox::inline PAGEBOX_ENV
