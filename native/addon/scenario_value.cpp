#include "addon/scenario_value.h"

#include <span>

#include "addon/bound.h"
#include "addon/js_read.h"
#include "addon/layout_value.h"
#include "addon/record_value.h"
#include "addon/status.h"
#include "engine/op_row.h"
#include "engine/sandbox.h"

namespace pagebox::addon {
namespace {

napi_value op_value(const JsValues& js, const OpInfo& op) {
  return JsObject(js)
      .text("name", op.name)
      .text("fields", op.fields)
      .text("result", op.result)
      .boolean("device", op.device)
      .value();
}

napi_value row_value(const JsValues& js, const MmAuditRow& row) {
  return JsObject(js)
      .text("invariant", kMmInvariantNames[static_cast<unsigned>(row.invariant)])
      .number("where", row.where)
      .number("expected", row.expected)
      .number("found", row.found)
      .text("explanation", row.explanation)
      .value();
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

/// What lies in a Float64Array. False: it is none.
bool read_doubles(napi_env env, napi_value value, std::span<const double>& out) {
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

/// False: no whole number of rows, or one that cannot be read.
bool read_rows(std::span<const double> all, std::vector<Op>& ops) {
  if (all.size() % kOpSlots.size() != 0) return false;
  ops.resize(all.size() / kOpSlots.size());
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (!read_op_row(all.subspan(i * kOpSlots.size(), kOpSlots.size()), ops[i])) return false;
  return true;
}

}  // namespace

napi_value scenario_tables(napi_env env, napi_callback_info) {
  const JsValues js(env);
  return JsObject(js)
      .set("ops", js.list(kOpTable, [&](const OpInfo& op) { return op_value(js, op); }))
      .set("slots", js.texts(kOpSlots))
      .set("kinds", js.texts(kMapKindNames))
      .set("advices", js.texts(kAdviceNames))
      .set("modes", js.texts(kGupModeNames))
      .set("vias", js.texts(kPinViaNames))
      .number("buffers", kBuffers)
      .number("devices", kDevices)
      .number("files", kDiskFiles)
      .value();
}

napi_value run_scenario(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    std::size_t given = 3;
    napi_value args[3] = {};
    napi_get_cb_info(env, info, &given, args, nullptr, nullptr);
    JsRead from(env, args[0]);
    SandboxSettings settings;
    settings.layout = read_layout_ref(from, "layout");
    settings.scheme = read_scheme_ref(from, "scheme");
    settings.transparent_huge_pages = from.boolean("hugePages");
    std::vector<Op> ops;
    std::span<const double> given_ops, recorded;
    if (!from.ok() || !read_doubles(env, args[1], given_ops) || !read_rows(given_ops, ops) ||
        !read_doubles(env, args[2], recorded) || recorded.size() != ops.size())
      return failure(env, Errc::kInval, "the settings or the rows of a scenario");
    std::unique_ptr<Sandbox> sandbox;
    if (const Errc error = Sandbox::create(settings, sandbox); error != Errc::kOk)
      return failure(env, error, "no machine for this layout and scheme");
    std::vector<OpEffects> effects;
    const std::vector<OpRecord> records = sandbox->run_all(ops, recorded, effects);
    std::vector<MmAuditRow> rows = sandbox->audit();
    // Once more when all have exited: what is still held then is lost.
    sandbox->finish();
    const std::vector<MmAuditRow> last = sandbox->audit();
    rows.insert(rows.end(), last.begin(), last.end());
    const JsValues js(env);
    return JsObject(js)
        .set("results",
             js.list(records, [&](const OpRecord& each) { return record_value(js, each); }))
        .set("effects",
             js.list(effects, [&](const OpEffects& each) { return effects_value(js, each); }))
        .set("audit", js.list(rows, [&](const MmAuditRow& each) { return row_value(js, each); }))
        .value();
  });
}

}  // namespace pagebox::addon
