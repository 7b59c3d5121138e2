#include "addon/explore_object.h"

#include <atomic>
#include <memory>
#include <span>

#include "addon/bound.h"
#include "addon/explore_request_value.h"
#include "addon/explore_result_value.h"
#include "addon/job_calls.h"
#include "addon/js_read.h"
#include "addon/status.h"
#include "engine/scenario/explore_messages.h"
#include "engine/scenario/guarantee.h"
#include "explore/entry.h"

namespace pagebox::addon {

namespace {

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

napi_value explore_result(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<ExploreJob, 0> call(env, info);
    ExploreJob& job = *call.object;
    const auto taken = take_result(env, job);
    if (taken == nullptr) return failure(env, Errc::kInval, "the result was taken before");
    if (job.error() != 0) return failure(env, job.error(), taken->refused);
    if (!taken->refused.empty()) return failure(env, Errc::kNoDev, taken->refused);
    return explored_value(JsValues(env), *taken, job.seconds());
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
    if (data == nullptr || !read_explore_request(env, args, request))
      return failure(env, Errc::kInval, "the settings of an exploration");
    auto job = std::make_shared<ExploreJob>(request);
    if (!job->start()) return failure(env, Errc::kNoThread, "the system gives no thread");
    keep_job(env, *data, job);
    const JsValues js(env);
    napi_value object = js.object();
    add_bound(js, object, "progress", explore_progress<ExploreJob>, job);
    add_bound(js, object, "stop", stop_job<ExploreJob>, job);
    add_bound(js, object, "result", explore_result, job);
    return object;
  });
}

}  // namespace pagebox::addon
