// The model's side of the neutral door.
#include "explore/entry.h"

#include "base/env.h"

#include <algorithm>
#include <exception>
#include <string_view>

#include "engine/scenario/explore_messages.h"
#include "engine/scenario/guarantee.h"
#include "engine/scenario/op_row.h"
#include "engine/scenario/op_text.h"
#include "engine/scenario/scenario_ops.h"
#include "explore/explore.h"
#include "explore/explore_programs.h"
#include "explore/replay.h"
#include "explore/strategies/random.h"
#include "page/behaviour.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

class Sink final : public ExploreWatcher {
 public:
  explicit Sink(PageboxSink out) : out_(out) {}

  template <class Message>
  void tell(ExploreMessage kind, const Message& message) const {
    const std::vector<std::byte> bytes = write_message(message);
    out_.take(out_.self, static_cast<std::uint32_t>(kind), bytes.data(), bytes.size());
  }
  void progress(std::uint64_t schedules, std::uint64_t classes, double explored) override {
    ExploreSummary so_far;
    so_far.schedules = schedules;
    so_far.classes = classes;
    so_far.explored = explored;
    so_far.estimate = estimate_of(classes, explored);
    tell(ExploreMessage::kProgress, so_far);
  }
  void found(const Finding& finding) override {
    tell(ExploreMessage::kFinding, message_of(finding));
  }
  void found(const WrongProgram& wrong) const {
    ExploreFinding message = message_of(wrong.finding);
    message.program = wrong.program;
    for (const PagePrograms::Sequence& sequence : wrong.threads) {
      std::string& text = message.program_threads.emplace_back();
      for (const OpCode code : sequence)
        text += (text.empty() ? "" : " ") + std::string(kOpTable[static_cast<unsigned>(code)].name);
    }
    tell(ExploreMessage::kFinding, message);
  }
  void replayed(const Replayed& replayed, const ExploreSettings& settings) const {
    ExploreFinding message = message_of(replayed.finding);
    message.switches = replayed.switches;
    message.differs = replayed.differs;
    message.skipped = replayed.skipped;
    if (settings.scenario == nullptr)
      for (const Op& op : random_setup(complete(settings.random, settings.mixes)))
        message.setup.push_back(op_text(op));
    tell(ExploreMessage::kFinding, message);
  }
  Errc refuse(Errc error, const std::string& why) const {
    tell(ExploreMessage::kRefused, why);
    return error;
  }

 private:
  static ExploreFinding message_of(const Finding& finding) {
    ExploreFinding message;
    message.run = finding.run;
    message.program = finding.program;
    message.schedule_hash = finding.schedule_hash;
    message.outcome = outcome_name(finding.outcome);
    message.text = finding.text;
    message.strategy = finding.strategy;
    if (finding.row) message.row.push_back({*finding.row, std::string(finding.row->place.list)});
    message.trace = finding.trace;
    message.choices.assign(finding.choices.begin(), finding.choices.end());
    message.steps = finding.steps;
    return message;
  }

  const PageboxSink out_;
};

bool read_rows(std::span<const double> rows, std::vector<Op>& ops) {
  if (rows.size() % kOpSlots.size() != 0) return false;
  ops.resize(rows.size() / kOpSlots.size());
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (!read_op_row(rows.subspan(i * kOpSlots.size(), kOpSlots.size()), ops[i])) return false;
  return true;
}

/// Bits that stand for no row of their table. Empty: none.
std::string check_behaviour(const Behaviour& behaviour) {
  if (behaviour.quirks.bits >> kQuirks != 0) return "quirks: bits that are none";
  if (behaviour.options.bits >> kMachineOptions != 0) return "options: bits that are none";
  return "";
}

/// Choices of fibers that there cannot be are none.
Errc replay_one(const ExploreRequest& request, const ExploreSettings& settings, Sink& sink) {
  std::vector<FiberId> choices;
  choices.reserve(request.choices.size());
  for (const std::uint64_t choice : request.choices)
    choices.push_back(choice < kMaxFibers ? static_cast<FiberId>(choice) : kNoFiber);
  Replayed replayed;
  std::string reason;
  const Errc error = request.task == ExploreTask::kReplay
                         ? replay(settings, choices, replayed, &reason)
                         : shrink_schedule(settings, choices, replayed, &reason);
  if (error != Errc::kOk) return sink.refuse(error, reason);
  sink.replayed(replayed, settings);
  ExploreSummary summary;
  summary.schedules = 1;
  sink.tell(ExploreMessage::kSummary, summary);
  return Errc::kOk;
}

