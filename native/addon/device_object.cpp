// Devices of a box's machine.
#include <algorithm>

#include "addon/codes.h"
#include "addon/machine_call.h"
#include "addon/names.h"
#include "page/needs.h"

namespace pagebox::addon {

namespace {

napi_value holders_value(const JsValues& js, const std::vector<PageHolder>& holders) {
  return js.list(holders, [&](const PageHolder& each) {
    return JsObject(js)
        .number("pfn", each.pfn.value)
        .number("refcount", each.refcount)
        .number("mapcount", each.mapcount)
        .boolean("maybePinned", each.maybe_pinned)
        .value();
  });
}

/// Nothing, or the status and who holds pages.
napi_value refusal_value(const JsValues& js, Errc error, const BoxDevice* device) {
  if (error == Errc::kOk) return nullptr;
  return JsObject(js)
      .number("status", static_cast<int>(error))
      .set("holders",
           holders_value(js, device == nullptr ? std::vector<PageHolder>() : device->holders()))
      .value();
}

std::string_view type_name(const BoxDevice& device) {
  if (device.mirror != nullptr) return info(device.mirror->memory()).name;
  if (device.dax != nullptr) return kDaxKindNames[static_cast<unsigned>(device.dax->kind())];
  return kP2pdmaName;
}

napi_value device_value(const JsValues& js, ObjectId id, const BoxDevice& each) {
  return JsObject(js)
      .number("id", id)
      .text("name", each.name)
      .text("type", type_name(each))
      .number("firstPfn", each.first.value)
      .number("pages", each.pages)
      .value();
}

Result<ObjectId> add(BoxMachine& machine, const std::string& type, std::uint64_t pages,
                     const std::string& name) {
  if (type == kP2pdmaName) return machine.add_p2pdma(pages, name);
  if (const int kind = index_of(kDaxKindNames, type); kind >= 0)
    return machine.add_dax(static_cast<DaxKind>(kind), pages, name);
  const auto row = std::ranges::find(kDeviceMemoryTable, type, &DeviceMemoryInfo::name);
  if (row == kDeviceMemoryTable.end()) return Errc::kInval;
  const auto memory = static_cast<DeviceMemory>(row - kDeviceMemoryTable.begin());
  return machine.add_device(memory, pages, name);
}

/// Pages that the device could hand out.
std::uint64_t free_pages(const BoxDevice& device) {
  if (device.mirror != nullptr) return device.pages - device.mirror->pages_in_use();
  return device.dax != nullptr ? device.dax->free_blocks() : device.p2pdma->free_pages();
}

/// (type, pages, name) -> the device
napi_value add_device(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<3> call(env, info);
    const std::string type = call.text(0);
    const std::uint64_t pages = call.number(1);
    const std::string name = call.text(2);
    return call.run_exclusively([&](BoxMachine& machine, unsigned) {
      const auto made = add(machine, type, pages, name);
      if (made.error == Errc::kRefused)
        if (const std::string lack =
                layout_lacks(machine.machine().memmap.layout(), LayoutUse::kDevices);
            !lack.empty())
          return failure(env, made.error, lack);
      if (!made) return call.status(made.error);
      return device_value(call.js, made.value, machine.devices().at(made.value));
    });
  });
}

napi_value list_devices(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<0> call(env, info);
    return call.run([&](BoxMachine& machine, unsigned) {
      return call.js.list(machine.devices(), [&](const auto& each) {
        return device_value(call.js, each.first, each.second);
      });
    });
  });
}

napi_value remove_device(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<1> call(env, info);
    const std::uint64_t id = call.number(0);
    return call.run_exclusively([&](BoxMachine& machine, unsigned user) {
      const Errc error = machine.remove_device(user, id);
      return refusal_value(call.js, error, machine.device(id));
    });
  });
}

/// Runs body(machine, cpu, device) on a mirror device that is there.
template <class Call, class Body>
napi_value on_device(Call& call, std::uint64_t id, Body body) {
  return call.run([&](BoxMachine& machine, unsigned user) {
    MirrorDevice* device = machine.mirror_device(id);
    return device == nullptr ? call.status(Errc::kNoDev)
                             : body(machine, machine.cpu(user), *device);
  });
}

napi_value release(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<1> call(env, info);
    const std::uint64_t id = call.number(0);
    return on_device(call, id, [&](BoxMachine& machine, Cpu& cpu, MirrorDevice& device) {
      const Errc error = device.release(cpu);
      return refusal_value(call.js, error, machine.device(id));
    });
  });
}

napi_value device_state(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<1> call(env, info);
    const std::uint64_t id = call.number(0);
    return call.run([&](BoxMachine& machine, unsigned) {
      const BoxDevice* device = machine.device(id);
      if (device == nullptr) return call.status(Errc::kNoDev);
      return JsObject(call.js)
          .number("freePages", free_pages(*device))
          .set("holders", holders_value(call.js, device->holders()))
          .value();
    });
  });
}

/// Runs body(cpu, mirror) on the address space's handle, opened if it is not.
template <class Call, class Body>
napi_value on_mirror(Call& call, std::uint64_t device, std::uint64_t mm_id, Body body) {
  return on_device(call, device, [&](BoxMachine& machine, Cpu& cpu, MirrorDevice&) {
    BoxMm* mm = machine.mm(mm_id);
    if (mm == nullptr) return call.status(Errc::kBadF);
    Mirror* mirror = machine.open_device(*mm, device);
    return mirror == nullptr ? call.status(Errc::kNoMem) : body(cpu, *mirror);
  });
}

