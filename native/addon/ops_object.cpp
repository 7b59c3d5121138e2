#include "addon/ops_object.h"

#include <chrono>
#include <memory>

#include "addon/bound.h"
#include "addon/job.h"
#include "addon/js_read.h"
#include "addon/layout_value.h"
#include "addon/op_result_value.h"
#include "addon/scenario_value.h"
#include "addon/status.h"
#include "engine/entry.h"
#include "engine/op_row.h"
#include "engine/race_ops.h"

namespace pagebox::addon {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

constexpr std::uint64_t kSafe = (std::uint64_t{1} << 53) - 1;
constexpr std::uint64_t kMaxPages = 1 << 24;

/// `mixes`: one list of { mix, op, weight } for all, `mix` its number.
void read_mixes(JsRead& from, std::vector<OpMix>& mixes) {
  mixes.resize(from.integer("mixCount", 64));
  from.objects("mixes", [&](JsRead& part) {
    const std::uint64_t mix = part.integer("mix", 63);
    const auto weight = static_cast<std::uint32_t>(part.integer("weight", 1'000'000));
    if (mix >= mixes.size() || !mixes[mix].add(part.text("op"), weight)) part.fail();
  });
}

void read_random(JsRead& from, RandomOpsSettings& random) {
  random.processes = static_cast<unsigned>(from.integer("processes", kMaxSharedProcesses));
  random.buffers = static_cast<unsigned>(from.integer("buffers", kMaxRandomBuffers));
  random.pages = static_cast<unsigned>(from.integer("pagesEach", kMaxRandomPages));
}

bool is_null(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  return type == napi_null || type == napi_undefined;
}

class RaceOpsJob : public Job {
 public:
  ~RaceOpsJob() override { end(); }
  bool start() {
    return Job::start([this] { error_ = run_race_ops(settings, control_, result_, &reason_); });
  }
  void stop() override { control_.stop(); }

  RaceOpsSettings settings;
  ScenarioOps scenario;

  const RaceControl& control() const { return control_; }
  double seconds() const { return seconds_since(begun_); }
  // Once done():
  Errc error() const { return error_; }
  const std::string& reason() const { return reason_; }
  const RaceOpsResult& result() const { return result_; }

 private:
  RaceControl control_;
  RaceOpsResult result_;
  Errc error_ = Errc::kOk;
  std::string reason_;
  Clock::time_point begun_ = Clock::now();
};

bool read_race(napi_env env, napi_value value, RaceOpsSettings& out) {
  JsRead from(env, value);
  out.layout = read_layout_ref(from, "layout");
  out.scheme = read_scheme_ref(from, "scheme");
  out.threads = static_cast<unsigned>(from.integer("threads", kMaxRaceOpsThreads));
  out.duration_ns = static_cast<std::uint64_t>(std::min(from.number("seconds"), 1e9) * 1e9);
  out.ops = from.integer("ops", kSafe);
  out.rounds = from.integer("rounds", kSafe);
  out.seed = from.big("seed");
  out.pages = from.integer("pages", kMaxPages);
  out.affinity = from.boolean("affinity");
  read_mixes(from, out.mixes);
  read_random(from, out.random);
  return from.ok();
}

napi_value race_progress(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<RaceOpsJob, 0> call(env, info);
    const RaceOpsJob& job = *call.object;
    const bool done = job.done();  // first: what follows is then final
    const JsValues js(env);
    return JsObject(js)
        .number("seconds", job.seconds())
        .number("ops", job.control().ops())
        .number("rounds", job.control().rounds())
        .boolean("done", done)
        .value();
  });
}

napi_value race_stop(napi_env env, napi_callback_info info) {
  BoundCall<RaceOpsJob, 0> call(env, info);
  call.object->stop();
  return nullptr;
}

