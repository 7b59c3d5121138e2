// Devices of a box's machine.
#include <algorithm>

#include "engine/box.h"
#include "engine/box_machine.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

PageType page_type_of(DeviceMemory memory) {
  switch (memory) {
    case DeviceMemory::kPublic: return PageType::kDevicePublicAnon;
    case DeviceMemory::kCoherent: return PageType::kDeviceCoherent;
    default: return PageType::kDevicePrivateAnon;
  }
}

}  // namespace

/// The lowest range behind RAM that no device has.
Result<Pfn> BoxMachine::device_gap(std::uint64_t pages) const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> taken;
  for (const auto& [id, each] : devices_) {
    const std::uint64_t first = each.device->pagemap().first().value;
    taken.emplace_back(first, first + each.device->pages());
  }
  std::ranges::sort(taken);
  std::uint64_t at = machine_.memmap.pages();
  for (const auto& [first, end] : taken) {
    if (first - at >= pages) break;
    at = end;
  }
  if (pages > machine_.memmap.capacity() - at) return Errc::kNoSpc;
  return Pfn{at};
}

Result<ObjectId> BoxMachine::add_device(DeviceMemory memory, std::uint64_t pages,
                                        const std::string& name) {
  if (!machine_.memmap.layout().types.has(page_type_of(memory))) return Errc::kRefused;
  if (devices_.size() >= Machine::kMaxPagemaps) return Errc::kNoSpc;
  if (std::ranges::any_of(devices_, [&](const auto& each) { return each.second.name == name; }))
    return Errc::kExist;
  const auto first = device_gap(pages);
  if (!first) return first.error;
  MirrorDeviceOptions options;
  options.memory = memory;
  options.first = first.value;
  options.pages = pages;
  BoxDevice fresh;
  fresh.name = name;
  const auto has = [&](std::uint64_t nth) {
    return std::ranges::any_of(devices_, [&](const auto& each) { return each.second.nth == nth; });
  };
  while (has(fresh.nth)) ++fresh.nth;
  options.index = fresh.nth;
  if (const Errc error = MirrorDevice::create(machine_, options, fresh.device); error != Errc::kOk)
    return error;
  box_.set_pfn_limit(std::max(box_.pfn_limit(), first.value.value + pages));
  devices_.emplace(next_id_, std::move(fresh));
  return next_id_++;
}

MirrorDevice* BoxMachine::device(ObjectId id) {
  const auto at = devices_.find(id);
  return at == devices_.end() ? nullptr : at->second.device.get();
}

Mirror* BoxMachine::open_device(BoxMm& mm, ObjectId id) {
  const auto at = mm.mirrors.find(id);
  if (at != mm.mirrors.end()) return at->second;
  MirrorDevice* device = this->device(id);
  Mirror* mirror = device == nullptr ? nullptr : device->open(*mm.mm);
  if (mirror != nullptr) mm.mirrors.emplace(id, mirror);
  return mirror;
}

Errc BoxMachine::close_device(unsigned user, BoxMm& mm, ObjectId id) {
  const auto at = mm.mirrors.find(id);
  if (at == mm.mirrors.end()) return Errc::kBadF;
  at->second->close(cpu(user));
  mm.mirrors.erase(at);
  return Errc::kOk;
}

Errc BoxMachine::remove_device(unsigned user, ObjectId id) {
  MirrorDevice* device = this->device(id);
  if (device == nullptr) return Errc::kBadF;
  if (const Errc error = device->release(cpu(user)); error != Errc::kOk) return error;
  for (auto& [other, mm] : mms_) (void)close_device(user, mm, id);
  if (device->is_open()) return Errc::kBusy;  // the device's own memory is mapped somewhere
  devices_.erase(id);
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
