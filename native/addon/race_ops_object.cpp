#include "addon/race_ops_object.h"

#include <memory>

#include "addon/bound.h"
#include "addon/job_calls.h"
#include "addon/layout_value.h"
#include "addon/op_result_value.h"
#include "addon/random_ops_value.h"
#include "addon/scenario_value.h"
#include "addon/status.h"
#include "engine/race/race_ops.h"

namespace pagebox::addon {

namespace {

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
  std::uint64_t held_bytes() const {
    std::uint64_t bytes = (settings.threads + 1) * sizeof(ScenarioOpResults);
    bytes += scenario.setup.capacity() * sizeof(Op);
    for (const auto& thread : scenario.threads) bytes += thread.capacity() * sizeof(Op);
    return bytes;
  }

  // Once done():
  Errc error() const { return error_; }
  const std::string& reason() const { return reason_; }
  RaceOpsResult take() {
    scenario = {};
    return std::exchange(result_, {});
  }

 private:
  RaceControl control_;
  RaceOpsResult result_;
  Errc error_ = Errc::kOk;
  std::string reason_;
};

bool read_race(napi_env env, napi_value value, RaceOpsSettings& out) {
  JsRead from(env, value);
  out.layout = read_layout_ref(from, "layout");
  out.scheme = read_scheme_ref(from, "scheme");
  out.threads = static_cast<unsigned>(from.integer("threads", kMaxRaceOpsThreads));
  out.duration_ns = static_cast<std::uint64_t>(std::min(from.number("seconds"), 1e9) * 1e9);
  out.ops = from.integer("ops", kMaxSafeInteger);
  out.rounds = from.integer("rounds", kMaxSafeInteger);
  out.seed = from.big("seed");
  out.pages = from.integer("pages", kMaxMachinePages);
  out.affinity = from.boolean("affinity");
  read_mixes(from, out.mixes);
  read_random(from, out.random);
  return from.ok();
}

napi_value race_result(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<RaceOpsJob, 0> call(env, info);
    RaceOpsJob& job = *call.object;
    const RaceOpsResult found = take_result(env, job);
    if (job.error() != Errc::kOk) return failure(env, job.error(), job.reason());
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
        .set("audit", mm_rows_value(js, found.audit))
        .text("leaks", found.leaks)
        .set("livelocks", livelocks_value(js, found.livelocks))
        .value();
  });
}

}  // namespace

napi_value start_race_ops(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const auto args = arguments<3>(env, info);
    EnvData* data = EnvData::of(env);
    auto job = std::make_shared<RaceOpsJob>();
    bool ok = data != nullptr && read_race(env, args[0], job->settings);
    if (ok && !is_null(env, args[2])) {
      ok = read_scenario(env, args[1], args[2], job->scenario);
      job->settings.scenario = &job->scenario;
      job->settings.threads = static_cast<unsigned>(job->scenario.threads.size());
    }
    if (!ok) return failure(env, Errc::kInval, "the settings of a race");
    if (!job->start()) return failure(env, Errc::kNoThread, "the system gives no thread");
    keep_job(env, *data, job);
    const JsValues js(env);
    napi_value object = js.object();
    add_bound(js, object, "progress", race_progress<RaceOpsJob>, job);
    add_bound(js, object, "stop", stop_job<RaceOpsJob>, job);
    add_bound(js, object, "result", race_result, job);
    return object;
  });
}

}  // namespace pagebox::addon
