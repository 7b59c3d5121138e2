// What crosses between the host's half and the model's: the request to explore and what
// is told of it. Compiled in both, so each side has the other's form; what lies between is
// bytes (base/bytes_io.h), never a pointer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/errc.h"
#include "engine/audit/audit_row.h"
#include "engine/scenario/op_mix.h"
#include "engine/scenario/ops.h"
#include "engine/scenario/random_ops.h"
#include "page/behaviour.h"
#include "page/layout.h"
#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

/// The one place where limits of explorations stand; the addon exports them by name.
struct ExploreLimit {
  const char* name;
  std::uint64_t min = 0, max = 0, otherwise = 0;

  constexpr bool holds(std::uint64_t value) const { return value >= min && value <= max; }
  std::string text() const {
    return std::string(name) + ": " + std::to_string(min) + " to " + std::to_string(max);
  }
};
namespace explore_limits {
inline constexpr std::uint64_t kSafe = (std::uint64_t{1} << 53) - 1;
inline constexpr ExploreLimit kThreads{"threads", 1, 8, 2};
inline constexpr ExploreLimit kOps{"ops", 1, 4096, 4};
inline constexpr ExploreLimit kSchedules{"schedules", 1, kSafe, 1000};
inline constexpr ExploreLimit kRun{"firstRun", 0, kSafe, 0};
inline constexpr ExploreLimit kPrograms{"programs", 1, kSafe, 1};
inline constexpr ExploreLimit kSteps{"maxSteps", 1, std::uint64_t{1} << 40, 1'000'000};
inline constexpr ExploreLimit kFindings{"findings", 0, 4096, 8};
/// Of preemptions, for depth-first; otherwise there is none.
inline constexpr ExploreLimit kBound{"bound", 0, 64, 64};
/// Of bugs, for pct; otherwise each in turn.
inline constexpr ExploreLimit kDepth{"depth", 1, 3, 3};
inline constexpr ExploreLimit kMemory{"memoryBytes", 1 << 20, kSafe, std::uint64_t{1} << 30};
/// Parts that a complete exploration is shared in.
inline constexpr ExploreLimit kShards{"shards", 1, 1'000'000, 1};
inline constexpr ExploreLimit kPinThreads{"pinThreads", 2, 3, 2};
inline constexpr ExploreLimit kPinOps{"pinOps", 1, 16, 3};
inline constexpr ExploreLimit kPinFolios{"pinFolios", 1, kMaxRandomFolios, 2};
inline constexpr ExploreLimit kPinOrder{"pinOrder", 0, 9, 0};
inline constexpr std::array kAll = {kThreads,    kOps,      kSchedules, kRun,      kPrograms,
                                    kSteps,      kFindings, kBound,     kDepth,    kMemory,
                                    kPinThreads, kPinOps,   kPinFolios, kPinOrder, kShards};
}  // namespace explore_limits

/// One file each in explore/strategies/.
inline constexpr std::array<std::string_view, 8> kStrategyNames = {
    "random", "depth-first", "dpor", "pct", "pos", "urw", "surw", "portfolio"};

enum class ExploreWhat : std::uint8_t {
  kScenario,  // lists of operations
  kRandom,    // operations drawn from mixes
};

/// What is to be done with the schedules.
enum class ExploreTask : std::uint8_t {
  kExplore,
  kReplay,  // one schedule again, with each step
  kShrink,  // one with fewer switches that ends as badly, with each step
  /// All programs of a family on the page that the setup makes: `thread_count` threads of
  /// `ops` operations out of `program_ops`, up to `schedules_each` schedules of each.
  kPrograms,
};

struct ExploreRequest {
  Layout layout;
  SchemeSpec scheme;
  Behaviour behaviour;
  ExploreWhat what = ExploreWhat::kScenario;
  /// Rows of kOpSlots numbers: the setup, and one list a thread.
  std::vector<double> setup;
  std::vector<std::vector<double>> threads;
  std::vector<double> after;  // when all are done
  bool huge_pages = false;    // madvise(hugepage) has effect
  /// kRandom: how many threads, and operations of each.
  std::uint64_t thread_count = 0, ops = 0;
  std::vector<OpMix> mixes;
  RandomOpsSettings random;

  std::uint64_t pages = 0;  // of RAM; 0: as few as explorations have
  std::string strategy = "random";
  /// See StrategySettings: no bound, no depth are what there is otherwise.
  bool bounded = false;
  std::uint64_t bound = 0, depth = 0;
  std::uint64_t seed = 1, workload_seed = 1;
  std::uint64_t schedules_each = 0, schedules = 0, first_run = 0, max_steps = 0;
  std::uint64_t most_findings = 8, memory_bytes = 0;
  std::uint64_t outcomes = 0;       // bits of OutcomesOf: what makes two results differ
  std::vector<std::string> fields;  // of descriptors, that belong to an outcome
  bool restore = true, steps = false;
  ExploreTask task = ExploreTask::kExplore;
  std::vector<std::uint64_t> choices;  // of the schedule; first_run says which program
  std::vector<OpCode> program_ops;
  std::uint64_t shard = 0, shards = 0;  // see StrategySettings
  bool tell_hashes = false;             // of schedules, to tell them apart elsewhere
};

