// Files on dax devices; what they share with other files is file_object.cpp's.
#include "addon/codes.h"
#include "addon/machine_call.h"

namespace pagebox::addon {

namespace {

/// (device, pages) -> { id }
napi_value create_dax_file(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<2> call(env, info);
    const std::uint64_t device = call.number(0), pages = call.number(1);
    return call.run([&](BoxMachine& machine, unsigned user) {
      if (pages > kMostRangePages) return call.status(Errc::kNoSpc);
      return call.id(machine.create_dax_file(user, device, pages));
    });
  });
}

/// Runs body(cpu, file) on an open file of a dax device.
template <class Call, class Body>
napi_value on_dax_file(Call& call, std::uint64_t id, Body body) {
  return call.run([&](BoxMachine& machine, unsigned user) {
    const BoxFile* file = machine.file(id);
    if (file == nullptr) return call.status(Errc::kBadF);
    return file->dax == nullptr ? call.status(Errc::kInval) : body(machine.cpu(user), *file->dax);
  });
}

/// (file, pages) -> nothing, a status, or { pfn } of a block that is in use. Never waits:
/// who would let go may be this very thread.
napi_value truncate_dax(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<2> call(env, info);
    const std::uint64_t id = call.number(0), pages = call.number(1);
    return on_dax_file(call, id, [&](Cpu& cpu, DaxFile& file) {
      if (pages > kMostRangePages) return call.status(Errc::kNoSpc);
      for (;;) {
        const Errc error = file.truncate(cpu, pages, OnBusy::kRefuse);
        if (error != Errc::kBusy) return call.status(error);
        // Let go since: it is free now.
        if (const auto busy = file.layout_busy_page(cpu, pages))
          return JsObject(call.js).number("pfn", busy->value).value();
      }
    });
  });
}

/// (file, first) -> { pfn }, or {} if no block from there on is in use
napi_value busy_page(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<2> call(env, info);
    const std::uint64_t id = call.number(0), first = call.number(1);
    return on_dax_file(call, id, [&](Cpu& cpu, DaxFile& file) {
      const auto busy = file.layout_busy_page(cpu, first);
      JsObject found(call.js);
      if (busy) found.number("pfn", busy->value);
      return found.value();
    });
  });
}

}  // namespace

void bind_dax(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box) {
  add_bound(js, to, "createDaxFile", create_dax_file, box);
  add_bound(js, to, "truncateDaxFile", truncate_dax, box);
  add_bound(js, to, "daxBusyPage", busy_page, box);
}

}  // namespace pagebox::addon
