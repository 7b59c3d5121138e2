#include "addon/op_result_value.h"

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

}  // namespace

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

}  // namespace pagebox::addon
