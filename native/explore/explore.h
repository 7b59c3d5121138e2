// Scenarios under the model's scheduler: threads are fibers, a strategy chooses who
// goes on at each shared access, and after each schedule the audit looks at the
// whole machine, once with everybody alive and once when all have exited. Same seeds,
// same schedules, same results, same words.
#pragma once

#include "base/env.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/model/model_run.h"
#include "engine/box/sandbox.h"
#include "engine/scenario/explore_messages.h"
#include "engine/scenario/guarantee.h"
#include "engine/scenario/random_ops.h"
#include "engine/scenario/scenario_ops.h"

namespace pagebox::inline PAGEBOX_ENV {

struct ExploreSettings {
  Layout layout;
  SchemeSpec scheme;
  Behaviour behaviour;
  /// Null: random operations of `mixes`, `ops` of each of `threads`.
  const ScenarioOps* scenario = nullptr;
  unsigned threads = 2;
  std::vector<OpMix> mixes;  // thread i has mixes[i % size]
  RandomOpsSettings random;
  unsigned ops = 4;

  /// What the threads do: random operations, pages that a scenario leaves open.
  std::uint64_t workload_seed = 1;
  /// So many schedules of one program, then the next is drawn; 0: one program.
  std::uint64_t schedules_each = 0;
  /// Which fiber goes on when: as strategies/by_name.h knows them.
  std::string strategy = "random";
  std::optional<std::uint64_t> bound;  // depth-first: of preemptions
  std::uint64_t depth = 0;             // pct: of bugs; 0: each in turn
  std::uint64_t seed = 1;
  std::uint64_t first_run = 0;
  std::uint64_t schedules = 1000;
  /// Which part (from 1) of how many of a complete exploration; 0: all of it.
  std::uint64_t shard = 0, shards = 0;
  std::uint64_t max_steps = 1'000'000;

  std::uint64_t pages = 256, device_pages = 32, swap_pages = 64;
  /// False: each schedule has a machine made for it. The results are the same.
  bool restore = true;
  /// Findings carry each step: who, where, what was there before and after.
  bool steps = false;
  /// The report has hashes of all schedules, as far as `distinct` counts.
  bool tell_hashes = false;
  /// Told; beyond them the first of each kind that was not among them.
  std::size_t most_findings = 8;
  /// Of pins by pfn, where threads that take some come later.
  bool witness = false;
  /// What is left after the first schedule that ends badly is not explored.
  bool stop_at_first = false;
  /// The report says how many schedules differ.
  bool count_distinct = true;
  /// Bits of OutcomesOf: each different result is kept, with the schedule that gave it first.
  std::uint64_t outcomes = 0;
  /// Of the layout's descriptors: what they say in the end belongs to a result too.
  std::vector<std::string> fields;
  bool huge_pages = false;  // madvise(hugepage) has effect
  /// Of what is remembered and of the machine; beyond it the exploration ends with what it has.
  std::uint64_t memory_bytes = explore_limits::kMemory.otherwise;
  const volatile std::uint32_t* stop = nullptr;
};

/// Of one schedule. The strings are the caller's own.
struct Finding {
  std::uint64_t run = 0;      // the same settings with first_run = run repeat it
  std::uint64_t program = 0;  // which one of the workload seed's
  std::uint64_t schedule_hash = 0;
  Outcome outcome = Outcome::kClean;
  std::string strategy;            // that decided
  std::string text;                // the first row, what leaked, the condition, who sleeps
  std::optional<AuditRow> row;     // the first of the audit, if that is what it is
  std::vector<std::string> trace;  // begins and ends of operations, in their order
  std::vector<FiberId> choices;    // where there was one: they are the schedule
  std::vector<ExploreStep> steps;
  /// What makes outcomes differ, as write_message() has it; empty: not asked for, or it did
  /// not end by itself.
  std::vector<std::byte> results;
};

/// Empty: it is about none.
inline std::optional<Invariant> invariant_of(const Finding& finding) {
  return finding.row ? std::optional(finding.row->invariant) : std::nullopt;
}

/// Who watches an exploration.
class ExploreWatcher {
 public:
  virtual ~ExploreWatcher() = default;
  /// `explored`: see Strategy; `classes` of the schedules are no sample.
  virtual void progress(std::uint64_t schedules, std::uint64_t classes, double explored) = 0;
  virtual void found(const Finding& finding) = 0;
};

struct ExploreReport {
  std::uint64_t schedules = 0;
  std::uint64_t abandoned = 0;  // that the strategy gave up: others stand for them
  std::uint64_t distinct = 0;   // schedules that differ, among the first 2^22
  std::uint64_t steps = 0;
  std::uint64_t ops = 0;  // that threads finished
  /// Of all schedules, results and descriptors, in any order. A schedule that stands for a class
  /// is none of itself: others may stand for it.
  std::uint64_t hash = 0;
  std::array<std::uint64_t, kCountedOutcomes> outcomes{};
  std::vector<Finding> first;
  /// The different outcomes, sorted by what they are.
  std::vector<ExploreSeen> seen;
  bool seen_full = false;  // there were more than could be kept
  /// Nothing is left to be explored.
  bool complete = false;
  /// Schedules that are not equivalent to each other: those that reduction has visited.
  std::uint64_t classes = 0;
  /// Of all classes, as the tree looks so far; below 0: nobody can say.
  double estimate = -1, explored = -1;
  /// All schedules of at most so many preemptions have been visited.
  std::optional<std::uint32_t> bound_done;
  /// What it is worth if nothing was found; see engine/scenario/guarantee.h.
  std::string guarantee;
  double missed_at_most = -1;
  Worth worth;
  std::vector<std::uint64_t> hashes;  // of different schedules, sorted
  /// Too many schedules ended badly where each of those keeps its machine for good.
  bool gave_up = false;
  /// What it remembers came to more than settings.memory_bytes.
  bool memory_full = false;
  /// The machine was made once and copied back.
  bool restored = false;

  std::uint64_t findings() const { return schedules - outcomes[0]; }
};

/// What is wrong with them, and allowed; empty: nothing.
std::string check_settings(const ExploreSettings& settings);

/// kInval: a setting out of range (`reason`); else as Sandbox::create.
Errc explore(const ExploreSettings& settings, ExploreReport& report, std::string* reason = nullptr,
             ExploreWatcher* watcher = nullptr);

}  // namespace pagebox::inline PAGEBOX_ENV
