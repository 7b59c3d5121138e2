// A box as one environment holds it.
#pragma once

#include <node_api.h>

#include <cmath>
#include <memory>
#include <vector>

#include "addon/bound.h"
#include "addon/env_data.h"
#include "addon/shared_box.h"
#include "addon/status.h"
#include "addon/told_memory.h"
#include "engine/box/box.h"
#include "engine/box/box_machine.h"

namespace pagebox::addon {

class Job;

class BoxObject : public EnvResource {
 public:
  BoxObject(napi_env env, std::shared_ptr<SharedBox> shared, std::shared_ptr<PageSlot> slot)
      : env_(env),
        slot_(std::move(slot)),
        shared_(std::move(shared)),
        handle_(std::make_unique<BoxHandle>(shared_->box)),
        pages_(shared_->box->settings().pages),
        number_(slot_->add(this)) {
    tell_memory();
  }
  /// A handle that is collected takes no race with it: whoever awaits one wants its result.
  ~BoxObject() override {
    end();
    slot_->remove(number_);
  }

  bool open() const { return handle_ != nullptr; }
  Box& box() const { return handle_->box(); }
  const std::shared_ptr<SharedBox>& shared() const { return shared_; }
  std::uint64_t pages() const { return pages_; }
  /// Whose are the address spaces, pins and files that this handle makes.
  unsigned user() const { return handle_->index(); }
  /// By which calls on single pages name this box.
  unsigned number() const { return number_; }
  /// What end() found open.
  const LeftOver& left() const { return left_; }

  void add_job(const std::shared_ptr<Job>& job);
  /// Tells what this handle has started to stop. Nobody waits for it.
  void stop() override;
  /// Lets go of the box; whoever has it for itself meanwhile ends what is left.
  void end() override;

  bool is_page(Pfn pfn) const { return pfn.value < pages_ || pfn.value < pfn_limit(); }
  /// Above those of the box and of its devices.
  std::uint64_t pfn_limit() const {
    return handle_ != nullptr ? handle_->box().pfn_limit() : pages_;
  }
  /// Only numbers that name a page of this box; runs no code of the value.
  bool read_pfn(napi_env env, napi_value value, std::uint64_t& pfn) const {
    double number = 0;
    if (napi_get_value_double(env, value, &number) != napi_ok ||
        !(number >= 0 && number <= kMostPages))
      return false;
    pfn = static_cast<std::uint64_t>(number);
    return static_cast<double>(pfn) == number && is_page(Pfn{pfn});
  }

  /// Behind calls that may have taken memory: V8 is told, not at each of them.
  void tell_memory() {
    constexpr unsigned kEvery = 64;
    if (handle_ == nullptr || calls_++ % kEvery != 0) return;
    if (const BoxCall call(*handle_); call) memory_.tell(env_, box().held_bytes());
  }

  /// Runs `body` as a call on the open box, and returns 0 or why it could not. Audits of
  /// other threads are waited for, a race is not.
  template <class Body>
  int during_call(Body body) {
    if (handle_ == nullptr) return kClosedBox;
    for (;;) {
      Errc error = Errc::kOk;
      {
        const BoxCall call(*handle_);
        if (call) [[likely]] {
          body(handle_->box());
          return 0;
        }
        error = call.error();
      }
      if (const int why = wait_out(error)) return why;
    }
  }
  /// The same with the box for itself.
  template <class Body>
  int exclusively(Body body) {
    if (handle_ == nullptr) return kClosedBox;
    for (;;) {
      const Errc error = handle_->box().gate().begin_exclusive();
      if (error == Errc::kOk) break;
      if (const int why = wait_out(error)) return why;
    }
    body(handle_->box());
    handle_->box().gate().end_exclusive();
    return 0;
  }

 private:
  /// The box was not to be had: 0 behind a pause, after which one may try again, or why not.
  int wait_out(Errc error) const;

  /// A double holds each number up to here.
  static constexpr double kMostPages = 0x1p53;

  napi_env env_;
  const std::shared_ptr<PageSlot> slot_;
  std::shared_ptr<SharedBox> shared_;
  std::unique_ptr<BoxHandle> handle_;
  LeftOver left_;
  ToldMemory memory_;
  unsigned calls_ = 0;
  std::uint64_t pages_;
  const unsigned number_;
  std::vector<std::weak_ptr<Job>> jobs_;
};

/// The JavaScript object of a box. Null with an exception pending: no memory.
napi_value box_value(napi_env env, const std::shared_ptr<BoxObject>& box);
/// The box behind such an object, if it is one: other objects have no type tag of ours.
std::shared_ptr<BoxObject> box_of(napi_env env, napi_value value);

/// A layout, a scheme and the rest of a box's settings. False: not as TypeScript makes them.
bool read_box_settings(napi_env env, napi_value value, BoxSettings& out);

// Functions of the box object, by subject.
void bind_pins(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box);
void bind_batches(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box);
void bind_pages(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box);
void bind_direct_window(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box);
void bind_mm(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box);
void bind_mm_access(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box);
void bind_held_pages(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box);
void bind_files(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box);
void bind_devices(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box);
void bind_dax(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box);

// Functions of the addon.
/// The calls on single pages, and the slot that tells them which page of which box.
napi_value page_calls(napi_env env);
napi_value create_box(napi_env env, napi_callback_info info);
napi_value attach_box(napi_env env, napi_callback_info info);

}  // namespace pagebox::addon
