#include "addon/race_ops_object.h"

#include <memory>

#include "addon/audit_value.h"
#include "addon/behaviour_value.h"
#include "addon/bound.h"
#include "addon/job_calls.h"
#include "addon/layout_value.h"
#include "addon/op_result_value.h"
#include "addon/random_ops_value.h"
#include "addon/scenario_value.h"
#include "addon/status.h"
#include "engine/race/race.h"
#include "engine/scenario/scenario_ops.h"

namespace pagebox::addon {

namespace {

class RaceOpsJob : public Job {
 public:
  ~RaceOpsJob() override { end(); }
  bool start() {
    return Job::start([this] { error_ = run_race(settings, control_, result_, &reason_); });
  }
  void stop() override { control_.stop(); }

  ScenarioRaceSettings settings;
  ScenarioOps scenario;

  const RaceControl& control() const { return control_; }
  std::uint64_t held_bytes() const {
    std::uint64_t bytes = (settings.threads + 1) * kOpCodes * sizeof(OpResult);
    bytes += scenario.setup.capacity() * sizeof(Op);
    for (const auto& thread : scenario.threads) bytes += thread.capacity() * sizeof(Op);
    return bytes;
  }

  // Once done():
  Errc error() const { return error_; }
  const std::string& reason() const { return reason_; }
  RaceResult take() {
    scenario = {};
    return std::exchange(result_, {});
  }

 private:
  RaceControl control_;
  RaceResult result_;
  Errc error_ = Errc::kOk;
  std::string reason_;
};

bool read_race(napi_env env, napi_value value, ScenarioRaceSettings& out) {
  JsRead from(env, value);
  out.layout = read_layout_ref(from, "layout");
  out.scheme = read_scheme_ref(from, "scheme");
  out.behaviour = read_behaviour(from);
  out.threads = static_cast<unsigned>(from.integer("threads", kMaxScenarioThreads));
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

napi_value reached_value(const JsValues& js, const ReachedCounts& counts) {
  napi_value list = js.array();
  for (unsigned i = 0; i < kReached; ++i) {
    const ReachedInfo& info = kReachedTable[i];
    js.set(list, i,
           JsObject(js)
               .text("group", info.group)
               .text("name", info.name)
               .text("summary", info.summary)
               .number("count", counts[i])
               .value());
  }
  return list;
}

napi_value race_result(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<RaceOpsJob, 0> call(env, info);
    RaceOpsJob& job = *call.object;
    const RaceResult found = take_result(env, job);
    if (job.error() != Errc::kOk) return failure(env, job.error(), job.reason());
    const JsValues js(env);
    return race_facts(js, found)
        .number("dirtyRound", found.dirty_round)
        .set("audit", audit_rows_value(js, found.audit.rows))
        .text("leaks", found.leaks)
        .set("reached", reached_value(js, found.reached))
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
      JsRead from(env, args[0]);
      ok = read_scenario(env, args[1], args[2], job->scenario) &&
           (!from.has("after") || read_rows(env, from.property("after"), job->scenario.after));
      job->settings.huge_pages = from.has("hugePages") && from.boolean("hugePages");
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
