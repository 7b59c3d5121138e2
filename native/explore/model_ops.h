// Scenarios under the model's scheduler: threads are fibers, a strategy chooses who
// goes on at each shared access, and after each schedule the audit looks at the
// whole machine, once with everybody alive and once when all have exited. Same seed,
// same schedules, same results, same words.
#pragma once

#include "base/env.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/model/model_run.h"
#include "engine/box/sandbox.h"
#include "engine/scenario/random_ops.h"

namespace pagebox::inline PAGEBOX_ENV {

struct ModelOpsSettings {
  Layout layout;
  SchemeSpec scheme;
  Behaviour behaviour;
  /// Null: random operations of `mixes`, `ops` of each of `threads`.
  const ScenarioOps* scenario = nullptr;
  unsigned threads = 2;
  std::vector<OpMix> mixes;  // thread i has mixes[i % size]
  RandomOpsSettings random;
  unsigned ops = 4;
  std::uint64_t seed = 1;
  std::uint64_t first_run = 0;
  std::uint64_t schedules = 1000;
  std::uint64_t pages = 256, device_pages = 32, swap_pages = 64;
  std::uint64_t max_steps = 1'000'000;
  const volatile std::uint32_t* stop = nullptr;
  volatile std::uint64_t* done = nullptr;  // schedules so far, for who watches
};

inline constexpr unsigned kMaxModelOpsThreads = 8, kMaxModelOpsEach = 4096;

/// How a schedule came out: as the run ended, and what was found after a clean end.
enum class OpsOutcome : std::uint8_t {
  kClean,
  kViolation,  ///< an audit row
  kLeak,       ///< all have exited, and something is not back where it came from
  kDeadlock,
  kLivelock,
  kLimit,
  kDataRace,
  kUseAfterFree,
  kAssertion,
};
inline constexpr unsigned kOpsOutcomes = 9;
/// "clean", "violation", "leak"; others as run_end_name().
std::string_view ops_outcome_name(OpsOutcome outcome);

struct ModelOpsFinding {
  std::uint64_t run = 0;  // the same settings with first_run = run repeat it
  std::uint64_t schedule_hash = 0;
  OpsOutcome outcome = OpsOutcome::kClean;
  std::string text;                // the first row, what leaked, the condition, who sleeps
  std::vector<std::string> trace;  // begins and ends of operations, in their order
};
inline constexpr std::size_t kMaxOpsFindings = 8;

struct ModelOpsReport {
  std::uint64_t schedules = 0;
  std::uint64_t distinct = 0;  // schedules that differ, among the first 2^22
  std::uint64_t steps = 0;
  std::uint64_t ops = 0;   // that threads finished
  std::uint64_t hash = 0;  // of all schedules, results and descriptors
  std::array<std::uint64_t, kOpsOutcomes> outcomes{};
  std::vector<ModelOpsFinding> first;
  /// Too many schedules ended badly: each of those keeps its machine for good.
  bool gave_up = false;

  std::uint64_t findings() const { return schedules - outcomes[0]; }
};

/// kInval: a setting out of range (`reason`); else as Sandbox::create.
Errc explore_ops(const ModelOpsSettings& settings, ModelOpsReport& report,
                 std::string* reason = nullptr);

}  // namespace pagebox::inline PAGEBOX_ENV
