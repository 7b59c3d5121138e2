// What JavaScript asks of a job, whatever the job does.
#pragma once

#include "addon/bound.h"
#include "addon/job.h"

namespace pagebox::addon {

template <class AnyJob>
napi_value stop_job(napi_env env, napi_callback_info info) {
  bound_object<AnyJob>(env, info).stop();
  return nullptr;
}

/// What keeps a job: JavaScript has its result, or no longer asks for it.
template <class AnyJob>
void keep_job(napi_env env, EnvData& data, const std::shared_ptr<AnyJob>& job) {
  data.add(job);
  job->memory().tell(env, job->held_bytes());
}

/// Joins the job and takes what it found: all that it held goes now, not when V8
/// collects the functions that are bound to it. Once.
template <class AnyJob>
auto take_result(napi_env env, AnyJob& job) {
  job.end();
  job.memory().tell(env, 0);
  return job.take();
}

/// Of a job that explores.
template <class Explore>
napi_value explore_progress(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Explore& job = bound_object<Explore>(env, info);
    const bool done = job.done();  // first: what follows is then final
    const JsValues js(env);
    return JsObject(js)
        .number("seconds", job.seconds())
        .number("schedules", job.schedules())
        .number("explored", job.explored())
        .number("estimate", job.estimate())
        .boolean("done", done)
        .value();
  });
}

/// Of a job with a RaceControl.
template <class Race>
napi_value race_progress(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Race& job = bound_object<Race>(env, info);
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

}  // namespace pagebox::addon