/// Findings of programs are told with their program, at the end.
class ProgressOnly final : public ExploreWatcher {
 public:
  explicit ProgressOnly(Sink& sink) : sink_(sink) {}
  void progress(std::uint64_t schedules, std::uint64_t classes, double explored) override {
    sink_.progress(schedules, classes, explored);
  }
  void found(const Finding&) override {}

 private:
  Sink& sink_;
};

Errc explore_family(const ExploreRequest& request, const ExploreSettings& settings, Sink& sink) {
  const auto& ops = request.program_ops;
  if (const std::string wrong = PagePrograms::check(ops, request.thread_count, request.ops);
      !wrong.empty())
    return sink.refuse(Errc::kInval, wrong);
  const ScenarioOps& setup = *settings.scenario;
  if (setup.setup.size() != 1 || setup.setup.front().code != OpCode::kSetUpPage)
    return sink.refuse(Errc::kInval, "programs: a setup that sets up their page, and no more");
  const PagePrograms programs(ops, static_cast<unsigned>(request.thread_count),
                              static_cast<unsigned>(request.ops), setup.setup.front().pfn);
  ProgramsReport report;
  std::string reason;
  ProgressOnly watcher(sink);
  if (const Errc error = explore_programs(settings, programs, report, &reason, &watcher);
      error != Errc::kOk)
    return sink.refuse(error, reason);
  for (const WrongProgram& wrong : report.first) sink.found(wrong);
  ExploreSummary summary;
  summary.schedules = report.schedules;
  summary.abandoned = report.abandoned;
  summary.steps = report.steps;
  summary.classes = report.classes;
  summary.complete = report.is_complete();
  summary.memory_full = report.memory_full;
  summary.begun_programs = report.programs;
  summary.all_programs = report.all;
  summary.complete_programs = report.complete;
  summary.violated_programs = report.violated;
  summary.largest = report.largest;
  sink.tell(ExploreMessage::kSummary, summary);
  return Errc::kOk;
}

Errc explore_request(const ExploreRequest& request, const volatile std::uint32_t* stop,
                     Sink& sink) {
  ExploreSettings settings;
  settings.layout = request.layout;
  settings.scheme = request.scheme;
  settings.behaviour = request.behaviour;
  ScenarioOps scenario;
  if (request.what == ExploreWhat::kScenario) {
    scenario.threads.resize(request.threads.size());
    if (!read_rows(request.setup, scenario.setup))
      return sink.refuse(Errc::kInval, "setup: rows that are no operations");
    for (std::size_t i = 0; i < scenario.threads.size(); ++i)
      if (!read_rows(request.threads[i], scenario.threads[i]))
        return sink.refuse(Errc::kInval,
                           "thread " + std::to_string(i) + ": rows that are no operations");
    if (!read_rows(request.after, scenario.after))
      return sink.refuse(Errc::kInval, "after: rows that are no operations");
    settings.scenario = &scenario;
  }
  settings.mixes = request.mixes;
  settings.threads = static_cast<unsigned>(request.thread_count);
  settings.ops = static_cast<unsigned>(request.ops);
  settings.random = request.random;
  settings.workload_seed = request.workload_seed;
  settings.schedules_each = request.schedules_each;
  settings.strategy = request.strategy;
  if (request.bounded) settings.bound = request.bound;
  settings.depth = request.depth;
  settings.seed = request.seed;
  settings.first_run = request.first_run;
  settings.schedules = request.schedules;
  if (request.max_steps != 0) settings.max_steps = request.max_steps;
  if (request.pages != 0) settings.pages = request.pages;
  settings.restore = request.restore;
  settings.steps = request.steps;
  if (request.memory_bytes != 0) settings.memory_bytes = request.memory_bytes;
  settings.most_findings = request.most_findings;
  settings.outcomes = request.outcomes;
  settings.fields = request.fields;
  settings.huge_pages = request.huge_pages;
  settings.shard = request.shard;
  settings.shards = request.shards;
  settings.tell_hashes = request.tell_hashes;
  settings.stop = stop;
  if (request.task == ExploreTask::kPrograms) {
    if (settings.scenario == nullptr)
      return sink.refuse(Errc::kInval, "programs: on pages that a scenario sets up");
    return explore_family(request, settings, sink);
  }
  if (request.task != ExploreTask::kExplore) return replay_one(request, settings, sink);
  ExploreReport report;
  std::string reason;
  if (const Errc error = explore(settings, report, &reason, &sink); error != Errc::kOk)
    return sink.refuse(error, reason);
  for (unsigned i = 0; i < kCountedOutcomes; ++i)
    sink.tell(ExploreMessage::kOutcome,
              ExploreCount{std::string(kOutcomeNames[i]), report.outcomes[i]});
  for (const ExploreSeen& seen : report.seen) sink.tell(ExploreMessage::kSeen, seen);
  ExploreSummary summary;
  summary.seen_full = report.seen_full;
  summary.schedules = report.schedules;
  summary.abandoned = report.abandoned;
  summary.distinct = report.distinct;
  summary.steps = report.steps;
  summary.ops = report.ops;
  summary.hash = report.hash;
  summary.complete = report.complete;
  summary.classes = report.classes;
  summary.estimate = report.estimate;
  summary.explored = report.explored;
  summary.has_bound = report.bound_done.has_value();
  summary.bound = report.bound_done.value_or(0);
  summary.guarantee = report.guarantee;
  summary.missed_at_most = report.missed_at_most;
  summary.gave_up = report.gave_up;
  summary.memory_full = report.memory_full;
  summary.restored = report.restored;
  for (const auto& [name, count] : report.worth.runs_by)
    summary.drawn.push_back({std::string(name), count});
  summary.fibers = report.worth.fibers;
  summary.fiber_steps = report.worth.steps;
  summary.programs = report.worth.programs;
  summary.hashes = report.hashes;
  sink.tell(ExploreMessage::kSummary, summary);
  return Errc::kOk;
}

