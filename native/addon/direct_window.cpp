// Descriptors as memory of JavaScript: an external ArrayBuffer.
//
// What keeps the box is the buffer's backing store, not the object that JavaScript got:
// a store that was transferred (`buffer.transfer()`, then perhaps to another worker)
// calls its finalizer when the last buffer on it is gone. But an environment that goes
// calls it, too, whoever has the store: the one thing that can unmap memory that
// somebody still reaches. So shortly before, we look at the buffer that we made. It is
// there, with its memory: nobody else can have it. It is detached or gone, and the store
// was not given back: then the box stays for good.
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
    // A weak reference; without it the window counts as moved.
    if (napi_create_reference(env, buffer, 0, &made->buffer_) != napi_ok) made->buffer_ = nullptr;
    // Hooks run from the last to the first: this one before that of the buffer itself.
    made->hooked_ =
        napi_add_env_cleanup_hook(env, &DirectWindow::environment_goes, made) == napi_ok;
    made->env_ = env;
    return buffer;
  }

 private:
  /// The store is free, or the environment is going.
  static void release(napi_env env, void*, void* self) {
    const std::unique_ptr<DirectWindow> window(static_cast<DirectWindow*>(self));
    if (window->buffer_ != nullptr) napi_delete_reference(env, window->buffer_);
    if (window->hooked_) napi_remove_env_cleanup_hook(env, &environment_goes, self);
    if (window->moved_) (void)new std::shared_ptr<Box>(std::move(window->box_));
  }

  static void environment_goes(void* self) {
    auto* window = static_cast<DirectWindow*>(self);
    window->hooked_ = false;
    window->moved_ = !window->has_its_buffer();
  }

  bool has_its_buffer() const {
    napi_handle_scope scope = nullptr;
    if (buffer_ == nullptr || napi_open_handle_scope(env_, &scope) != napi_ok) return false;
    napi_value buffer = nullptr;
    bool detached = true;
    const bool has = napi_get_reference_value(env_, buffer_, &buffer) == napi_ok &&
                     buffer != nullptr &&
                     napi_is_detached_arraybuffer(env_, buffer, &detached) == napi_ok && !detached;
    napi_close_handle_scope(env_, scope);
    return has;
  }

  std::shared_ptr<Box> box_;
  napi_env env_ = nullptr;
  napi_ref buffer_ = nullptr;
  bool hooked_ = false, moved_ = false;
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
    napi_value buffer = DirectWindow::create(
        env, call.object->shared()->box, box.memmap().base() + static_cast<std::size_t>(offset),
        static_cast<std::size_t>(bytes));
    return buffer != nullptr ? buffer : status(env, Errc::kOpNotSupp);
  });
}

}  // namespace

void bind_direct_window(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box) {
  add_bound(js, to, "window", window, box);
}

}  // namespace pagebox::addon