napi_value open_device(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<2> call(env, info);
    const std::uint64_t device = call.number(0), mm = call.number(1);
    return on_mirror(call, device, mm, [&](Cpu&, Mirror&) { return call.status(Errc::kOk); });
  });
}

napi_value close_device(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<2> call(env, info);
    const std::uint64_t device = call.number(0), mm_id = call.number(1);
    return call.run([&](BoxMachine& machine, unsigned user) {
      BoxMm* mm = machine.mm(mm_id);
      return call.status(mm == nullptr ? Errc::kBadF : machine.close_device(user, *mm, device));
    });
  });
}

napi_value device_is_open(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<2> call(env, info);
    const std::uint64_t device = call.number(0), mm_id = call.number(1);
    return call.run([&](BoxMachine& machine, unsigned) {
      const BoxMm* mm = machine.mm(mm_id);
      return call.js.boolean(mm != nullptr && mm->mirrors.contains(device));
    });
  });
}

enum class DeviceIo : std::uint8_t { kRead, kWrite, kToDevice, kToSystem, kExclusive, kSnapshot };

/// Pages of the range that the device's own memory holds now.
std::uint64_t local_pages(Cpu& cpu, Mirror& mirror, std::uint64_t address, std::uint64_t pages) {
  std::vector<std::uint8_t> codes(pages);
  if (mirror.snapshot(cpu, address, codes) != Errc::kOk) return 0;
  return static_cast<std::uint64_t>(std::ranges::count_if(codes, [](std::uint8_t code) {
    const unsigned where = code & 0xf0U;
    return code != MirrorProt::kError &&
           (where == MirrorProt::kPrivateLocal || where == MirrorProt::kCoherentLocal);
  }));
}

/// (device, mm, address, pages, bytes) -> { status, pages, faults, moved }
template <DeviceIo kHow>
napi_value device_io(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<5> call(env, info);
    const std::uint64_t device = call.number(0), mm = call.number(1), address = call.word(2),
                        pages = call.number(3);
    const auto bytes = call.bytes(4);
    return on_mirror(call, device, mm, [&](Cpu& cpu, Mirror& mirror) {
      if (pages > kMostHeldPages) return call.status(Errc::kInval);
      MirrorResult result{Errc::kInval};
      std::uint64_t moved = 0;
      switch (kHow) {
        case DeviceIo::kRead: result = mirror.read(cpu, address, pages, bytes); break;
        case DeviceIo::kWrite: result = mirror.write(cpu, address, pages, bytes); break;
        case DeviceIo::kToDevice:
          result = mirror.migrate_to_device(cpu, address, pages, bytes);
          if (result.error != Errc::kOk) moved = local_pages(cpu, mirror, address, pages);
          break;
        case DeviceIo::kToSystem: result = mirror.migrate_to_system(cpu, address, pages); break;
        case DeviceIo::kExclusive: result = mirror.exclusive(cpu, address, pages, bytes); break;
        case DeviceIo::kSnapshot: {
          const std::span codes(reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size());
          if (codes.size() < pages) break;
          result.error = mirror.snapshot(cpu, address, codes.first(pages));
          result.cpages = pages;
          break;
        }
      }
      return JsObject(call.js)
          .number("status", static_cast<int>(result.error))
          .number("pages", result.cpages)
          .number("faults", result.faults)
          .number("moved", moved)
          .value();
    });
  });
}

napi_value check_exclusive(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    MachineCall<4> call(env, info);
    const std::uint64_t device = call.number(0), mm = call.number(1), address = call.word(2),
                        pages = call.number(3);
    return on_mirror(call, device, mm, [&](Cpu&, Mirror& mirror) {
      return call.status(mirror.check_exclusive(address, pages));
    });
  });
}

}  // namespace

void bind_devices(const JsValues& js, napi_value to, const std::shared_ptr<BoxObject>& box) {
  add_bound(js, to, "addDevice", add_device, box);
  add_bound(js, to, "listDevices", list_devices, box);
  add_bound(js, to, "removeDevice", remove_device, box);
  add_bound(js, to, "releaseDevice", release, box);
  add_bound(js, to, "deviceState", device_state, box);
  add_bound(js, to, "openDevice", open_device, box);
  add_bound(js, to, "closeDevice", close_device, box);
  add_bound(js, to, "deviceIsOpen", device_is_open, box);
  add_bound(js, to, "deviceRead", device_io<DeviceIo::kRead>, box);
  add_bound(js, to, "deviceWrite", device_io<DeviceIo::kWrite>, box);
  add_bound(js, to, "migrateToDevice", device_io<DeviceIo::kToDevice>, box);
  add_bound(js, to, "migrateToSystem", device_io<DeviceIo::kToSystem>, box);
  add_bound(js, to, "deviceExclusive", device_io<DeviceIo::kExclusive>, box);
  add_bound(js, to, "deviceSnapshot", device_io<DeviceIo::kSnapshot>, box);
  add_bound(js, to, "checkExclusive", check_exclusive, box);
}

}  // namespace pagebox::addon
