#include "addon/explore_object.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <span>

#include "addon/audit_value.h"
#include "addon/behaviour_value.h"
#include "addon/bound.h"
#include "addon/job_calls.h"
#include "addon/js_read.h"
#include "addon/layout_value.h"
#include "addon/random_ops_value.h"
#include "addon/record_value.h"
#include "addon/scenario_value.h"
#include "addon/status.h"
#include "engine/scenario/explore_messages.h"
#include "engine/scenario/guarantee.h"
#include "engine/scenario/op_row.h"
#include "explore/entry.h"

namespace pagebox::addon {

namespace {

/// What the model told, as it came.
struct Explored {
  std::vector<ExploreFinding> first;
  std::vector<ExploreCount> outcomes;
  std::vector<ExploreSeen> seen;
  ExploreSummary summary;
  std::string refused;
};

class ExploreJob : public Job {
 public:
  explicit ExploreJob(const ExploreRequest& request)
      : request_(write_message(request)), schedules_wanted_(request.schedules) {}
  ~ExploreJob() override { end(); }

  bool start() {
    return Job::start([this] {
      error_ = pagebox_model_entry()->explore(request_.data(), request_.size(), &stop_,
                                              {this, &ExploreJob::take_message});
    });
  }
  // The model polls it between schedules; a plain word, as the door is plain C.
  void stop() override { stop_ = 1; }

  std::uint64_t schedules() const { return schedules_.load(); }
  /// Below 0: nobody can say.
  double explored() const { return explored_share_.load(); }
  double estimate() const { return estimate_.load(); }
  std::uint64_t held_bytes() const {
    return sizeof *this + request_.capacity() + sizeof(Explored) +
           pagebox_model_entry()->hash_bytes(schedules_wanted_);
  }

  int error() const { return error_; }
  /// Null the second time.
  std::unique_ptr<Explored> take() {
    request_ = {};
    return std::move(explored_);
  }

 private:
  // On the job's thread. No exception may cross the door: what there is no memory for, or
  // what the halves do not agree on, is an error of the job.
  static void take_message(void* self, std::uint32_t kind, const void* bytes, std::size_t size) {
    auto& job = *static_cast<ExploreJob*>(self);
    try {
      job.read({static_cast<const std::byte*>(bytes), size}, static_cast<ExploreMessage>(kind));
    } catch (const std::exception&) {
      job.stop_ = 1;
    }
  }
  void read(std::span<const std::byte> bytes, ExploreMessage kind) {
    std::string why;
    Errc error = Errc::kOk;
    switch (kind) {
      case ExploreMessage::kProgress: {
        ExploreSummary so_far;
        error = read_message(bytes, so_far, why);
        schedules_ = so_far.schedules;
        explored_share_ = so_far.explored;
        estimate_ = so_far.estimate;
        break;
      }
      case ExploreMessage::kFinding:
        error = read_message(bytes, explored_->first.emplace_back(), why);
        break;
      case ExploreMessage::kOutcome:
        error = read_message(bytes, explored_->outcomes.emplace_back(), why);
        break;
      case ExploreMessage::kSeen:
        error = read_message(bytes, explored_->seen.emplace_back(), why);
        break;
      case ExploreMessage::kSummary:
        error = read_message(bytes, explored_->summary, why);
        schedules_ = explored_->summary.schedules;
        break;
      case ExploreMessage::kRefused: error = read_message(bytes, explored_->refused, why); break;
    }
    if (error != Errc::kOk) explored_->refused = "the two halves of the addon differ: " + why;
  }

