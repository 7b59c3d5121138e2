#include "addon/scenario_value.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "addon/audit_value.h"
#include "addon/behaviour_value.h"
#include "addon/bound.h"
#include "addon/js_read.h"
#include "addon/layout_value.h"
#include "addon/random_ops_value.h"
#include "addon/record_value.h"
#include "addon/status.h"
#include "engine/box/sandbox.h"
#include "engine/scenario/in_order.h"
#include "engine/scenario/op_mix.h"
#include "engine/scenario/op_row.h"
#include "engine/scenario/scenario_ops.h"

namespace pagebox::addon {
namespace {

constexpr std::uint32_t kMaxScenarioThreads = 64;

napi_value op_value(const JsValues& js, const OpInfo& op) {
  return JsObject(js)
      .text("name", op.name)
      .text("fields", op.fields)
      .text("result", op.result)
      .boolean("device", op.device)
      .boolean("stops", can_stop(static_cast<OpCode>(&op - kOpTable.data())))
      .value();
}

SandboxSettings read_machine(JsRead& from) {
  SandboxSettings settings;
  settings.layout = read_layout_ref(from, "layout");
  settings.scheme = read_scheme_ref(from, "scheme");
  settings.behaviour = read_behaviour(from);
  return settings;
}

/// As it stands, and once more when all have exited: what is still held then is lost.
std::vector<AuditRow> audit_and_finish(Sandbox& sandbox) {
  std::vector<AuditRow> rows = std::move(sandbox.audit().rows);
  sandbox.finish();
  std::ranges::move(sandbox.audit().rows, std::back_inserter(rows));
  return rows;
}

}  // namespace

napi_value livelocks_value(const JsValues& js, const std::vector<Livelock>& livelocks) {
  return js.list(livelocks, [&](const Livelock& each) {
    JsObject object(js);
    object.set("op", each.op.empty() ? js.null() : js.text(each.op))
        .text("waitsFor", each.waits_for)
        .set("page", each.page ? js.number(each.page->value) : js.null())
        .set("thread", each.thread < 0 ? js.null() : js.number(each.thread))
        .number("round", each.round);
    if (each.counted)
      object.number("expected", static_cast<double>(each.expected))
          .number("found", static_cast<double>(each.found));
    return object.value();
  });
}

/// Null where the scheme's effects had nothing to do with the result.
napi_value effects_value(const JsValues& js, const OpEffects& effects) {
  if (effects.all.bits == 0) return js.null();
  const auto names = [&](PinEffectSet set) { return js.names_of(kPinEffectNames, set.bits); };
  return JsObject(js)
      .set("all", names(effects.all))
      .set("pages", js.list(effects.pages, names))
      .value();
}

bool read_numbers(napi_env env, napi_value value, std::span<const double>& out) {
  bool is_typed = false;
  napi_is_typedarray(env, value, &is_typed);
  if (!is_typed) return false;
  napi_typedarray_type type = napi_int8_array;
  std::size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_float64_array || (length > 0 && data == nullptr))
    return false;
  out = {static_cast<const double*>(data), length};
  return true;
}

bool read_rows(napi_env env, napi_value value, std::vector<Op>& ops) {
  std::span<const double> all;
  if (!read_numbers(env, value, all) || all.size() % kOpSlots.size() != 0) return false;
  ops.resize(all.size() / kOpSlots.size());
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (!read_op_row(all.subspan(i * kOpSlots.size(), kOpSlots.size()), ops[i])) return false;
  return true;
}

bool read_scenario(napi_env env, napi_value setup, napi_value threads, ScenarioOps& out) {
  std::uint32_t count = 0;
  if (!read_rows(env, setup, out.setup) || napi_get_array_length(env, threads, &count) != napi_ok ||
      count > kMaxScenarioThreads)
    return false;
  out.threads.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    napi_value each = nullptr;
    if (napi_get_element(env, threads, i, &each) != napi_ok ||
        !read_rows(env, each, out.threads[i]))
      return false;
  }
  return true;
}

napi_value scenario_tables(napi_env env, napi_callback_info) {
  const JsValues js(env);
  return JsObject(js)
      .set("ops", js.list(kOpTable, [&](const OpInfo& op) { return op_value(js, op); }))
      .set("slots", js.texts(kOpSlots))
      .set("flags", js.texts(kOpFlagNames))
      .set("kinds", js.texts(kMapKindNames))
      .set("advices", js.texts(kAdviceNames))
      .set("modes", js.texts(kGupModeNames))
      .set("vias", js.texts(kPinViaNames))
      .set("picks", js.texts(kPagePickNames))
      .set("pageTypes", js.texts(kPageTypeNames))
      .set("failSites", js.texts(kFailSiteNames))
      .set("stopPoints",
           js.list(kStopPoints,
                   [&](const StopPointInfo& each) {
                     return JsObject(js).text("name", each.name).text("what", each.what).value();
                   }))
      .set(
          "mixGroups",
          js.list(
              kMixGroups,
              [&](const MixGroup& group) {
                return JsObject(js).text("name", group.name).text("summary", group.summary).value();
              }))
      .number("placedPages", kMaxPlacedPages)
      .number("order", kMaxOrder)
      .number("buffers", kBuffers)
      .number("devices", kDevices)
      .number("files", kDiskFiles)
      .value();
}

