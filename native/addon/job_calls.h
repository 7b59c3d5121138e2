// What JavaScript asks of a job, whatever the job does.
#pragma once

#include "addon/bound.h"
#include "addon/job.h"

namespace pagebox::addon {

template <class AnyJob>
napi_value is_job_done(napi_env env, napi_callback_info info) {
  return JsValues(env).boolean(bound_object<AnyJob>(env, info).done());
}

template <class AnyJob>
napi_value stop_job(napi_env env, napi_callback_info info) {
  bound_object<AnyJob>(env, info).stop();
  return nullptr;
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
