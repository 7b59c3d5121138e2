// Calls on what a box's machine has: arguments by place, numbers of objects, and
// the box held while the body runs. TypeScript has checked every argument; what is
// wrong all the same gives the status of a bad first argument and nothing else.
#pragma once

#include <node_api.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>

#include "addon/box_object.h"
#include "addon/js_read.h"
#include "addon/names.h"
#include "engine/scenario/livelock.h"

namespace pagebox::addon {

template <std::size_t kArgs>
class MachineCall {
 public:
  MachineCall(napi_env env, napi_callback_info info) : js(env), env_(env), call_(env, info) {}

  /// A whole number from 0 on.
  std::uint64_t number(std::size_t i) {
    double value = -1;
    if (napi_get_value_double(env_, call_.args[i], &value) != napi_ok || !(value >= 0) ||
        value > 9007199254740991.0 || value != std::floor(value)) {
      bad_ = true;
      return 0;
    }
    return static_cast<std::uint64_t>(value);
  }
  std::uint64_t word(std::size_t i) {
    std::uint64_t value = 0;
    bool lossless = false;
    if (napi_get_value_bigint_uint64(env_, call_.args[i], &value, &lossless) != napi_ok ||
        !lossless)
      bad_ = true;
    return value;
  }
  bool flag(std::size_t i) {
    bool value = false;
    if (napi_get_value_bool(env_, call_.args[i], &value) != napi_ok) bad_ = true;
    return value;
  }
  std::string text(std::size_t i) {
    std::size_t length = 0;
    if (napi_get_value_string_utf8(env_, call_.args[i], nullptr, 0, &length) != napi_ok) {
      bad_ = true;
      return {};
    }
    std::string text(length, '\0');
    napi_get_value_string_utf8(env_, call_.args[i], text.data(), length + 1, &length);
    return text;
  }
  /// The memory of a typed array of this kind; stays while no JavaScript runs.
  template <class Element>
  std::span<Element> array(std::size_t i, napi_typedarray_type wanted) {
    napi_typedarray_type kind = napi_int8_array;
    std::size_t length = 0;
    void* data = nullptr;
    bool is_typed = false;
    napi_is_typedarray(env_, call_.args[i], &is_typed);
    if (!is_typed ||
        napi_get_typedarray_info(env_, call_.args[i], &kind, &length, &data, nullptr, nullptr) !=
            napi_ok ||
        kind != wanted) {
      bad_ = true;
      return {};
    }
    return {static_cast<Element*>(data), data == nullptr ? 0 : length};
  }
  /// An object of requests; finish() says whether it could be read.
  JsRead object_at(std::size_t i) const { return {env_, call_.args[i]}; }
  void finish(const JsRead& read) { bad_ = bad_ || !read.ok(); }
  /// The place of a name in its table.
  template <class Names>
  unsigned one_of(const Names& names, std::size_t i) {
    const int index = index_of(names, text(i));
    if (index < 0) bad_ = true;
    return index < 0 ? 0 : static_cast<unsigned>(index);
  }
  std::span<std::byte> bytes(std::size_t i) { return array<std::byte>(i, napi_uint8_array); }

  napi_value status(int code) const { return addon::status(env_, code); }
  napi_value status(Errc code) const { return addon::status(env_, code); }
  napi_value fault(FaultResult result) const {
    switch (result) {
      case FaultResult::kOk: return nullptr;
      case FaultResult::kSigsegv: return status(kSigsegv);
      case FaultResult::kSigbus: return status(kSigbus);
      case FaultResult::kOom: break;
    }
    return status(Errc::kNoMem);
  }
  /// `{ id }`, or why there is none.
  napi_value id(const Result<ObjectId>& made) const {
    if (!made) return status(made.error);
    return JsObject(js).number("id", made.value).value();
  }

  /// Runs body(machine, user) as a call on the box.
  template <class Body>
  napi_value run(Body body) {
    if (bad_) return status(kBadFirst);
    napi_value result = nullptr;
    // Loops over damaged descriptors end soon: this thread has an event loop.
    CallWatch watch;
    const PatienceScope patience(watch);
    const int why = call_.object->during_call([&](Box& box) {
      BoxMachine* machine = box.machine();
      if (machine == nullptr) {
        result = status(Errc::kBadF);
        return;
      }
      result = body(*machine, call_.object->user());
      machine->settle();
    });
    call_.object->tell_memory();
    if (why != 0) return status(why);
    // Whatever errno the call made of it; what succeeded all the same stays a success.
    return watch.has_found() && is_status(result) ? status(Errc::kLivelock) : result;
  }
  /// The same on an address space.
  template <class Body>
  napi_value run_on_mm(std::uint64_t id, Body body) {
    return run([&](BoxMachine& machine, unsigned user) {
      BoxMm* mm = machine.mm(id);
      return mm == nullptr ? status(Errc::kBadF) : body(machine, machine.cpu(user), *mm);
    });
  }
  /// With the box for itself, and a machine made if there is none.
  template <class Body>
  napi_value run_exclusively(Body body) {
    if (bad_) return status(kBadFirst);
    napi_value result = nullptr;
    const int why = call_.object->exclusively([&](Box& box) {
      std::string reason;
      if (const Errc error = box.ensure_machine(&reason); error != Errc::kOk)
        result = failure(env_, error, reason);
      else
        result = body(*box.machine(), call_.object->user());
    });
    return why != 0 ? status(why) : result;
  }
  BoxObject& object() { return *call_.object; }

  const JsValues js;

 private:
  /// Other handles' calls may go on, so it is not alone.
  struct CallWatch final : LivelockWatch {
    unsigned limit_ms() const override { return 500; }
  };
  bool is_status(napi_value value) const {
    napi_valuetype type = napi_undefined;
    return value != nullptr && napi_typeof(env_, value, &type) == napi_ok && type == napi_number;
  }
  napi_env env_;
  BoundCall<BoxObject, kArgs> call_;
  bool bad_ = false;
};

/// Pfns as a Uint32Array of JavaScript's own.
napi_value pfn_array(napi_env env, std::span<const Pfn> pfns);

}  // namespace pagebox::addon
