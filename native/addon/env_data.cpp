#include "addon/env_data.h"

#include <algorithm>

namespace pagebox::addon {

[[gnu::tls_model("initial-exec")]] constinit thread_local NearPageSlot near_page_slot;

EnvData::~EnvData() {
  if (near_page_slot.slot == page_slot_.get()) near_page_slot = {};
}

EnvData* EnvData::of(napi_env env) {
  void* data = nullptr;
  if (napi_get_instance_data(env, &data) != napi_ok) return nullptr;
  if (data != nullptr) return static_cast<EnvData*>(data);
  auto made = std::make_unique<EnvData>();
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<EnvData*>(data); };
  if (napi_set_instance_data(env, made.get(), finalize, nullptr) != napi_ok) return nullptr;
  EnvData* result = made.release();
  napi_add_env_cleanup_hook(
      env, [](void* data) { static_cast<EnvData*>(data)->end_all(); }, result);
  return result;
}

void EnvData::add(const std::shared_ptr<EnvResource>& resource) {
  const auto gone = [](const std::weak_ptr<EnvResource>& each) { return each.expired(); };
  resources_.erase(std::remove_if(resources_.begin(), resources_.end(), gone), resources_.end());
  resources_.push_back(resource);
}

void EnvData::end_all() {
  // All are told first, so that they end side by side.
  for (const auto& each : resources_)
    if (const auto resource = each.lock()) resource->stop();
  for (const auto& each : resources_)
    if (const auto resource = each.lock()) resource->end();
}

}  // namespace pagebox::addon