napi_value race_result(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<RaceOpsJob, 0> call(env, info);
    RaceOpsJob& job = *call.object;
    job.end();
    if (job.error() != Errc::kOk) return failure(env, job.error(), job.reason());
    const RaceOpsResult& found = job.result();
    std::array<std::string_view, kOpCodes> names;
    for (unsigned i = 0; i < kOpCodes; ++i) names[i] = kOpTable[i].name;
    const JsValues js(env);
    const auto ops = [&](const ScenarioOpResults& results) {
      return op_results_value(js, results, names);
    };
    return JsObject(js)
        .text("stoppedBy", stopped_by_name(found.stopped_by))
        .number("seconds", static_cast<double>(found.ns) / 1e9)
        .number("rounds", found.rounds)
        .number("dirtyRound", found.dirty_round)
        .set("ops", found.total ? ops(*found.total) : js.array())
        .set("threads", js.list(found.threads, [&](const auto& thread) { return ops(*thread); }))
        .set("audit",
             js.list(found.audit, [&](const MmAuditRow& row) { return mm_row_value(js, row); }))
        .text("leaks", found.leaks)
        .value();
  });
}

class ExploreOpsJob : public Job {
 public:
  ~ExploreOpsJob() override { end(); }
  bool start() {
    request.scheme = scheme.c_str();
    request.layout = layout.c_str();
    request.stop = &stop_;
    request.setup = rows_of(setup);
    for (const std::vector<double>& thread : threads) thread_rows_.push_back(rows_of(thread));
    request.threads = thread_rows_.data();
    request.thread_count = static_cast<std::uint32_t>(thread_rows_.size());
    request.weights = weights.data();
    return Job::start([this] {
      const auto begun = Clock::now();
      error_ = pagebox_model_entry()->explore_ops(&request, result_.get());
      seconds_ = seconds_since(begun);
    });
  }
  // The model polls it between schedules; a plain word, as the door is plain C.
  void stop() override { stop_ = 1; }

  std::string scheme, layout;
  std::vector<double> setup;
  std::vector<std::vector<double>> threads;
  std::vector<std::uint32_t> weights;
  PageboxExploreOps request{};

  int error() const { return error_; }
  double seconds() const { return seconds_; }
  const PageboxOpsResult& result() const { return *result_; }

 private:
  static PageboxOpRows rows_of(const std::vector<double>& numbers) {
    return {numbers.data(), numbers.size() / kOpSlots.size()};
  }
  std::vector<PageboxOpRows> thread_rows_;
  volatile std::uint32_t stop_ = 0;
  std::unique_ptr<PageboxOpsResult> result_ = std::make_unique<PageboxOpsResult>();
  double seconds_ = 0;
  int error_ = 0;
};

bool read_explore(napi_env env, const napi_value* args, ExploreOpsJob& out) {
  JsRead from(env, args[0]);
  out.scheme = from.text("scheme");
  out.layout = from.text("layout");
  PageboxExploreOps& request = out.request;
  request.random_threads = static_cast<std::uint32_t>(from.integer("threads", 8));
  request.ops = static_cast<std::uint32_t>(from.integer("ops", 4096));
  request.schedules = from.integer("schedules", kSafe);
  request.first_run = from.integer("firstRun", kSafe);
  request.seed = from.big("seed");
  request.pages = from.integer("pages", kMaxPages);
  std::vector<OpMix> mixes;
  read_mixes(from, mixes);
  request.mixes = static_cast<std::uint32_t>(mixes.size());
  for (const OpMix& mix : mixes)
    out.weights.insert(out.weights.end(), mix.weights.begin(), mix.weights.end());
  RandomOpsSettings random;
  read_random(from, random);
  request.processes = random.processes;
  request.buffers = random.buffers;
  request.pages_each = random.pages;
  if (!from.ok()) return false;
  if (is_null(env, args[2])) return true;
  // Copies: JavaScript may change its arrays while the job runs.
  const auto copy = [env](napi_value value, std::vector<double>& to) {
    std::span<const double> numbers;
    if (!read_numbers(env, value, numbers)) return false;
    to.assign(numbers.begin(), numbers.end());
    return true;
  };
  ScenarioOps checked;
  if (!read_scenario(env, args[1], args[2], checked) || !copy(args[1], out.setup)) return false;
  out.threads.resize(checked.threads.size());
  for (std::uint32_t i = 0; i < out.threads.size(); ++i) {
    napi_value each = nullptr;
    if (napi_get_element(env, args[2], i, &each) != napi_ok || !copy(each, out.threads[i]))
      return false;
  }
  return true;
}