napi_value run_scenario(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const auto args = arguments<3>(env, info);
    JsRead from(env, args[0]);
    SandboxSettings settings = read_machine(from);
    settings.transparent_huge_pages = from.boolean("hugePages");
    std::vector<Op> ops;
    std::span<const double> recorded;
    if (!from.ok() || !read_rows(env, args[1], ops) || !read_numbers(env, args[2], recorded) ||
        recorded.size() != ops.size())
      return failure(env, Errc::kInval, "the settings or the rows of a scenario");
    settings.placed_pages = count_placed_pages({.setup = ops, .threads = {}, .after = {}});
    LivelockWatch watch;
    const PatienceScope alone(watch);
    std::unique_ptr<Sandbox> sandbox;
    std::string reason;
    if (const Errc error = Sandbox::create(settings, sandbox, &reason); error != Errc::kOk)
      return failure(env, error, reason);
    watch.watch(&sandbox->machine().memmap, 0);
    std::vector<OpEffects> effects;
    const std::vector<OpRecord> records = sandbox->run_all(ops, recorded, effects);
    const std::vector<AuditRow> rows = audit_and_finish(*sandbox);
    const JsValues js(env);
    return JsObject(js)
        .set("results",
             js.list(records, [&](const OpRecord& each) { return record_value(js, each); }))
        .set("effects",
             js.list(effects, [&](const OpEffects& each) { return effects_value(js, each); }))
        .set("audit", audit_rows_value(js, rows))
        .value();
  });
}

napi_value run_threads_in_order(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const auto args = arguments<3>(env, info);
    JsRead from(env, args[0]);
    SandboxSettings settings = read_machine(from);
    settings.pages = from.integer("pages", kMaxMachinePages);
    const std::uint64_t limit = from.integer("limit", 100'000'000);
    const std::uint64_t seed = from.big("seed");
    settings.transparent_huge_pages = from.has("hugePages") && from.boolean("hugePages");
    ScenarioOps scenario;
    if (!from.ok() || !read_scenario(env, args[1], args[2], scenario) ||
        (from.has("after") && !read_rows(env, from.property("after"), scenario.after)))
      return failure(env, Errc::kInval, "the settings or the rows of a scenario");
    std::string reason;
    if (check_scenario(scenario, reason) != Errc::kOk) return failure(env, Errc::kInval, reason);
    if (const std::uint64_t ops = count_ops(scenario); ops > limit)
      return failure(env, Errc::kOverflow,
                     "it comes to " + std::to_string(ops) +
                         " operations, a run in order to at most " + std::to_string(limit));
    LivelockWatch watch;
    const PatienceScope alone(watch);
    settings.threads = static_cast<unsigned>(scenario.threads.size());
    settings.placed_pages = count_placed_pages(scenario);
    settings.seed = seed;
    settings.stops = has_stops(scenario);
    std::unique_ptr<Sandbox> sandbox;
    if (const Errc error = Sandbox::create(settings, sandbox, &reason); error != Errc::kOk)
      return failure(env, error, reason);
    watch.watch(&sandbox->machine().memmap, 0);
    std::vector<RanOp> ran;
    if (!run_in_order(*sandbox, scenario, seed, watch, ran))
      return failure(env, Errc::kOverflow,
                     "its results have more than " + std::to_string(kMaxRanWords) +
                         " words, after " + std::to_string(ran.size()) + " operations");
    const std::vector<AuditRow> rows = audit_and_finish(*sandbox);
    const std::string leaks = rows.empty() ? sandbox->leaks() : std::string();
    sandbox.reset();  // what it waits for is a finding too
    const JsValues js(env);
    return JsObject(js)
        .set("ran", js.list(ran,
                            [&](const RanOp& each) {
                              return JsObject(js)
                                  .number("thread", each.thread)
                                  .number("index", each.index)
                                  .set("result", record_value(js, each.record))
                                  .value();
                            }))
        .set("audit", audit_rows_value(js, rows))
        .text("leaks", leaks)
        .set("livelocks", livelocks_value(js, watch.take()))
        .value();
  });
}

}  // namespace pagebox::addon
