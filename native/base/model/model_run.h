// Runs of the model: the bodies are fibers of the calling OS thread, and a
// Strategy decides at each scheduling point who goes on. Each body first runs, in
// the order of numbers, up to its first scheduling point; from there on a choice
// is made before each shared access.
//
// Rules for bodies and for what they call:
// 1. A run that does not end clean abandons its fibers: what lies on their stacks is
//    never destroyed. So bodies own nothing that outlives the run; state lives in
//    arenas and tables that are reset.
// 2. No clock, no address, no unordered container decides: a run is a function of
//    its choices.
// 3. Sleep through wait_on(), spin with cpu_relax(); no lock of the C++ library.
// 4. No exception leaves a body.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <memory>
#include <span>

#include "base/model/outcome.h"
#include "base/model/strategy.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Explorations tell so many schedules apart, by their hashes.
inline constexpr std::size_t kMaxScheduleHashes = std::size_t{1} << 22;

struct FiberBody {
  void (*run)(void* arg) = nullptr;
  void* arg = nullptr;
};

/// Sees each access; for traces. It must not call into the model.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  /// `fiber` is about to do `access`; all accesses told before have been done.
  virtual void step(FiberId fiber, const PendingAccess& access) = 0;
};

struct RunLimits {
  std::uint64_t max_steps = 1'000'000;
  /// Calls of cpu_relax() without a fiber that sleeps, wakes another, ends, or passes
  /// 64 points without such a call.
  std::uint32_t max_idle_spins = 1000;
  /// Clocks for Plain fields. Off: their accesses are scheduling points instead, and
  /// neither data races nor uses after free are seen.
  bool detect_races = true;
  bool record_choices = false;
  /// Looked at now and then: not zero ends the run, wherever it is.
  const volatile std::uint32_t* stop = nullptr;
  RunObserver* observer = nullptr;
  /// What run_serial() says; 0: another number each run. One number serves all runs of a
  /// machine whose memory is copied back between them.
  std::uint64_t serial = 0;
};

struct RunOutcome {
  Outcome end = Outcome::kClean;
  std::uint64_t steps = 0;          ///< scheduling points
  std::uint64_t switches = 0;       ///< points after which another fiber went on
  std::uint64_t schedule_hash = 0;  ///< of the fibers' numbers, point by point
  FiberId fiber = kNoFiber;         ///< who ran when it ended badly
  FiberId other = kNoFiber;         ///< data race: who made the earlier access; who freed it
  FiberSet sleeping = 0;            ///< deadlock: who sleeps, daemons left out
  const char* text = nullptr;       ///< assertion: the condition
  const char* file = nullptr;
  int line = 0;
  /// Valid until the runner's next run. The choices are those the strategy made:
  /// giving the same ones in turn repeats the run.
  std::span<const FiberId> choices;
  std::span<const PendingAccess> pending;  ///< what each fiber was about to do
};

class Scheduler;

/// Owns stacks and tables, used again from run to run. One at a time per OS thread;
/// several OS threads may explore at once, each with a runner that
/// it keeps.
class ModelRunner {
 public:
  ModelRunner();
  ~ModelRunner();
  ModelRunner(const ModelRunner&) = delete;
  ModelRunner& operator=(const ModelRunner&) = delete;

  /// The strategy's begin() and end() are the caller's to call.
  RunOutcome run(std::span<const FiberBody> bodies, Strategy& strategy,
                 const RunLimits& limits = {});

 private:
  std::unique_ptr<Scheduler> scheduler_;
};

/// Runs until the strategy's begin() says no or `max_runs` are done. `reset` is called
/// before each run, `check` with each outcome; it returns false to stop.
template <class Reset, class Check>
std::uint64_t explore_runs(ModelRunner& runner, std::span<const FiberBody> bodies,
                           Strategy& strategy, const RunLimits& limits, std::uint64_t max_runs,
                           Reset&& reset, Check&& check) {
  std::uint64_t done = 0;
  while (done < max_runs && strategy.begin(done)) {
    reset();
    const RunOutcome outcome = runner.run(bodies, strategy, limits);
    strategy.end(outcome);
    ++done;
    if (!check(outcome)) break;
  }
  return done;
}

/// The calling OS thread is inside a run.
bool in_run();
/// Which run of its runner, from 1, or as RunLimits::serial says; 0 outside.
std::uint64_t run_serial();
/// The running fiber; kNoFiber outside.
FiberId current_fiber();

enum class SpawnKind : std::uint8_t {
  kBody,
  kDaemon,  ///< may sleep forever: a run ends clean when only daemons sleep
};
/// In a run: begins another fiber, which runs up to its first scheduling point at
/// once. kNoFiber when the run has kMaxFibers already.
FiberId spawn(FiberBody body, SpawnKind kind);

}  // namespace pagebox::inline PAGEBOX_ENV
