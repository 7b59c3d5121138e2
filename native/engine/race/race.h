// The race engine: threads of the system, real atomics, full speed, in rounds that end
// in a barrier and an audit. What is raced on is a user's box, which stays from round to
// round, or a machine made for each; what the threads do is operations of a scenario, and
// runs of steps on pages, which go through the batch kernels. It ends on time whatever
// the scheme has done to the descriptors: loops give up, and that is a finding.
#pragma once

#include "base/env.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic.h"
#include "base/errc.h"
#include "base/stop_ask.h"
#include "engine/audit/audit.h"
#include "engine/box/sandbox.h"
#include "engine/race/histogram.h"
#include "engine/scenario/livelock.h"
#include "engine/scenario/pattern.h"
#include "engine/scenario/pin_op.h"
#include "engine/scenario/random_ops.h"
#include "engine/scenario/scenario_ops.h"
#include "mm/coverage.h"
#include "page/setup.h"

namespace pagebox::inline PAGEBOX_ENV {

inline constexpr std::uint64_t kDefaultDurationNs = 1'000'000'000;
/// Without a number of operations a round is a slice of time: an audit between them
/// finds a fault while its causes are near.
inline constexpr std::uint64_t kRoundNs = 250'000'000, kRoundOps = 1U << 17;

/// Of a box; of a machine that each round makes anew.
inline constexpr unsigned kMaxThreads = 256, kMaxScenarioThreads = 64;

/// What every race is asked. Whatever comes first of `duration_ns`, `ops` and `rounds`
/// ends it; with none of them, one second.
struct RaceLimits {
  unsigned threads = 1;  // a written scenario has its own
  std::uint64_t seed = 1;
  std::uint64_t duration_ns = 0;
  std::uint64_t ops = 0;  // of each thread
  std::uint64_t rounds = 0;
  /// Of each thread; 0: about a quarter of a second's (kRoundOps random operations if `ops` is
  /// told), or a written scenario's lists, once.
  std::uint64_t ops_per_round = 0;
  bool affinity = false;  // thread i on core i
};

/// Steps on the pages of a box, drawn from a mix.
struct RaceSettings : RaceLimits {
  std::array<std::uint32_t, kPinOps> mix{1};  // weight of each PinOp
  Pattern pattern = Pattern::kRandom;
  Pfn first;
  std::uint64_t pages = 0;  // 0: all RAM behind `first`
  /// What every whole folio of the box is made before the race begins.
  std::optional<PageSetup> setup;
  bool audit_rounds = true;
};

/// A scenario, on a machine that is fresh in each round.
struct ScenarioRaceSettings : RaceLimits {
  Layout layout;
  SchemeSpec scheme;
  Behaviour behaviour;
  /// Null: random operations of `mixes`.
  const ScenarioOps* scenario = nullptr;
  std::vector<OpMix> mixes;  // thread i has mixes[i % size]
  RandomOpsSettings random;
  std::uint64_t pages = 1 << 14, device_pages = 1 << 10, swap_pages = 1 << 12;
  bool huge_pages = false;  // madvise(hugepage) has effect
};

/// Shared by a race and whoever watches it, from any thread, at any time.
class RaceControl {
 public:
  void stop() { stop_.store(1); }
  bool stopped() const { return stop_.load(atomics::kRelaxed) != 0; }
  StopAsk stop_ask() const {
    return {[](const void* self) { return static_cast<const RaceControl*>(self)->stopped(); },
            this};
  }
  /// Operations so far, of all threads; grows by chunks.
  std::uint64_t ops() const { return ops_.load(atomics::kRelaxed); }
  std::uint64_t rounds() const { return rounds_.load(atomics::kRelaxed); }

  // For the race itself.
  void add_ops(std::uint64_t ops) { ops_.fetch_add(ops); }
  void add_round() { rounds_.fetch_add(1); }

 private:
  Atomic<std::uint32_t> stop_;
  Atomic<std::uint64_t> ops_, rounds_;
};

struct OpResult : OpTally {
  Histogram latency;  // sampled: 1 in 256 steps on pages, 1 in 8 other operations

  void merge(const OpResult& other) {
    OpTally::merge(other);
    latency.merge(other.latency);
  }
};

enum class StoppedBy : std::uint8_t { kTime, kOps, kRounds, kAbort, kAudit, kLivelock };
/// "time", "ops", "rounds", "abort", "audit", "livelock"
std::string_view stopped_by_name(StoppedBy by);

struct RaceResult {
  StoppedBy stopped_by = StoppedBy::kTime;
  std::uint64_t ns = 0;  // between barriers: setups and audits are not in it
  std::uint64_t rounds = 0;
  /// What entry i of the lists below counts: steps of a mix, or operations of the table.
  std::span<const std::string_view> names;
  std::vector<std::vector<OpResult>> threads;
  /// CPU time of each thread in its operations: barriers, setups and audits are not in it.
  std::vector<std::uint64_t> thread_cpu_ns;
  std::vector<OpResult> total;
  /// Of all threads, in rounds; of a box's pages nothing.
  ReachedCounts reached{};
  // Of the round that ended the race.
  AuditReport audit;
  std::string leaks;              // when all have exited; empty: nothing
  std::uint64_t dirty_round = 0;  // which one was not clean, from 0
  /// What loops of that round gave up, kMax of each thread; empty: nothing.
  std::vector<Livelock> livelocks;
};

/// Runs a race in threads of its own and returns when it is over; what threads still
/// hold at the end is released. kInval: a setting out of range (`reason` names it);
/// kBusy: the box has another run; kBadF: it is closed; kNoThread: no threads; kCanceled: it was
/// told to stop before it began; as Box::setup.
/// `reserved`: the gate is (BoxGate::reserve_exclusive), and opens whatever comes.
Errc run_race(Box& box, const RaceSettings& settings, RaceControl& control, RaceResult& result,
              std::string* reason = nullptr, bool reserved = false);
/// The same of a scenario; errors beside as Sandbox::create.
Errc run_race(const ScenarioRaceSettings& settings, RaceControl& control, RaceResult& result,
              std::string* reason = nullptr);

}  // namespace pagebox::inline PAGEBOX_ENV
