#include "addon/cost_object.h"

#include <algorithm>
#include <cmath>

#include "addon/bound.h"
#include "addon/box_object.h"
#include "addon/js_read.h"
#include "addon/names.h"
#include "addon/status.h"
#include "engine/measure/cost.h"

namespace pagebox::addon {

namespace {

/// The sampler until it is closed.
struct CostObject {
  std::unique_ptr<CostSampler> sampler;
  bool counts = false;
};

/// Operations between two looks at the environment: about a second of slow ones. What is
/// measured for a comparison is less.
constexpr std::uint64_t kSampleChunk = std::uint64_t{1} << 24;

constexpr std::string_view kMixOp = "pin|unpin";

bool read_settings(napi_env env, napi_value value, CostSettings& out) {
  JsRead from(env, value);
  if (!read_box_settings(env, from.property("box"), out.box)) return false;
  const int type = index_of(kPageTypeNames, from.text("type"));
  const auto pattern = find_pattern(from.text("pattern"));
  const std::string op_name = from.text("op");
  out.mix = op_name == kMixOp;
  const auto op = out.mix ? std::optional(PinOp::kPin) : find_pin_op(op_name);
  const int loop = index_of(kCostLoopNames, from.text("loop"));
  if (type < 0 || !pattern || !op || loop < 0) return false;
  out.setup.type = static_cast<PageType>(type);
  out.setup.order = static_cast<unsigned>(from.integer("order", kMaxOrder));
  out.setup.on_lru = kLruTypes.has(out.setup.type);
  out.pattern = *pattern;
  out.op = *op;
  out.loop = static_cast<CostLoop>(loop);
  out.threads = static_cast<unsigned>(from.integer("threads", 256));
  out.prefetch = from.boolean("prefetch");
  out.draws = from.boolean("draws");
  out.counters = from.boolean("counters");
  out.seed = from.big("seed");
  return from.ok();
}

/// Null for those that are not there.
napi_value counted_value(const JsValues& js, const CounterValues& counted) {
  napi_value result = js.object();
  for (unsigned i = 0; i < kCounters; ++i)
    js.set(result, std::string(kCounterNames[i]).c_str(),
           counted[i] ? js.number(*counted[i]) : js.null());
  return result;
}

napi_value sample(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<CostObject, 1> call(env, info);
    double ops = 0;
    if (napi_get_value_double(env, call.args[0], &ops) != napi_ok || !(ops >= 1 && ops < 0x1p53) ||
        ops != std::floor(ops))
      return status(env, kBadFirst);
    if (call.object->sampler == nullptr) return status(env, kClosedBox);
    CostSample sample;
    const StopAsk stop = stop_with(env);
    for (auto left = static_cast<std::uint64_t>(ops); left != 0;) {
      CostSample part;
      const Errc error = call.object->sampler->sample(std::min(left, kSampleChunk), part);
      if (error != Errc::kOk) return status(env, error);
      sample.ns += part.ns;
      sample.cpu_ns += part.cpu_ns;
      sample.ops += part.ops;
      sample.retries += part.retries;
      add_counted(sample.counted, {}, part.counted);
      left -= std::min(left, part.ops);
      if (part.ops == 0 || stop()) break;
    }
    const JsValues js(env);
    JsObject facts(js);
    facts.number("ns", sample.ns)
        .number("cpuNs", sample.cpu_ns)
        .number("ops", sample.ops)
        .number("retries", sample.retries);
    if (call.object->counts) facts.set("counted", counted_value(js, sample.counted));
    return facts.value();
  });
}

napi_value close_cost(napi_env env, napi_callback_info info);
napi_value beside(napi_env env, napi_callback_info info);

napi_value bound(napi_env env, const std::shared_ptr<CostObject>& object) {
  const JsValues js(env);
  napi_value result = js.object();
  add_bound(js, result, "sample", sample, object);
  add_bound(js, result, "beside", beside, object);
  add_bound(js, result, "close", close_cost, object);
  return result;
}

napi_value beside(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<CostObject, 1> call(env, info);
    CostSettings settings;
    if (!read_settings(env, call.args[0], settings))
      return failure(env, Errc::kInval, "the settings of a measurement");
    if (call.object->sampler == nullptr) return status(env, kClosedBox);
    auto object = std::make_shared<CostObject>();
    object->counts = settings.counters;
    std::string reason;
    const Errc error = call.object->sampler->create_beside(settings, object->sampler, &reason);
    return error == Errc::kOk ? bound(env, object) : failure(env, error, reason);
  });
}

napi_value close_cost(napi_env env, napi_callback_info info) {
  BoundCall<CostObject, 0> call(env, info);
  call.object->sampler.reset();
  return nullptr;
}

}  // namespace

napi_value prepare_cost(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const auto [options] = arguments<1>(env, info);
    CostSettings settings;
    if (!read_settings(env, options, settings))
      return failure(env, Errc::kInval, "the settings of a measurement");
    auto object = std::make_shared<CostObject>();
    object->counts = settings.counters;
    std::string reason;
    const Errc error = CostSampler::create(settings, object->sampler, &reason);
    if (error != Errc::kOk) return failure(env, error, reason);
    return bound(env, object);
  });
}

}  // namespace pagebox::addon
