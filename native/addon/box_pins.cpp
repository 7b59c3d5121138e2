// Single pins and references: the hot calls. Their one argument comes through
// memory that JavaScript and native code share, the slot: to take a number from
// a call costs half as much as the call itself. A success returns nothing.
#include "addon/box_object.h"

namespace pagebox::addon {

namespace {

template <class Op>
napi_value on_page(napi_env env, napi_callback_info info, Op op) {
  BoxObject& object = bound_object<BoxObject>(env, info);
  std::uint64_t pfn = 0;
  if (!object.read_slot(pfn)) return status(env, kBadFirst);
  Errc error = Errc::kOk;
  if (const int why = object.during_call([&](Box& box) { error = op(box, Pfn{pfn}); }))
    return status(env, why);
  return status(env, error);
}

napi_value pin(napi_env env, napi_callback_info info) {
  return on_page(env, info, [](Box& box, Pfn pfn) { return box.pin(pfn); });
}
napi_value pin_referenced(napi_env env, napi_callback_info info) {
  return on_page(env, info, [](Box& box, Pfn pfn) { return box.pin_referenced(pfn); });
}
napi_value unpin(napi_env env, napi_callback_info info) {
  return on_page(env, info, [](Box& box, Pfn pfn) { return box.unpin(pfn); });
}
napi_value get(napi_env env, napi_callback_info info) {
  return on_page(env, info, [](Box& box, Pfn pfn) { return box.get(pfn); });
}
napi_value put(napi_env env, napi_callback_info info) {
  return on_page(env, info, [](Box& box, Pfn pfn) { return box.put(pfn); });
}

napi_value maybe_pinned(napi_env env, napi_callback_info info) {
  const BoxObject& object = bound_object<BoxObject>(env, info);
  std::uint64_t pfn = 0;
  if (!object.read_slot(pfn)) return status(env, kBadFirst);
  // Queries read atomics only: a race may go on under them.
  if (!object.open()) return status(env, kClosedBox);
  const Result<bool> answer = object.box().maybe_pinned(Pfn{pfn});
  return answer ? JsValues(env).boolean(answer.value) : status(env, answer.error);
}

napi_value pins(napi_env env, napi_callback_info info) {
  const BoxObject& object = bound_object<BoxObject>(env, info);
  std::uint64_t pfn = 0;
  if (!object.read_slot(pfn)) return status(env, kBadFirst);
  if (!object.open()) return status(env, kClosedBox);
  const Result<PinCount> count = object.box().pins(Pfn{pfn});
  if (!count) return status(env, count.error);
  const JsValues js(env);
  return JsObject(js).number("pins", count.value.pins).boolean("exact", count.value.exact).value();
}

napi_value pin_count(napi_env env, napi_callback_info info) {
  BoundCall<BoxObject, 3> call(env, info);
  std::uint64_t pfn = 0;
  double op = -1, count = 0;
  napi_get_value_double(env, call.args[0], &op);
  if (!call.object->read_pfn(env, call.args[1], pfn)) return status(env, kBadFirst);
  if (napi_get_value_double(env, call.args[2], &count) != napi_ok || !(count >= 1) ||
      count > static_cast<double>(kRefcountMax) || count != std::floor(count))
    return status(env, kBadSecond);
  const auto n = static_cast<std::uint32_t>(count);
  Errc error = Errc::kInval;
  const int why = call.object->during_call([&](Box& box) {
    if (op == 0) error = box.pin(Pfn{pfn}, n);
    if (op == 1) error = box.pin_referenced(Pfn{pfn}, n);
    if (op == 2) error = box.unpin(Pfn{pfn}, n);
    if (op == 3) error = box.get(Pfn{pfn}, n);
    if (op == 4) error = box.put(Pfn{pfn}, n);
  });
  return why != 0 ? status(env, why) : status(env, error);
}

}  // namespace

napi_value batch(napi_env env, napi_callback_info info);  // box_batch.cpp

void bind_pins(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box) {
  void* memory = nullptr;
  napi_value buffer = nullptr, slot = nullptr;
  if (napi_create_arraybuffer(js.env(), sizeof(double), &memory, &buffer) != napi_ok) return;
  napi_create_typedarray(js.env(), napi_float64_array, 1, buffer, 0, &slot);
  box->set_slot(static_cast<const double*>(memory));
  js.set(to, "slot", slot);
  const struct {
    const char* name;
    napi_callback function;
  } of_slot[] = {
      {"pin", pin}, {"pinReferenced", pin_referenced}, {"unpin", unpin}, {"get", get},
      {"put", put}, {"maybePinned", maybe_pinned},     {"pins", pins},
  };
  // Each function keeps the slot alive: what can be called can be read.
  for (const auto& each : of_slot)
    if (napi_value function = add_bound(js, to, each.name, each.function, box); function != nullptr)
      js.set(function, "slot", slot);
  add_bound(js, to, "pinCount", pin_count, box);
  add_bound(js, to, "batch", batch, box);
}

}  // namespace pagebox::addon