napi_value explore_done(napi_env env, napi_callback_info info) {
  BoundCall<ExploreOpsJob, 0> call(env, info);
  return JsValues(env).boolean(call.object->done());
}

napi_value explore_stop(napi_env env, napi_callback_info info) {
  BoundCall<ExploreOpsJob, 0> call(env, info);
  call.object->stop();
  return nullptr;
}

napi_value explore_result(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<ExploreOpsJob, 0> call(env, info);
    ExploreOpsJob& job = *call.object;
    job.end();
    const PageboxOpsResult& found = job.result();
    if (job.error() != 0) return failure(env, job.error(), found.reason);
    const JsValues js(env);
    JsObject outcomes(js);
    for (std::uint32_t i = 0; i < std::size(found.outcomes); ++i)
      outcomes.number(pagebox_model_entry()->ops_outcome_name(i), found.outcomes[i]);
    napi_value first = js.array();
    for (std::uint32_t i = 0; i < found.first_count; ++i)
      js.set(first, i,
             JsObject(js)
                 .number("run", found.first[i].run)
                 .big("scheduleHash", found.first[i].schedule_hash)
                 .text("outcome", found.first[i].outcome)
                 .text("text", found.first[i].text)
                 .text("trace", found.first[i].trace)
                 .value());
    return JsObject(js)
        .number("schedules", found.schedules)
        .number("distinct", found.distinct)
        .number("steps", found.steps)
        .number("ops", found.ops)
        .big("hash", found.hash)
        .boolean("gaveUp", found.gave_up != 0)
        .number("seconds", job.seconds())
        .set("outcomes", outcomes.value())
        .set("first", first)
        .value();
  });
}

}  // namespace

napi_value start_race_ops(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    std::size_t given = 3;
    napi_value args[3] = {};
    napi_get_cb_info(env, info, &given, args, nullptr, nullptr);
    EnvData* data = EnvData::of(env);
    auto job = std::make_shared<RaceOpsJob>();
    bool ok = data != nullptr && read_race(env, args[0], job->settings);
    if (ok && !is_null(env, args[2])) {
      ok = read_scenario(env, args[1], args[2], job->scenario);
      job->settings.scenario = &job->scenario;
    }
    if (!ok) return failure(env, Errc::kInval, "the settings of a race");
    if (!job->start()) return failure(env, Errc::kAgain, "the system gives no thread");
    data->add(job);
    const JsValues js(env);
    napi_value object = js.object();
    add_bound(js, object, "progress", race_progress, job);
    add_bound(js, object, "stop", race_stop, job);
    add_bound(js, object, "result", race_result, job);
    return object;
  });
}

napi_value start_explore_ops(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    std::size_t given = 3;
    napi_value args[3] = {};
    napi_get_cb_info(env, info, &given, args, nullptr, nullptr);
    EnvData* data = EnvData::of(env);
    auto job = std::make_shared<ExploreOpsJob>();
    if (data == nullptr || !read_explore(env, args, *job))
      return failure(env, Errc::kInval, "the settings of an exploration");
    if (!job->start()) return failure(env, Errc::kAgain, "the system gives no thread");
    data->add(job);
    const JsValues js(env);
    napi_value object = js.object();
    add_bound(js, object, "done", explore_done, job);
    add_bound(js, object, "stop", explore_stop, job);
    add_bound(js, object, "result", explore_result, job);
    return object;
  });
}

}  // namespace pagebox::addon
