// What one environment (the main thread, or one worker) has: native threads that
// work for it and handles on boxes. Node runs cleanup hooks before finalizers,
// and finalizers may run after the environment has begun to go: so the hook ends
// everything that runs, and what a finalizer touches is counted.
#pragma once

#include <node_api.h>

#include <memory>
#include <vector>

#include "addon/page_slot.h"
#include "base/stop_ask.h"

namespace pagebox::addon {

/// Something that an environment must end before it goes. Both calls may come twice.
class EnvResource {
 public:
  virtual ~EnvResource() = default;
  /// Tells its native threads to stop.
  virtual void stop() = 0;
  /// Waits for them, never for those of another environment, and lets go of boxes.
  virtual void end() = 0;
};

/// False: the environment is going, and whoever ends it waits for what runs in it. Cheap
/// enough for every chunk of a long call; for its own thread.
inline bool can_run_js(napi_env env) {
  napi_value global = nullptr;
  bool has = false;
  return napi_get_global(env, &global) == napi_ok &&
         napi_has_named_property(env, global, "Object", &has) == napi_ok;
}
inline StopAsk stop_with(napi_env env) {
  return {
      [](const void* env) { return !can_run_js(static_cast<napi_env>(const_cast<void*>(env))); },
      env};
}

/// The slot of the environment that the OS thread has loaded the addon for last: to ask the engine
/// what their functions are bound to took 2 of the 31 ns of a pin and its unpin.
struct NearPageSlot {
  napi_env env = nullptr;  ///< whose it is; none when that goes
  const PageSlot* slot = nullptr;
};
// The initial-exec model makes the read one instruction in a shared object too.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local NearPageSlot near_page_slot;

class EnvData {
 public:
  ~EnvData();
  /// Of this environment; made at the first call. Null: the environment refuses.
  static EnvData* of(napi_env env);

  void add(const std::shared_ptr<EnvResource>& resource);
  /// Shared: boxes leave it in finalizers, which may come after this.
  const std::shared_ptr<PageSlot>& page_slot() const { return page_slot_; }
  /// Its thread finds the slot without asking from now on.
  void keep_slot_near(napi_env env) { near_page_slot = {env, page_slot_.get()}; }

 private:
  void end_all();
  std::vector<std::weak_ptr<EnvResource>> resources_;
  const std::shared_ptr<PageSlot> page_slot_ = std::make_shared<PageSlot>();
};

}  // namespace pagebox::addon
