// The model's scheduler: private to base/, reached through base/sched.h by the
// core and through base/model/model_run.h by the explorer.
#pragma once

#include "base/env.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/fiber.h"
#include "base/model/model_run.h"
#include "base/model/race_detector.h"

namespace pagebox::inline PAGEBOX_ENV {

class Scheduler {
 public:
  RunOutcome run(std::span<const FiberBody> bodies, Strategy& strategy, const RunLimits& limits);

  template <Access access>
  void point(const void* at, std::size_t bytes, std::uint64_t bits);
  void touched(Access access, const void* at, std::size_t bytes);
  void looked(const void* at, std::size_t bytes);
  void wait_on(const std::uint32_t* at, std::uint32_t expected);
  void wake(const std::uint32_t* at);
  void take_lock(std::uint32_t* at);
  void lock_taken(const std::uint32_t* at);
  void give_lock(std::uint32_t* at);
  void relax();
  void tried_again();
  void got_on();
  FiberId spawn(FiberBody body, SpawnKind kind);
  [[noreturn]] void fail(const char* text, const char* file, int line);
  void wrote(const void* at, std::size_t bytes) {
    step_.wrote = true;
    if (limits_.detect_races) races_.wrote(current_, at, bytes);
  }
  void born(const void* at) {
    if (limits_.detect_races) races_.born(at);
  }
  void freed(const void* at, std::size_t bytes);
  std::uint64_t serial() const { return serial_; }
  FiberId current() const { return current_; }

 private:
  struct Fiber {
    FiberStack stack;
    FiberBody body;
    Scheduler* owner = nullptr;
    FiberContext* starter = nullptr;  // while it runs up to its first point
    const void* sleeps_on = nullptr;
    std::uint32_t points = 0;       // since its last cpu_relax()
    std::uint32_t tries = 0;        // in vain, since anybody got on
    std::uint32_t tries_alone = 0;  // of those, since another fiber ran
    std::uint64_t switches_at_try = 0;
    bool is_idle = false;  // at the top of its loop, can be used again
  };

  static void fiber_main(void* fiber);
  FiberContext& context(FiberId fiber) { return fibers_[fiber]->stack.context(); }
  void start(FiberBody body, FiberContext& starter);
  void announce(Access access, const void* at, std::size_t bytes,
                std::uint64_t bits = ~std::uint64_t{0});
  void check(RaceDetector::Verdict verdict);
  void go_on_as(FiberId fiber) {
    current_ = fiber;
    now_ = fibers_[fiber].get();
  }
  void tell_access(bool at_point);
  void tell_point();
  void begin_step(bool at_point);
  void settle_step() {
    if (step_is_open_) [[unlikely]]
      end_step();
  }
  void end_step();
  bool tell_step();
  void hand_over(FiberSet candidates);
  void look_at_limits();
  FiberId choose(FiberSet candidates);  ///< kNoFiber: the run is abandoned
  void finished();
  [[noreturn]] void end(Outcome how);
  void settle_end(Outcome how);
  Outcome end_of_all() const {
    return (sleeping_ & ~daemons_) != 0 ? Outcome::kDeadlock : Outcome::kClean;
  }

  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<PendingAccess> pending_;
  std::vector<FiberId> choices_;
  RaceDetector races_;
  FiberContext main_;
  Strategy* strategy_ = nullptr;
  RunLimits limits_;
  RunOutcome outcome_;
  FiberSet runnable_ = 0;
  FiberSet daemons_ = 0;
  FiberSet sleeping_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t idle_spins_ = 0;
  FiberId current_ = kNoFiber;
  Fiber* now_ = nullptr;  // of that id
  bool ended_ = false;
  std::uint64_t steps_ = 0;
  std::uint64_t next_look_ = 0;  // the step at which limits may be reached
  std::uint64_t switches_ = 0;
  std::uint64_t hash_ = 0;
  std::uint64_t serial_ = 0, runs_ = 0;
  bool tells_steps_ = false, tells_points_ = false;
  std::size_t quiet_ = 0;      // choices until steps are told; 0: it is as it is
  bool is_watched_ = false;    // somebody is told of each access
  bool step_is_open_ = false;  // step_ is executed, its value after not read yet
  Step step_;
};

/// The run that the calling OS thread is in. A thread_local of the core, beside the run's Patience
/// (base/retry.h): fibers never change their OS thread, and the seam has no argument that could
/// carry the scheduler. The initial-exec model makes the read one instruction in a shared object
/// too.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local Scheduler* active_scheduler;

/// Prints why and aborts: misuse of the model itself.
[[noreturn]] void model_misuse(const char* what);

}  // namespace pagebox::inline PAGEBOX_ENV
