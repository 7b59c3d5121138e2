// The race engine for scenarios: each thread is one of the system, real atomics,
// full speed. A round starts from a fresh machine and ends in a barrier and an audit,
// with everybody alive and again when all have exited. It ends on time whatever the
// scheme has done to the descriptors: loops give up, and that is a finding.
#pragma once

#include "base/env.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/box/sandbox.h"
#include "engine/race/race.h"
#include "engine/scenario/livelock.h"
#include "engine/scenario/random_ops.h"

namespace pagebox::inline PAGEBOX_ENV {

struct RaceOpsSettings {
  Layout layout;
  SchemeSpec scheme;
  /// Null: random operations of `mixes`, in as many threads as `threads` says.
  const ScenarioOps* scenario = nullptr;
  unsigned threads = 2;
  std::vector<OpMix> mixes;  // thread i has mixes[i % size]
  RandomOpsSettings random;
  std::uint64_t seed = 1;
  std::uint64_t pages = 1 << 14, device_pages = 1 << 10, swap_pages = 1 << 12;
  // Whatever comes first ends the race; with none of them, one second.
  std::uint64_t duration_ns = 0;
  std::uint64_t ops = 0;  // of each thread
  std::uint64_t rounds = 0;
  /// Of each thread; 0: about a quarter of a second's. A written scenario's round is
  /// its lists, once.
  std::uint64_t ops_per_round = 0;
  bool affinity = false;  // thread i on core i
};

inline constexpr unsigned kMaxRaceOpsThreads = 64;

using ScenarioOpResults = std::array<OpResult, kOpCodes>;

struct RaceOpsResult {
  StoppedBy stopped_by = StoppedBy::kTime;
  std::uint64_t ns = 0;  // between barriers: setups and audits are not in it
  std::uint64_t rounds = 0;
  std::vector<std::unique_ptr<ScenarioOpResults>> threads;
  std::unique_ptr<ScenarioOpResults> total;
  /// Of the round that ended the race; empty: clean.
  std::vector<MmAuditRow> audit;
  std::string leaks;
  std::uint64_t dirty_round = 0;  // which one that was, from 0
  /// What loops of that round gave up, kMax of each thread; empty: nothing.
  std::vector<Livelock> livelocks;
};

/// Runs a race in threads of its own and returns when it is over. kInval: a setting
/// out of range (`reason`); kNoThread: no threads; else as Sandbox::create.
Errc run_race_ops(const RaceOpsSettings& settings, RaceControl& control, RaceOpsResult& result,
                  std::string* reason = nullptr);

}  // namespace pagebox::inline PAGEBOX_ENV