Errc explore_bytes(std::span<const std::byte> bytes, const volatile std::uint32_t* stop,
                   Sink& sink) {
  ExploreRequest request;
  std::string why;
  if (const Errc error = read_message(bytes, request, why); error != Errc::kOk)
    return sink.refuse(error, "request: " + why);
  // Declared ones were checked where they were declared; bytes may be anybody's.
  if (const auto wrong = check_layout(request.layout); !wrong.empty())
    return sink.refuse(Errc::kInval, "layout: " + wrong.front().field + ": " + wrong.front().what);
  if (const auto wrong = check_scheme(request.scheme); !wrong.empty())
    return sink.refuse(Errc::kInval, "scheme: " + wrong.front().field + ": " + wrong.front().what);
  if (const std::string wrong = check_behaviour(request.behaviour); !wrong.empty())
    return sink.refuse(Errc::kInval, wrong);
  return explore_request(request, stop, sink);
}

std::int32_t explore_no_throw(const void* request, std::size_t size_bytes,
                              const volatile std::uint32_t* stop, PageboxSink out) {
  Sink sink(out);
  try {
    return static_cast<std::int32_t>(
        explore_bytes({static_cast<const std::byte*>(request), size_bytes}, stop, sink));
  } catch (const std::exception&) {
    return static_cast<std::int32_t>(Errc::kNoMem);
  }
}

std::uint64_t hash_bytes(std::uint64_t schedules) {
  return std::min<std::uint64_t>(schedules, kMaxScheduleHashes) * sizeof(std::uint64_t);
}

std::int32_t run_empty(std::uint32_t threads, std::uint32_t points, std::uint64_t schedules) {
  if (threads < explore_limits::kThreads.min || threads > explore_limits::kThreads.max)
    return static_cast<std::int32_t>(Errc::kInval);
  try {
    auto yields = [each = points / threads] {
      for (std::uint32_t i = 0; i < each; ++i) yield_turn();
    };
    const FiberBody body = {[](void* at) { (*static_cast<decltype(yields)*>(at))(); }, &yields};
    const std::vector<FiberBody> bodies(threads, body);
    ModelRunner runner;
    RandomStrategy strategy(1);
    for (std::uint64_t run = 0; run < schedules; ++run) {
      (void)strategy.begin(run);
      (void)runner.run(bodies, strategy);
    }
  } catch (const std::exception&) {
    return static_cast<std::int32_t>(Errc::kNoMem);
  }
  return 0;
}

constexpr PageboxModelEntry kEntry = {4, &explore_no_throw, &run_empty, &hash_bytes};

}  // namespace

}  // namespace pagebox::inline PAGEBOX_ENV

const PageboxModelEntry* pagebox_model_entry(void) { return &pagebox::kEntry; }
