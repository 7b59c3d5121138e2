#include "addon/box_object.h"

#include <sched.h>

#include "addon/behaviour_value.h"
#include "addon/job.h"
#include "addon/js_read.h"
#include "addon/layout_value.h"
#include "addon/names.h"

namespace pagebox::addon {

namespace {

/// Random, so that no other addon and no other version has it.
constexpr napi_type_tag kBoxTag = {0x6f1a0e53b9c24d87, 0x9a70c5e2d4416bf3};

napi_value facts(const JsValues& js, const Box& box) {
  return JsObject(js)
      .number("pages", box.settings().pages)
      .number("devicePages", box.settings().device_pages)
      .boolean("ledger", box.settings().ledger)
      .boolean("frames", box.settings().frames)
      .set("layout", layout_value(js, box.memmap().layout()))
      .set("scheme", scheme_value(js, box.settings().scheme))
      .value();
}

napi_value close(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<BoxObject, 0> call(env, info);
    call.object->stop();
    call.object->end();
    const LeftOver& left = call.object->left();
    const JsValues js(env);
    return JsObject(js)
        .number("mms", left.mms)
        .number("files", left.files)
        .set("pinned", js.list(left.pinned, [&](Pfn pfn) { return js.number(pfn.value); }))
        .value();
  });
}

napi_value token(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<BoxObject, 0> call(env, info);
    if (!call.object->open()) return status(env, kClosedBox);
    return JsValues(env).text(token_of(call.object->shared()));
  });
}

napi_value new_handle(napi_env env, std::shared_ptr<SharedBox> shared) {
  EnvData* data = EnvData::of(env);
  if (data == nullptr) return failure(env, Errc::kNoMem, "the environment is going");
  auto box = std::make_shared<BoxObject>(env, std::move(shared), data->page_slot());
  data->add(box);
  return box_value(env, box);
}

}  // namespace

void BoxObject::add_job(const std::shared_ptr<Job>& job) {
  std::erase_if(jobs_, [](const std::weak_ptr<Job>& each) { return each.expired(); });
  jobs_.push_back(job);
}

void BoxObject::stop() {
  for (const auto& each : jobs_)
    if (const auto job = each.lock()) job->stop();
}

void BoxObject::end() {
  jobs_.clear();
  if (handle_ != nullptr) left_ = handle_->leave();
  handle_.reset();
  shared_.reset();
  memory_.tell(env_, 0);
}

int BoxObject::wait_out(Errc error) const {
  if (error == Errc::kBadF) return kClosedBox;
  if (shared_->racing->load()) return kBusyBox;
  sched_yield();
  return 0;
}

napi_value box_value(napi_env env, const std::shared_ptr<BoxObject>& box) {
  const JsValues js(env);
  napi_value object = js.object();
  auto held = std::make_unique<std::shared_ptr<BoxObject>>(box);
  const auto release = [](napi_env, void* data, void*) {
    delete static_cast<std::shared_ptr<BoxObject>*>(data);
  };
  if (napi_wrap(env, object, held.get(), release, nullptr, nullptr) != napi_ok) return nullptr;
  (void)held.release();
  napi_type_tag_object(env, object, &kBoxTag);
  bind_pins(js, object, box);
  bind_batches(js, object, box);
  bind_pages(js, object, box);
  bind_direct_window(js, object, box);
  bind_mm(js, object, box);
  bind_mm_access(js, object, box);
  bind_held_pages(js, object, box);
  bind_files(js, object, box);
  bind_devices(js, object, box);
  bind_dax(js, object, box);
  add_bound(js, object, "token", token, box);
  add_bound(js, object, "close", close, box);
  js.set(object, "facts", facts(js, box->box()));
  return object;
}

std::shared_ptr<BoxObject> box_of(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  bool tagged = false;
  void* data = nullptr;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_object ||
      napi_check_object_type_tag(env, value, &kBoxTag, &tagged) != napi_ok || !tagged ||
      napi_unwrap(env, value, &data) != napi_ok)
    return nullptr;
  return *static_cast<std::shared_ptr<BoxObject>*>(data);
}

bool read_box_settings(napi_env env, napi_value value, BoxSettings& out) {
  JsRead from(env, value);
  out.pages = from.integer("pages", std::uint64_t{1} << 32);
  out.layout = read_layout_ref(from, "layout");
  out.scheme = read_scheme_ref(from, "scheme");
  out.ledger = from.boolean("ledger");
  out.frames = from.boolean("frames");
  out.address_spaces = from.boolean("addressSpaces");
  out.device_pages = from.integer("devicePages", std::uint64_t{1} << 32);
  out.device_pages_optional = from.boolean("devicePagesOptional");
  out.populate_anon = from.boolean("populate");
  out.huge_pages = from.boolean("hugePages");
  out.hugetlb_pages = from.integer("hugetlbPages", std::uint64_t{1} << 23);
  out.shards = static_cast<unsigned>(from.integer("shards", 256));
  out.behaviour = read_behaviour(from);
  return from.ok();
}

napi_value create_box(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const auto [options] = arguments<1>(env, info);
    BoxSettings settings;
    if (!read_box_settings(env, options, settings))
      return failure(env, Errc::kInval, "the settings of a box");
    std::shared_ptr<Box> box;
    std::string reason;
    if (const Errc error = Box::create(settings, box, &reason); error != Errc::kOk)
      return failure(env, error, reason);
    return new_handle(env, std::make_shared<SharedBox>(std::move(box)));
  });
}

napi_value attach_box(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const auto [token] = arguments<1>(env, info);
    std::size_t length = 0;
    char text[64];
    if (napi_get_value_string_utf8(env, token, text, sizeof text, &length) != napi_ok)
      return failure(env, Errc::kInval, "a token is a string");
    auto shared = find_box({text, length});
    if (shared == nullptr) return failure(env, Errc::kNoEnt, "no open box has this token");
    return new_handle(env, std::move(shared));
  });
}

}  // namespace pagebox::addon
