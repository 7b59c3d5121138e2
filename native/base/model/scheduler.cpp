#include "base/model/scheduler.h"

#include <algorithm>
#include <bit>

#include "base/model/run_memory.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

constexpr std::uint32_t kPointsOfProgress = 64;  // see RunLimits::max_idle_spins

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
         reinterpret_cast<std::uintptr_t>(what.at) % what.bytes == 0;
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

}  // namespace

// What each scheduling point goes through is one function: most of a run is that.
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
    if (next == Strategy::kAbandon) {
      if (current_ != kNoFiber) end(Outcome::kAbandoned);
      settle_end(Outcome::kAbandoned);
      return kNoFiber;
    }
    if (next >= kMaxFibers || (candidates & fiber_bit(next)) == 0) {
      model_misuse("the strategy chose a fiber that cannot go on");
    }
    if (limits_.record_choices) choices_.push_back(next);
  }
  ++steps_;
  hash_ = (hash_ ^ next) * 0x100000001b3U;  // FNV-1a
  return next;
}

/// The current fiber lets one of `candidates` go on; returns when it is chosen itself.
[[gnu::always_inline]] inline void Scheduler::hand_over(FiberSet candidates) {
  Fiber& self = *fibers_[current_];
  if (FiberContext* starter = self.starter) {
    self.starter = nullptr;
    switch_fiber(self.stack.context(), *starter);
    return;
  }
  if (steps_ >= next_look_) look_at_limits();
  const FiberId next = choose(candidates);
  if (next == current_) return;
  ++switches_;
  current_ = next;
  switch_fiber(self.stack.context(), context(next));
}

[[gnu::always_inline]] inline void Scheduler::check_access(bool at_point) {
  if (is_watched_) [[unlikely]]
    tell_access(at_point);
  if (!limits_.detect_races) return;
  switch (races_.access(current_, pending_[current_])) {
    case RaceDetector::Verdict::kFine: return;
    case RaceDetector::Verdict::kRace: outcome_.other = races_.other(); end(Outcome::kDataRace);
    case RaceDetector::Verdict::kUseAfterFree: end(Outcome::kUseAfterFree);
  }
}

[[gnu::always_inline]] inline void Scheduler::point(Access access, const void* at,
                                                    std::size_t bytes, std::uint64_t bits) {
  settle_step();
  announce(access, at, bytes, bits);
  const bool is_plain = access == Access::kPlainRead || access == Access::kPlainWrite;
  const bool at_point = !is_plain || !limits_.detect_races;
  if (at_point) {
    if (++fibers_[current_]->points >= kPointsOfProgress) idle_spins_ = 0;
    hand_over(runnable_);
  }
  check_access(at_point);
}

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
  tells_steps_ = strategy.wants_steps();
  is_watched_ = tells_steps_ || limits.observer != nullptr;
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
      if (!ended_) {
        current_ = first;
        switch_fiber(main_, context(current_));
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
  current_ = id;
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
  Fiber& self = *fibers_[current_];
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
  check_access(false);
}

void Scheduler::tell_access(bool at_point) {
  if (limits_.observer != nullptr) {
    const OutsideRun outside;
    limits_.observer->step(current_, pending_[current_]);
  }
  if (tells_steps_) begin_step(at_point);
}

void Scheduler::begin_step(bool at_point) {
  step_.fiber = current_;
  step_.what = pending_[current_];
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
  fibers_[current_]->points = 0;
  if (++idle_spins_ > limits_.max_idle_spins) end(Outcome::kLivelock);
  const FiberSet others = runnable_ & ~fiber_bit(current_);
  hand_over(others != 0 ? others : runnable_);
  if (tells_steps_) begin_step(true);
}

// A loop that tries again is right as long as somebody else has got on meanwhile. Where each that
// can run has tried so often, and none of them got on, they will go on like this for good: what
// one does in its try is all that the others' tries fail by.
void Scheduler::tried_again() {
  constexpr std::uint32_t kTriesInVain = 64;
  Fiber& self = *fibers_[current_];
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

void Scheduler::wait_on(const std::uint32_t* at, std::uint32_t expected) {
  point(Access::kWait, at, sizeof *at, ~std::uint64_t{0});
  if (__atomic_load_n(at, __ATOMIC_SEQ_CST) != expected) return;
  settle_step();
  const FiberId me = current_;
  fibers_[me]->sleeps_on = at;
  runnable_ &= ~fiber_bit(me);
  sleeping_ |= fiber_bit(me);
  idle_spins_ = 0;
  if (runnable_ == 0) end(end_of_all());
  hand_over(runnable_);
  if (tells_steps_) {
    pending_[me] = {};  // it goes on, and looks at nothing yet
    begin_step(true);
  }
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
  Fiber& self = *fibers_[current_];
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
  check_access(true);
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
  point(Access::kUnlock, at, sizeof *at, ~std::uint64_t{0});
  __atomic_store_n(at, 0U, __ATOMIC_SEQ_CST);
  wake(at);
}

void Scheduler::dead(const void* at, std::size_t bytes) {
  if (tells_steps_) {
    settle_step();
    const OutsideRun outside;
    strategy_->died(current_, at, bytes);
  }
  if (limits_.detect_races) races_.dead(at, bytes);
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
  current_ = parent;
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
  fibers_[current_]->is_idle = false;  // not even one that had finished goes on from here
  switch_fiber(context(current_), main_);
  model_misuse("an abandoned fiber went on");
}

void sched_point(Access access, const void* at, std::size_t bytes, std::uint64_t bits) {
  if (auto* run = active_scheduler) run->point(access, at, bytes, bits);
}

ModelRunner::ModelRunner() : scheduler_(std::make_unique<Scheduler>()) {}
ModelRunner::~ModelRunner() = default;

RunOutcome ModelRunner::run(std::span<const FiberBody> bodies, Strategy& strategy,
                            const RunLimits& limits) {
  return scheduler_->run(bodies, strategy, limits);
}

}  // namespace pagebox::inline PAGEBOX_ENV
