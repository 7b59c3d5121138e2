#include "addon/op_result_value.h"

#include "addon/scenario_value.h"

namespace pagebox::addon {

namespace {

napi_value latency_value(const JsValues& js, const Histogram& histogram) {
  if (histogram.samples() == 0) return js.null();
  napi_value buckets = js.array();
  std::size_t n = 0;
  for (unsigned i = 0; i < Histogram::kBuckets; ++i) {
    if (histogram.count(i) == 0) continue;
    js.set(buckets, n++,
           JsObject(js)
               .number("upToNs", Histogram::floor_ns(i + 1))
               .number("count", histogram.count(i))
               .value());
  }
  return JsObject(js)
      .number("samples", histogram.samples())
      .number("min", histogram.min_ns())
      .number("mean", histogram.mean_ns())
      .number("p50", histogram.percentile_ns(0.5))
      .number("p90", histogram.percentile_ns(0.9))
      .number("p99", histogram.percentile_ns(0.99))
      .number("p999", histogram.percentile_ns(0.999))
      .number("max", histogram.max_ns())
      .set("buckets", buckets)
      .value();
}

/// The operations that ran; `names` by their places in `results`.
napi_value op_results_value(const JsValues& js, std::span<const OpResult> results,
                            std::span<const std::string_view> names) {
  napi_value list = js.array();
  std::size_t n = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const OpResult& result = results[i];
    if (result.ops == 0 && result.failures.empty()) continue;
    js.set(list, n++,
           JsObject(js)
               .text("op", names[i])
               .number("ops", result.ops)
               .number("retries", result.retries)
               .set("failures", js.list(result.failures,
                                        [&](const OpFailure& failure) {
                                          return JsObject(js)
                                              .text("errno", errc_name(failure.error))
                                              .number("count", failure.count)
                                              .value();
                                        }))
               .set("latency", latency_value(js, result.latency))
               .value());
  }
  return list;
}

}  // namespace

JsObject race_facts(const JsValues& js, const RaceResult& result) {
  const auto ops = [&](std::span<const OpResult> results) {
    return op_results_value(js, results, result.names);
  };
  JsObject facts(js);
  facts.text("stoppedBy", stopped_by_name(result.stopped_by))
      .number("seconds", static_cast<double>(result.ns) / 1e9)
      .number("rounds", result.rounds)
      .set("livelocks", livelocks_value(js, result.livelocks))
      .set("ops", ops(result.total))
      .set("threads", js.list(result.threads, [&](const auto& thread) { return ops(thread); }))
      .set("cpuSeconds", js.list(result.thread_cpu_ns, [&](std::uint64_t ns) {
        return js.number(static_cast<double>(ns) / 1e9);
      }));
  return facts;
}

}  // namespace pagebox::addon
