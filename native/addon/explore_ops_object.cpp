#include "addon/explore_ops_object.h"

#include <memory>
#include <span>

#include "addon/behaviour_value.h"
#include "addon/bound.h"
#include "addon/job_calls.h"
#include "addon/random_ops_value.h"
#include "addon/scenario_value.h"
#include "addon/status.h"
#include "engine/scenario/op_row.h"
#include "explore/entry.h"

namespace pagebox::addon {

namespace {

class ExploreOpsJob : public Job {
 public:
  ~ExploreOpsJob() override { end(); }
  bool start() {
    request.scheme = scheme.c_str();
    request.layout = layout.c_str();
    request.stop = &stop_;
    request.done = &schedules_;
    request.setup = rows_of(setup);
    for (const std::vector<double>& thread : threads) thread_rows_.push_back(rows_of(thread));
    request.threads = thread_rows_.data();
    request.thread_count = static_cast<std::uint32_t>(thread_rows_.size());
    request.weights = weights.data();
    return Job::start(
        [this] { error_ = pagebox_model_entry()->explore_ops(&request, result_.get()); });
  }
  // The model polls it between schedules; a plain word, as the door is plain C.
  void stop() override { stop_ = 1; }

  std::string scheme, layout;
  std::vector<double> setup;
  std::vector<std::vector<double>> threads;
  std::vector<std::uint32_t> weights;
  PageboxExploreOps request{};

  std::uint64_t schedules() const { return schedules_; }
  std::uint64_t held_bytes() const {
    std::uint64_t bytes = sizeof *this + sizeof *result_ + setup.capacity() * sizeof(double) +
                          pagebox_model_entry()->hash_bytes(request.schedules);
    for (const auto& thread : threads) bytes += thread.capacity() * sizeof(double);
    return bytes;
  }

  int error() const { return error_; }
  /// Null the second time.
  std::unique_ptr<PageboxOpsResult> take() {
    setup = {};
    threads = {};
    return std::move(result_);
  }

 private:
  static PageboxOpRows rows_of(const std::vector<double>& numbers) {
    return {numbers.data(), numbers.size() / kOpSlots.size()};
  }
  std::vector<PageboxOpRows> thread_rows_;
  volatile std::uint32_t stop_ = 0;
  volatile std::uint64_t schedules_ = 0;  // so far; the model's own
  std::unique_ptr<PageboxOpsResult> result_ = std::make_unique<PageboxOpsResult>();
  int error_ = 0;
};

bool read_explore(napi_env env, const std::array<napi_value, 3>& args, ExploreOpsJob& out) {
  JsRead from(env, args[0]);
  out.scheme = from.text("scheme");
  out.layout = from.text("layout");
  PageboxExploreOps& request = out.request;
  request.behaviour = plain_behaviour(from);
  request.random_threads = static_cast<std::uint32_t>(from.integer("threads", 8));
  request.ops = static_cast<std::uint32_t>(from.integer("ops", 4096));
  request.schedules = from.integer("schedules", kMaxSafeInteger);
  request.first_run = from.integer("firstRun", kMaxSafeInteger);
  request.seed = from.big("seed");
  request.pages = from.integer("pages", kMaxMachinePages);
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

napi_value explore_result(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<ExploreOpsJob, 0> call(env, info);
    ExploreOpsJob& job = *call.object;
    const auto taken = take_result(env, job);
    if (taken == nullptr) return failure(env, Errc::kInval, "the result was taken before");
    const PageboxOpsResult& found = *taken;
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

napi_value start_explore_ops(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const auto args = arguments<3>(env, info);
    EnvData* data = EnvData::of(env);
    auto job = std::make_shared<ExploreOpsJob>();
    if (data == nullptr || !read_explore(env, args, *job))
      return failure(env, Errc::kInval, "the settings of an exploration");
    if (!job->start()) return failure(env, Errc::kNoThread, "the system gives no thread");
    keep_job(env, *data, job);
    const JsValues js(env);
    napi_value object = js.object();
    add_bound(js, object, "progress", explore_progress<ExploreOpsJob>, job);
    add_bound(js, object, "stop", stop_job<ExploreOpsJob>, job);
    add_bound(js, object, "result", explore_result, job);
    return object;
  });
}

}  // namespace pagebox::addon