  std::vector<std::byte> request_;
  const std::uint64_t schedules_wanted_;
  volatile std::uint32_t stop_ = 0;
  std::atomic<std::uint64_t> schedules_{0};
  std::atomic<double> explored_share_{-1}, estimate_{-1};
  std::unique_ptr<Explored> explored_ = std::make_unique<Explored>();
  int error_ = 0;
};

bool copy_rows(napi_env env, napi_value value, std::vector<double>& to) {
  std::span<const double> numbers;
  if (!read_numbers(env, value, numbers)) return false;
  to.assign(numbers.begin(), numbers.end());
  return true;
}

/// Copies: JavaScript may change its arrays while the job runs.
bool read_lists(napi_env env, napi_value setup, napi_value threads, ExploreRequest& out) {
  ScenarioOps checked;
  if (!read_scenario(env, setup, threads, checked) || !copy_rows(env, setup, out.setup))
    return false;
  out.threads.resize(checked.threads.size());
  for (std::uint32_t i = 0; i < out.threads.size(); ++i) {
    napi_value each = nullptr;
    if (napi_get_element(env, threads, i, &each) != napi_ok ||
        !copy_rows(env, each, out.threads[i]))
      return false;
  }
  return true;
}

/// What is absent stays as it is.
void read_task(JsRead& from, ExploreRequest& out) {
  namespace limits = explore_limits;
  if (from.has("maxSteps")) out.max_steps = from.integer("maxSteps", limits::kSteps.max);
  if (from.has("findings")) out.most_findings = from.integer("findings", limits::kFindings.max);
  if (!from.has("task")) return;
  const std::string task = from.text("task");
  if (task == "replay") {
    out.task = ExploreTask::kReplay;
  } else if (task == "shrink") {
    out.task = ExploreTask::kShrink;
  } else if (task == "programs") {
    out.task = ExploreTask::kPrograms;
    out.thread_count = from.integer("threads", limits::kThreads.max);
    out.ops = from.integer("ops", limits::kOps.max);
    from.texts("programOps", [&](const std::string& name) {
      const auto at = std::ranges::find(kOpTable, name, &OpInfo::name);
      if (at == kOpTable.end() || out.program_ops.size() >= kOpCodes) return from.fail();
      out.program_ops.push_back(static_cast<OpCode>(at - kOpTable.begin()));
    });
    return;
  } else {
    from.fail();
  }
  out.steps = true;
  std::span<const double> choices;
  if (!read_numbers(from.env(), from.property("choices"), choices)) return from.fail();
  for (const double choice : choices)
    out.choices.push_back(choice >= 0 && choice < 256 ? static_cast<std::uint64_t>(choice) : 255);
}

bool read_request(napi_env env, const std::array<napi_value, 3>& args, ExploreRequest& out) {
  namespace limits = explore_limits;
  JsRead from(env, args[0]);
  const std::string what = from.text("what");
  if (what == "random") {
    out.what = ExploreWhat::kRandom;
  } else if (what != "scenario") {
    from.fail();
  }
  out.scheme = read_scheme_ref(from, "scheme");
  out.layout = read_layout_ref(from, "layout");
  out.behaviour = read_behaviour(from);
  out.schedules = from.integer("schedules", limits::kSchedules.max);
  out.first_run = from.integer("firstRun", limits::kRun.max);
  out.seed = from.big("seed");
  out.workload_seed = from.big("workloadSeed");
  out.schedules_each = from.integer("schedulesEach", limits::kSchedules.max);
  out.strategy = from.text("strategy");
  read_task(from, out);
  if (from.has("memoryBytes")) out.memory_bytes = from.integer("memoryBytes", limits::kMemory.max);
  if (out.what != ExploreWhat::kScenario) {
    out.thread_count = from.integer("threads", limits::kThreads.max);
    out.ops = from.integer("ops", limits::kOps.max);
  }
  if (from.has("bounded")) {
    out.bounded = from.boolean("bounded");
    out.bound = from.integer("bound", limits::kBound.max);
    out.depth = from.integer("depth", limits::kDepth.max);
  }
  out.pages = from.integer("pages", kMaxMachinePages);
  if (from.has("tellHashes")) out.tell_hashes = from.boolean("tellHashes");
  if (out.what == ExploreWhat::kRandom) {
    read_mixes(from, out.mixes);
    read_random(from, out.random);
    if (from.has("folios")) {
      out.random.folios = static_cast<unsigned>(from.integer("folios", limits::kPinFolios.max));
      out.random.order = static_cast<unsigned>(from.integer("order", limits::kPinOrder.max));
    }
    return from.ok();
  }
  if (from.has("outcomes")) out.outcomes = from.integer("outcomes", kAllOutcomesOf);
  if (from.has("fields"))
    from.texts("fields", [&](const std::string& name) {
      if (out.fields.size() < kMostSeenFields) out.fields.push_back(name);
    });
  if (from.has("shards")) {
    out.shard = from.integer("shard", limits::kShards.max);
    out.shards = from.integer("shards", limits::kShards.max);
  }
  if (from.has("hugePages")) out.huge_pages = from.boolean("hugePages");
  std::vector<Op> after;
  if (from.has("after") && (!read_rows(env, from.property("after"), after) ||
                            !copy_rows(env, from.property("after"), out.after)))
    return false;
  return from.ok() && read_lists(env, args[1], args[2], out);
}

napi_value step_value(const JsValues& js, const ExploreStep& step) {
  JsObject object(js);
  object.number("thread", step.thread)
      .text("access", step.access)
      .text("place", step.place)
      .number("noted", step.noted);
  if (step.has_values)
    object.big("before", step.before)
        .big("after", step.after)
        .text("beforeText", step.before_text)
        .text("afterText", step.after_text);
  if (!step.lock.empty()) object.text("lock", step.lock).text("lockEvent", step.lock_event);
  return object.value();
}

napi_value row_value(const JsValues& js, const ExploreFinding& finding) {
  if (finding.row.empty()) return js.null();
  AuditRow row = finding.row.front().row;
  row.place.list = finding.row.front().list;
  return audit_row_value(js, row);
}

napi_value fields_value(const JsValues& js, const PageFields& page) {
  return JsObject(js)
      .text("place", page.place)
      .set("values", js.list(page.values,
                             [&](const PageFields::Value& each) {
                               return each.is_there ? js.big(each.value) : js.null();
                             }))
      .set("signed",
           js.list(page.values,
                   [&](const PageFields::Value& each) { return js.boolean(each.is_signed); }))
      .value();
}

napi_value seen_value(const JsValues& js, const ExploreSeen& seen) {
  const auto records = [&](const std::vector<OpRecord>& list) {
    return js.list(list, [&](const OpRecord& each) { return record_value(js, each); });
  };
  return JsObject(js)
      .set("threads", js.list(seen.results.threads, records))
      .set("after", records(seen.results.after))
      .set("fields", js.list(seen.results.fields,
                             [&](const PageFields& page) { return fields_value(js, page); }))
      .number("count", seen.schedules)
      .number("run", seen.run)
      .number("program", seen.program)
      .set("choices",
           js.list(seen.choices, [&](std::uint64_t choice) { return js.number(choice); }))
      .value();
}

napi_value finding_value(const JsValues& js, const ExploreFinding& finding) {
  return JsObject(js)
      .number("run", finding.run)
      .number("program", finding.program)
      .big("scheduleHash", finding.schedule_hash)
      .text("outcome", finding.outcome)
      .text("text", finding.text)
      .text("strategy", finding.strategy)
      .set("row", row_value(js, finding))
      .set("trace", js.texts(finding.trace))
      .set("choices",
           js.list(finding.choices, [&](std::uint64_t choice) { return js.number(choice); }))
      .set("steps",
           js.list(finding.steps, [&](const ExploreStep& step) { return step_value(js, step); }))
      .number("switches", finding.switches)
      .number("skipped", finding.skipped)
      .boolean("differs", finding.differs)
      .set("setup", js.texts(finding.setup))
      .set("programThreads", js.texts(finding.program_threads))
      .value();
}

napi_value worth_value(const JsValues& js, const ExploreSummary& summary) {
  JsObject drawn(js);
  for (const ExploreCount& count : summary.drawn)
    drawn.number(count.outcome.c_str(), count.schedules);
  return JsObject(js)
      .set("drawn", drawn.value())
      .number("fibers", summary.fibers)
      .number("steps", summary.fiber_steps)
      .number("programs", summary.programs)
      .value();
}

napi_value result(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<ExploreJob, 0> call(env, info);
    ExploreJob& job = *call.object;
    const auto taken = take_result(env, job);
    if (taken == nullptr) return failure(env, Errc::kInval, "the result was taken before");
    if (job.error() != 0) return failure(env, job.error(), taken->refused);
    if (!taken->refused.empty()) return failure(env, Errc::kNoDev, taken->refused);
    const JsValues js(env);
    JsObject outcomes(js);
    for (const ExploreCount& count : taken->outcomes)
      outcomes.number(count.outcome.c_str(), count.schedules);
    const ExploreSummary& summary = taken->summary;
    return JsObject(js)
        .number("schedules", summary.schedules)
        .number("abandoned", summary.abandoned)
        .number("distinct", summary.distinct)
        .number("steps", summary.steps)
        .number("ops", summary.ops)
        .big("hash", summary.hash)
        .boolean("complete", summary.complete)
        .number("classes", summary.classes)
        .number("estimate", summary.estimate)
        .number("explored", summary.explored)
        .number("bound", summary.has_bound ? static_cast<double>(summary.bound) : -1.0)
        .text("guarantee", summary.guarantee)
        .number("missedAtMost", summary.missed_at_most)
        .boolean("gaveUp", summary.gave_up)
        .boolean("memoryFull", summary.memory_full)
        .number("programs", summary.begun_programs)
        .number("allPrograms", summary.all_programs)
        .number("completePrograms", summary.complete_programs)
        .number("violatedPrograms", summary.violated_programs)
        .number("largest", summary.largest)
        .number("seconds", job.seconds())
        .set("outcomes", outcomes.value())
        .set("seen",
             js.list(taken->seen, [&](const ExploreSeen& each) { return seen_value(js, each); }))
        .boolean("seenFull", summary.seen_full)
        .set("worth", worth_value(js, summary))
        .set("hashes", js.list(summary.hashes, [&](std::uint64_t each) { return js.big(each); }))
        .set("first", js.list(taken->first,
                              [&](const ExploreFinding& each) { return finding_value(js, each); }))
        .value();
  });
}

}  // namespace

