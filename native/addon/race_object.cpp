#include "addon/race_object.h"

#include "addon/audit_value.h"
#include "addon/box_object.h"
#include "addon/job_calls.h"
#include "addon/js_read.h"
#include "addon/names.h"
#include "addon/op_result_value.h"
#include "engine/race/race.h"

namespace pagebox::addon {

namespace {

class RaceJob : public Job {
 public:
  RaceJob(const SharedBox& shared, const RaceSettings& settings)
      : box_(shared.box), racing_(shared.racing), settings_(settings) {}
  ~RaceJob() override { end(); }

  bool start() {
    // From now on, and not from some moment on, other calls are refused.
    reserved_ = box_->gate().reserve_exclusive() == Errc::kOk;
    if (Job::start([this] { run(); })) return true;
    if (reserved_) box_->gate().end_exclusive();
    racing_->store(false);
    return false;
  }
  void stop() override { control_.stop(); }

  const RaceControl& control() const { return control_; }

  std::uint64_t held_bytes() const { return (settings_.threads + 1) * kPinOps * sizeof(OpResult); }

  // Once done():
  Errc error() const { return error_; }
  const std::string& reason() const { return reason_; }
  RaceResult take() { return std::exchange(result_, {}); }

 private:
  void run() {
    // An audit of another thread is waited for; other races are kept off by `racing`.
    for (;;) {
      error_ = run_race(*box_, settings_, control_, result_, &reason_, reserved_);
      if (error_ != Errc::kBusy || control_.stopped()) break;
      sched_yield();
    }
    racing_->store(false);
    box_.reset();  // here, for it may be the last: unmapping takes its time
  }

  std::shared_ptr<Box> box_;
  std::shared_ptr<std::atomic<bool>> racing_;
  bool reserved_ = false;
  RaceSettings settings_;
  RaceControl control_;
  RaceResult result_;
  Errc error_ = Errc::kOk;
  std::string reason_;
};

bool read_settings(napi_env env, napi_value value, RaceSettings& out) {
  JsRead from(env, value);
  constexpr std::uint64_t kSafe = (std::uint64_t{1} << 53) - 1;
  out.threads = static_cast<unsigned>(from.integer("threads", kMaxThreads));
  out.duration_ns = static_cast<std::uint64_t>(std::min(from.number("seconds"), 1e9) * 1e9);
  out.ops = from.integer("ops", kSafe);
  out.rounds = from.integer("rounds", kSafe);
  out.seed = from.big("seed");
  out.first = Pfn{from.integer("firstPfn", kSafe)};
  out.pages = from.integer("pages", kSafe);
  out.affinity = from.boolean("affinity");
  if (from.has("setup"))
    from.object("setup", [&](JsRead& of) {
      const int type = index_of(kPageTypeNames, of.text("type"));
      if (type < 0) return of.fail();
      out.setup = {.type = static_cast<PageType>(type),
                   .order = static_cast<unsigned>(of.integer("order", kMaxOrder)),
                   .on_lru = of.boolean("onLru")};
    });
  const auto pattern = find_pattern(from.text("pattern"));
  if (pattern) out.pattern = *pattern;
  out.mix.fill(0);
  from.objects("mix", [&](JsRead& part) {
    const auto op = find_pin_op(part.text("op"));
    const auto weight = static_cast<std::uint32_t>(part.integer("weight", 1'000'000));
    if (!op) return part.fail();
    out.mix[static_cast<unsigned>(*op)] = weight;
  });
  return from.ok() && pattern;
}

napi_value box_race_result(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<RaceJob, 0> call(env, info);
    RaceJob& job = *call.object;
    const RaceResult found = take_result(env, job);
    if (job.error() != Errc::kOk) return failure(env, job.error(), job.reason());
    const JsValues js(env);
    return race_facts(js, found).set("audit", audit_value(js, found.audit)).value();
  });
}

}  // namespace

napi_value start_race(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const auto args = arguments<2>(env, info);
    const auto box = box_of(env, args[0]);
    if (box == nullptr) return failure(env, Errc::kInval, "no box");
    if (!box->open()) return failure(env, kClosedBox, "the box is closed");
    RaceSettings settings;
    if (!read_settings(env, args[1], settings))
      return failure(env, Errc::kInval, "the settings of a race");
    EnvData* data = EnvData::of(env);
    if (data == nullptr) return failure(env, Errc::kBadF, "the environment is going");
    if (box->shared()->racing->exchange(true)) return failure(env, kBusyBox, "another race runs");
    auto job = std::make_shared<RaceJob>(*box->shared(), settings);
    if (!job->start()) return failure(env, Errc::kNoThread, "the system gives no thread");
    keep_job(env, *data, job);
    box->add_job(job);
    const JsValues js(env);
    napi_value object = js.object();
    add_bound(js, object, "progress", race_progress<RaceJob>, job);
    add_bound(js, object, "stop", stop_job<RaceJob>, job);
    add_bound(js, object, "result", box_race_result, job);
    return object;
  });
}

}  // namespace pagebox::addon
