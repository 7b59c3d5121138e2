// Many pins or unpins in one call.
#include <algorithm>
#include <span>

#include "addon/box_object.h"

namespace pagebox::addon {

namespace {

/// Empty, and false, for what is no typed array of that kind; a detached one is empty.
template <class Element>
bool read_array(napi_env env, napi_value value, napi_typedarray_type wanted,
                std::span<Element>& out) {
  napi_typedarray_type kind = napi_int8_array;
  std::size_t length = 0;
  void* data = nullptr;
  bool is_array = false;
  if (napi_is_typedarray(env, value, &is_array) != napi_ok || !is_array ||
      napi_get_typedarray_info(env, value, &kind, &length, &data, nullptr, nullptr) != napi_ok ||
      kind != wanted)
    return false;
  out = {static_cast<Element*>(data), data == nullptr ? 0 : length};
  return true;
}

bool is_undefined(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  return type == napi_undefined;
}

/// Nothing: all of them. `{ done }`: how many. Or what failed first, and why.
napi_value outcome(const JsValues& js, const PinBatch& batch, const BatchResult& result) {
  const bool is_bad = result.first_error == Errc::kRange || result.first_error == Errc::kInval;
  if (result.failed != 0 && (batch.errors.empty() || is_bad)) {
    const int why = result.first_error == Errc::kRange   ? +kBadFirst
                    : result.first_error == Errc::kInval ? +kBadSecond
                                                         : static_cast<int>(result.first_error);
    return JsObject(js).number("index", result.first_failed).number("status", why).value();
  }
  return result.done == batch.pfns.size() ? nullptr
                                          : JsObject(js).number("done", result.done).value();
}

/// (pfns, counts, errors)
template <class Many>
napi_value batch(napi_env env, napi_callback_info info, Many many) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<BoxObject, 3> call(env, info);
    PinBatch batch;
    if (!read_array(env, call.args[0], napi_uint32_array, batch.pfns))
      return status(env, kBadFirst);
    const bool has_counts = !is_undefined(env, call.args[1]);
    const bool has_errors = !is_undefined(env, call.args[2]);
    if ((has_counts && !read_array(env, call.args[1], napi_uint32_array, batch.counts)) ||
        (has_errors && !read_array(env, call.args[2], napi_int32_array, batch.errors)) ||
        (has_counts && batch.counts.size() != batch.pfns.size()) ||
        (has_errors && batch.errors.size() != batch.pfns.size()))
      return status(env, kBadSecond);
    BatchResult result;
    if (const int why = call.object->during_call([&](Box& box) { result = many(box, batch); }))
      return status(env, why);
    return outcome(JsValues(env), batch, result);
  });
}

napi_value pin_many(napi_env env, napi_callback_info info) {
  return batch(env, info, [](Box& box, const PinBatch& pins) { return box.pin_many(pins); });
}
napi_value unpin_many(napi_env env, napi_callback_info info) {
  return batch(env, info, [](Box& box, const PinBatch& pins) { return box.unpin_many(pins); });
}

}  // namespace

void bind_batches(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box) {
  add_bound(js, to, "pinMany", pin_many, box);
  add_bound(js, to, "unpinMany", unpin_many, box);
}

}  // namespace pagebox::addon
