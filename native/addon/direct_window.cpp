// Descriptors as memory of JavaScript: an external ArrayBuffer.
//
// What keeps the box is the buffer's backing store, not the object that JavaScript got:
// a store that was transferred (`buffer.transfer()`, then perhaps to another worker)
// calls its finalizer when the last buffer on it is gone. But an environment that goes
// calls it, too, whoever has the store then, and after detaching the buffer itself: the
// one way in which memory could be unmapped that somebody still reaches. So something
// has to look at the buffer before that. Environments finalize from the last buffer to
// the first, and cleanup hooks come later: a second small buffer, made right after the
// window, does it. If the window still has its memory, nobody else can have it. If not,
// or if nothing has looked, the box stays for good.
#include <array>
#include <memory>

#include "addon/box_object.h"

namespace pagebox::addon {

namespace {

class DirectWindow {
 public:
  explicit DirectWindow(std::shared_ptr<Box> box) : box_(std::move(box)) {}

  /// Null: the engine allows no external memory; a pending exception is its own.
  static napi_value create(napi_env env, std::shared_ptr<Box> box, std::byte* at,
                           std::size_t bytes) {
    auto window = std::make_unique<DirectWindow>(std::move(box));
    napi_value buffer = nullptr;
    if (napi_create_external_arraybuffer(env, at, bytes, &DirectWindow::release, window.get(),
                                         &buffer) != napi_ok)
      return nullptr;
    DirectWindow* made = window.release();
    made->watch(env, buffer);
    return buffer;
  }

 private:
  /// The second buffer. It lives as long as the window, or until the environment goes.
  struct Watcher {
    std::array<std::byte, 8> memory{};
    DirectWindow* window = nullptr;
  };

  void watch(napi_env env, napi_value buffer) {
    if (napi_create_reference(env, buffer, 0, &buffer_) != napi_ok) return;
    auto watcher = std::make_unique<Watcher>();
    napi_value watching = nullptr;
    if (napi_create_external_arraybuffer(env, watcher->memory.data(), watcher->memory.size(),
                                         &DirectWindow::look, watcher.get(), &watching) != napi_ok)
      return;
    watcher_ = watcher.release();
    watcher_->window = this;
    if (napi_create_reference(env, watching, 1, &watching_) != napi_ok) watching_ = nullptr;
  }

  static void look(napi_env env, void*, void* self) {
    const std::unique_ptr<Watcher> watcher(static_cast<Watcher*>(self));
    if (watcher->window == nullptr) return;
    watcher->window->watcher_ = nullptr;
    if (!can_run_js(env)) watcher->window->has_its_memory_ = watcher->window->has_its_memory(env);
  }

  bool has_its_memory(napi_env env) const {
    napi_value buffer = nullptr;
    bool detached = true;
    return napi_get_reference_value(env, buffer_, &buffer) == napi_ok && buffer != nullptr &&
           napi_is_detached_arraybuffer(env, buffer, &detached) == napi_ok && !detached;
  }

  /// The store is free, or the environment is going.
  static void release(napi_env env, void*, void* self) {
    const std::unique_ptr<DirectWindow> window(static_cast<DirectWindow*>(self));
    if (!can_run_js(env) && !window->has_its_memory_)
      (void)new std::shared_ptr<Box>(std::move(window->box_));
    if (window->watcher_ != nullptr) window->watcher_->window = nullptr;
    for (napi_ref each : {window->buffer_, window->watching_})
      if (each != nullptr) napi_delete_reference(env, each);
  }

  std::shared_ptr<Box> box_;
  napi_ref buffer_ = nullptr;    // weak
  napi_ref watching_ = nullptr;  // strong, to the second buffer
  Watcher* watcher_ = nullptr;
  bool has_its_memory_ = false;  // when the environment went
};

/// (offset, bytes) in the array of descriptors
napi_value window(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    BoundCall<BoxObject, 2> call(env, info);
    if (!call.object->open()) return status(env, kClosedBox);
    Box& box = call.object->box();
    const double all =
        static_cast<double>(box.memmap().capacity()) * box.memmap().shape().stride_bytes;
    double offset = -1, bytes = -1;
    napi_get_value_double(env, call.args[0], &offset);
    napi_get_value_double(env, call.args[1], &bytes);
    if (!(offset >= 0 && offset <= all)) return status(env, kBadFirst);
    if (!(bytes > 0 && bytes <= all - offset)) return status(env, kBadSecond);
    napi_value buffer = DirectWindow::create(env, call.object->shared()->box,
                                             box.memmap().base() + static_cast<std::size_t>(offset),
                                             static_cast<std::size_t>(bytes));
    return buffer != nullptr ? buffer : status(env, Errc::kOpNotSupp);
  });
}

}  // namespace

void bind_direct_window(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box) {
  add_bound(js, to, "window", window, box);
}

}  // namespace pagebox::addon