napi_value explore_limits_value(const JsValues& js) {
  JsObject all(js);
  for (const ExploreLimit& limit : explore_limits::kAll)
    all.set(limit.name, JsObject(js)
                            .number("min", limit.min)
                            .number("max", limit.max)
                            .number("otherwise", limit.otherwise)
                            .value());
  return all.value();
}

napi_value empty_fibers(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const auto args = arguments<1>(env, info);
    JsRead from(env, args[0]);
    const auto threads =
        static_cast<std::uint32_t>(from.integer("threads", explore_limits::kThreads.max));
    const auto points = static_cast<std::uint32_t>(from.integer("points", 1U << 20));
    const std::uint64_t schedules = from.integer("schedules", 1U << 24);
    const int error = from.ok() ? pagebox_model_entry()->run_empty(threads, points, schedules)
                                : static_cast<int>(Errc::kInval);
    return error == 0 ? nullptr : failure(env, error, "threads, points or schedules");
  });
}

napi_value explore_guarantee(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const auto args = arguments<1>(env, info);
    namespace limits = explore_limits;
    JsRead from(env, args[0]);
    Worth worth;
    worth.schedules = from.integer("schedules", limits::kSafe);
    worth.classes = from.integer("classes", limits::kSafe);
    worth.complete = from.boolean("complete");
    worth.estimate = from.number("estimate");
    if (from.has("boundDone"))
      worth.bound_done = static_cast<std::uint32_t>(from.integer("boundDone", limits::kBound.max));
    worth.bounded = from.boolean("bounded");
    constexpr unsigned kMostFibers = 64;
    worth.fibers = static_cast<unsigned>(from.integer("fibers", kMostFibers));
    worth.steps = from.integer("steps", limits::kSafe);
    worth.programs = from.integer("programs", limits::kSafe);
    worth.depth = from.integer("depth", limits::kDepth.max);
    from.object("drawn", [&](JsRead& drawn) {
      for (const std::string_view name : kStrategyNames)
        if (const std::string key(name); drawn.has(key.c_str()))
          worth.runs_by[name] = drawn.integer(key.c_str(), limits::kSafe);
    });
    if (!from.ok()) return failure(env, Errc::kInval, "what an exploration is worth");
    const JsValues js(env);
    return JsObject(js)
        .text("guarantee", guarantee_text(worth))
        .number("missedAtMost", worth.complete ? -1.0 : missed_at_most(worth))
        .number("estimate", worth.estimate)
        .value();
  });
}

napi_value start_explore(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const auto args = arguments<3>(env, info);
    EnvData* data = EnvData::of(env);
    ExploreRequest request;
    if (data == nullptr || !read_request(env, args, request))
      return failure(env, Errc::kInval, "the settings of an exploration");
    auto job = std::make_shared<ExploreJob>(request);
    if (!job->start()) return failure(env, Errc::kNoThread, "the system gives no thread");
    keep_job(env, *data, job);
    const JsValues js(env);
    napi_value object = js.object();
    add_bound(js, object, "progress", explore_progress<ExploreJob>, job);
    add_bound(js, object, "stop", stop_job<ExploreJob>, job);
    add_bound(js, object, "result", result, job);
    return object;
  });
}

}  // namespace pagebox::addon