/// Of which results sets of outcomes are made; none: there are none.
enum OutcomesOf : std::uint8_t {
  kOfThreads = 1,
  kOfAfter = 2,
  /// All flags of pages, not only those that say what the page is: the others depend on
  /// batches, and on what happened before.
  kWithAllFlags = 4,
};
inline constexpr std::uint64_t kAllOutcomesOf = 7;
/// Different outcomes that an exploration keeps, and operations that each may be of.
inline constexpr std::size_t kMostSeen = std::size_t{1} << 14;
inline constexpr std::uint64_t kMostSeenOps = 4096;
/// Names of fields that are asked for.
inline constexpr std::size_t kMostSeenFields = 64;

/// What the descriptor of a page says in the end: `p:a+3` is mapped there, `page 7` was set up.
struct PageFields {
  std::string place;
  struct Value {
    bool is_there = false;  // in a page of this type
    bool is_signed = false;
    std::uint64_t value = 0;  // as wide as 64 bits
  };
  std::vector<Value> values;  // of each field that was asked for
};
/// What came of the operations: by thread, and after them.
struct ExploreResults {
  std::vector<std::vector<OpRecord>> threads;
  std::vector<OpRecord> after;
  std::vector<PageFields> fields;
};
/// One of the different outcomes.
struct ExploreSeen {
  ExploreResults results;
  std::uint64_t schedules = 0;
  // Of the schedule of the fewest choices that ended so; of several the first in order.
  std::uint64_t run = 0, program = 0;
  std::vector<std::uint64_t> choices;
};

/// One step of a finding's schedule.
struct ExploreStep {
  std::uint64_t thread = 0;  // from 1; beyond the scenario's: helpers, as RCU's
  std::string access, place;
  bool has_values = false;
  std::uint64_t before = 0, after = 0;
  std::string before_text, after_text;  // what the word says; explore/values.h
  std::string lock, lock_event;         // empty: no lock changes hands
  std::uint64_t noted = 0;              // lines of the trace before it
};

/// With the name of its list, which a row does not own.
struct ExploreRow {
  AuditRow row;
  std::string list;
};

struct ExploreFinding {
  std::uint64_t run = 0, program = 0, schedule_hash = 0;
  std::string outcome, text;
  std::string strategy;  // that decided in its run
  /// The first of the audit; none: it ended otherwise.
  std::vector<ExploreRow> row;
  std::vector<std::string> trace;
  std::vector<std::uint64_t> choices;
  std::vector<ExploreStep> steps;
  // Of a schedule that was asked for.
  std::uint64_t switches = 0, skipped = 0;   // steps before the first
  bool differs = false;                      // the choices were not of this program
  std::vector<std::string> setup;            // of random operations: what they begin with
  std::vector<std::string> program_threads;  // names of operations, of a program of a family
};

struct ExploreCount {
  std::string outcome;
  std::uint64_t schedules = 0;
};

struct ExploreSummary {
  std::uint64_t schedules = 0, abandoned = 0, distinct = 0, steps = 0, ops = 0, hash = 0;
  bool complete = false, gave_up = false, memory_full = false, seen_full = false, restored = false;
  /// Schedules that are not equivalent to each other; how many there are, as it looks, and
  /// which share of them lies behind; below 0: nobody can say.
  std::uint64_t classes = 0;
  double estimate = -1, explored = -1;
  /// All of at most `bound` preemptions have been visited.
  bool has_bound = false;
  std::uint64_t bound = 0;
  /// What a clean result is worth, in a sentence.
  std::string guarantee;
  /// At most so, that a bug of the depth looked for was missed; below 0: no such bound.
  double missed_at_most = -1;
  /// Of a family: programs that were begun, that there are, of which each class was visited,
  /// that were left as they ended badly; and the most classes of one.
  std::uint64_t begun_programs = 0, all_programs = 0, complete_programs = 0, violated_programs = 0;
  std::uint64_t largest = 0;
  /// What that is said of, see engine/scenario/guarantee.h: schedules by who drew them, and what
  /// pilots have measured.
  std::vector<ExploreCount> drawn;
  std::uint64_t fibers = 0, fiber_steps = 0, programs = 1;
  std::vector<std::uint64_t> hashes;  // that differ, sorted; if they were asked for
};

/// What the model tells, in order; bytes as write_message() makes them.
enum class ExploreMessage : std::uint32_t {
  kProgress = 1,  // ExploreSummary so far
  kFinding,
  kOutcome,  // an ExploreCount for each outcome there is, at the end
  kSummary,  // the last
  kRefused,  // a text: why there is no exploration
  kSeen,     // an ExploreSeen for each that was asked for, sorted, before the summary
};

std::vector<std::byte> write_message(const ExploreRequest& request);
std::vector<std::byte> write_message(const ExploreFinding& finding);
std::vector<std::byte> write_message(const ExploreCount& count);
std::vector<std::byte> write_message(const ExploreSummary& summary);
std::vector<std::byte> write_message(const ExploreResults& results);
std::vector<std::byte> write_message(const ExploreSeen& seen);
std::vector<std::byte> write_message(const std::string& text);

/// kInval: not what write_message() makes; `why` names the field and what is wrong there.
Errc read_message(std::span<const std::byte> bytes, ExploreRequest& out, std::string& why);
Errc read_message(std::span<const std::byte> bytes, ExploreFinding& out, std::string& why);
Errc read_message(std::span<const std::byte> bytes, ExploreCount& out, std::string& why);
Errc read_message(std::span<const std::byte> bytes, ExploreSummary& out, std::string& why);
Errc read_message(std::span<const std::byte> bytes, ExploreResults& out, std::string& why);
Errc read_message(std::span<const std::byte> bytes, ExploreSeen& out, std::string& why);
Errc read_message(std::span<const std::byte> bytes, std::string& out, std::string& why);

}  // namespace pagebox::inline PAGEBOX_ENV
