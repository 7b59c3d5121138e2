// Single pins and references: the hot calls. A success returns nothing.
#include "addon/box_object.h"
#include "addon/env_data.h"
#include "addon/page_slot.h"

namespace pagebox::addon {

namespace {

const PageSlot& slot_of(napi_env env, napi_callback_info info) {
  if (near_page_slot.env == env) [[likely]]
    return *near_page_slot.slot;
  return bound_object<PageSlot>(env, info);
}

template <class Op>
napi_value on_page(napi_env env, napi_callback_info info, Op op) {
  const PageSlot& slot = slot_of(env, info);
  BoxObject* object = slot.box();
  if (object == nullptr) return status(env, kClosedBox);
  const Pfn pfn = slot.page();
  if (!object->is_page(pfn)) return status(env, kBadFirst);
  Errc error = Errc::kOk;
  if (const int why = object->during_call([&](Box& box) { error = op(box, pfn); }))
    return status(env, why);
  return status(env, error);
}

/// Queries read atomics only: a race may go on under them.
template <class Query>
napi_value ask_page(napi_env env, napi_callback_info info, Query query) {
  const PageSlot& slot = slot_of(env, info);
  const BoxObject* object = slot.box();
  if (object == nullptr) return status(env, kClosedBox);
  const Pfn pfn = slot.page();
  if (!object->is_page(pfn)) return status(env, kBadFirst);
  return object->open() ? query(object->box(), pfn) : status(env, kClosedBox);
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
  return ask_page(env, info, [env](const Box& box, Pfn pfn) {
    const Result<bool> answer = box.maybe_pinned(pfn);
    return answer ? JsValues(env).boolean(answer.value) : status(env, answer.error);
  });
}

napi_value pins(napi_env env, napi_callback_info info) {
  return ask_page(env, info, [env](const Box& box, Pfn pfn) {
    const Result<PinCount> count = box.pins(pfn);
    if (!count) return status(env, count.error);
    const JsValues js(env);
    return JsObject(js)
        .number("pins", count.value.pins)
        .boolean("exact", count.value.exact)
        .value();
  });
}

/// (pfn, count): several at once.
template <class Op>
napi_value counted(napi_env env, napi_callback_info info, Op op) {
  BoundCall<BoxObject, 2> call(env, info);
  std::uint64_t pfn = 0;
  double count = 0;
  if (!call.object->read_pfn(env, call.args[0], pfn)) return status(env, kBadFirst);
  if (napi_get_value_double(env, call.args[1], &count) != napi_ok || !(count >= 1) ||
      count > static_cast<double>(kRefcountMax) || count != std::floor(count))
    return status(env, kBadSecond);
  const auto n = static_cast<std::uint32_t>(count);
  Errc error = Errc::kInval;
  const int why = call.object->during_call([&](Box& box) { error = op(box, Pfn{pfn}, n); });
  return why != 0 ? status(env, why) : status(env, error);
}

napi_value pin_times(napi_env env, napi_callback_info info) {
  return counted(env, info, [](Box& box, Pfn pfn, std::uint32_t n) { return box.pin(pfn, n); });
}
napi_value pin_referenced_times(napi_env env, napi_callback_info info) {
  return counted(env, info,
                 [](Box& box, Pfn pfn, std::uint32_t n) { return box.pin_referenced(pfn, n); });
}
napi_value unpin_times(napi_env env, napi_callback_info info) {
  return counted(env, info, [](Box& box, Pfn pfn, std::uint32_t n) { return box.unpin(pfn, n); });
}
napi_value get_times(napi_env env, napi_callback_info info) {
  return counted(env, info, [](Box& box, Pfn pfn, std::uint32_t n) { return box.get(pfn, n); });
}
napi_value put_times(napi_env env, napi_callback_info info) {
  return counted(env, info, [](Box& box, Pfn pfn, std::uint32_t n) { return box.put(pfn, n); });
}

}  // namespace

void bind_pins(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box) {
  js.set(to, "number", js.number(box->number()));
  add_bound(js, to, "pinTimes", pin_times, box);
  add_bound(js, to, "pinReferencedTimes", pin_referenced_times, box);
  add_bound(js, to, "unpinTimes", unpin_times, box);
  add_bound(js, to, "getTimes", get_times, box);
  add_bound(js, to, "putTimes", put_times, box);
}

napi_value page_calls(napi_env env) {
  EnvData* data = EnvData::of(env);
  const JsValues js(env);
  napi_value calls = js.object();
  void* memory = nullptr;
  napi_value buffer = nullptr, slot = nullptr;
  if (data == nullptr || napi_create_arraybuffer(env, PageSlot::kWords * sizeof(std::uint32_t),
                                                 &memory, &buffer) != napi_ok)
    return calls;
  napi_create_typedarray(env, napi_uint32_array, PageSlot::kWords, buffer, 0, &slot);
  data->page_slot()->set_words(static_cast<const std::uint32_t*>(memory));
  data->keep_slot_near(env);
  js.set(calls, "slot", slot);
  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {
      {"pin", pin}, {"pinReferenced", pin_referenced}, {"unpin", unpin}, {"get", get},
      {"put", put}, {"maybePinned", maybe_pinned},     {"pins", pins},
  };
  // Each function keeps the slot alive: what can be called can be read.
  for (const auto& each : functions)
    if (napi_value function = add_bound(js, calls, each.name, each.function, data->page_slot());
        function != nullptr)
      js.set(function, "slot", slot);
  return calls;
}

}  // namespace pagebox::addon
