#include "addon/explore_object.h"

#include "addon/behaviour_value.h"
#include "addon/bound.h"
#include "addon/job_calls.h"
#include "addon/js_read.h"
#include "addon/names.h"
#include "addon/status.h"
#include "explore/entry.h"

namespace pagebox::addon {

namespace {

struct Settings {
  std::string scheme, layout;
  PageboxExplorePins request{};
};

class ExploreJob : public Job {
 public:
  explicit ExploreJob(Settings settings) : settings_(std::move(settings)) {
    PageboxExplorePins& request = settings_.request;
    request.scheme = settings_.scheme.c_str();
    request.layout = settings_.layout.c_str();
    request.stop = &stop_;
    request.done = &schedules_;
  }
  ~ExploreJob() override { end(); }

  bool start() {
    return Job::start([this] {
      const PageboxModelEntry* model = pagebox_model_entry();
      error_ = model->explore_pins(&settings_.request, &result_);
    });
  }
  // The model polls it between schedules; a plain word, as the door is plain C.
  void stop() override { stop_ = 1; }

  std::uint64_t schedules() const { return schedules_; }
  std::uint64_t held_bytes() const {
    return sizeof *this + pagebox_model_entry()->hash_bytes(settings_.request.schedules);
  }

  int error() const { return error_; }
  PageboxExploreResult take() { return result_; }

 private:
  Settings settings_;
  volatile std::uint32_t stop_ = 0;
  volatile std::uint64_t schedules_ = 0;  // so far; the model's own
  PageboxExploreResult result_{};
  int error_ = 0;
};

bool read_settings(napi_env env, napi_value value, Settings& out) {
  JsRead from(env, value);
  constexpr std::uint64_t kSafe = (std::uint64_t{1} << 53) - 1;
  out.scheme = from.text("scheme");
  out.layout = from.text("layout");
  PageboxExplorePins& request = out.request;
  request.behaviour = plain_behaviour(from);
  request.threads = static_cast<std::uint32_t>(from.integer("threads", 3));
  request.folios = static_cast<std::uint32_t>(from.integer("folios", 8));
  request.order = static_cast<std::uint32_t>(from.integer("order", 10));
  request.ops = static_cast<std::uint32_t>(from.integer("ops", 1 << 20));
  request.schedules = from.integer("schedules", kSafe);
  request.first_run = from.integer("firstRun", kSafe);
  request.seed = from.big("seed");
  return from.ok();
}

napi_value violation_value(const JsValues& js, const PageboxModelViolation& violation) {
  return JsObject(js)
      .number("run", violation.run)
      .big("scheduleHash", violation.schedule_hash)
      .text("end", violation.end)
      .text("invariant", violation.invariant)
      .number("pfn", violation.pfn)
      .big("expected", violation.expected)
      .big("found", violation.found)
      .value();
}

napi_value result(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<ExploreJob, 0> call(env, info);
    ExploreJob& job = *call.object;
    const PageboxExploreResult found = take_result(env, job);
    if (job.error() != 0)
      return failure(env, job.error(), "the scheme does not exist for the layout");
    const JsValues js(env);
    napi_value first = js.array();
    for (std::uint32_t i = 0; i < found.first_count; ++i)
      js.set(first, i, violation_value(js, found.first[i]));
    return JsObject(js)
        .number("schedules", found.schedules)
        .number("distinct", found.distinct)
        .number("steps", found.steps)
        .number("violations", found.violations)
        .big("hash", found.hash)
        .number("seconds", job.seconds())
        .set("first", first)
        .value();
  });
}

}  // namespace

napi_value start_explore(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const auto [options] = arguments<1>(env, info);
    Settings settings;
    EnvData* data = EnvData::of(env);
    if (data == nullptr || !read_settings(env, options, settings))
      return failure(env, Errc::kInval, "the settings of an exploration");
    if (pagebox_model_entry()->struct_bytes != sizeof(PageboxExploreResult))
      return failure(env, Errc::kNoDev, "the two halves of the addon are of different builds");
    auto job = std::make_shared<ExploreJob>(std::move(settings));
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
