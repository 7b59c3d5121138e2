// Devices of a box's machine.
#include <algorithm>

#include "engine/box/box.h"
#include "engine/box/box_machine.h"
#include "page/needs.h"

namespace pagebox::inline PAGEBOX_ENV {
std::vector<PageHolder> BoxDevice::holders() const {
  if (mirror != nullptr) return mirror->holders();
  return dax != nullptr ? dax->holders() : p2pdma->holders();
}

void BoxDevice::abandon() {
  if (mirror != nullptr) mirror->abandon();
  if (dax != nullptr) dax->abandon();
  if (p2pdma != nullptr) p2pdma->abandon();
}

/// The lowest range behind RAM that no device has.
Result<Pfn> BoxMachine::device_gap(std::uint64_t pages) const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> taken;
  const auto take = [&](const BoxDevice& each) {
    taken.emplace_back(each.first.value, each.first.value + each.pages);
  };
  for (const auto& [id, each] : devices_) take(each);
  for (const BoxDevice& each : left_) take(each);
  std::ranges::sort(taken);
  std::uint64_t at = machine_.memmap.pages();
  for (const auto& [first, end] : taken) {
    if (first - at >= pages) break;
    at = end;
  }
  if (pages > machine_.memmap.capacity() - at) return Errc::kNoSpc;
  return Pfn{at};
}

/// Removed dax devices go with the last of their files.
void BoxMachine::drop_left_devices() {
  std::erase_if(left_, [](const BoxDevice& each) { return !each.dax->has_files(); });
}

/// A device that is not there yet: its name, pfns and number.
Result<BoxDevice> BoxMachine::place_device(PageType type, std::uint64_t pages,
                                           const std::string& name) {
  if (!machine_.memmap.layout().types.has(type) ||
      !layout_lacks(machine_.memmap.layout(), LayoutUse::kDevices).empty())
    return Errc::kRefused;
  if (devices_.size() >= Machine::kMaxPagemaps) return Errc::kNoSpc;
  if (std::ranges::any_of(devices_, [&](const auto& each) { return each.second.name == name; }))
    return Errc::kExist;
  drop_left_devices();
  const auto first = device_gap(pages);
  if (!first) return first.error;
  BoxDevice fresh;
  fresh.name = name;
  fresh.first = first.value;
  fresh.pages = pages;
  const auto has = [&](std::uint64_t nth) {
    return std::ranges::any_of(devices_, [&](const auto& each) { return each.second.nth == nth; });
  };
  while (has(fresh.nth)) ++fresh.nth;
  return fresh;
}

ObjectId BoxMachine::keep_device(BoxDevice device) {
  box_.set_pfn_limit(std::max(box_.pfn_limit(), device.first.value + device.pages));
  devices_.emplace(next_id_, std::move(device));
  return next_id_++;
}

/// A device whose `options` say all but its place, kept in the member `where`.
template <class Device, class Maker, class Options>
Result<ObjectId> BoxMachine::make_device(PageType type, std::uint64_t pages,
                                         const std::string& name, Maker& maker, Options options,
                                         std::unique_ptr<Device> BoxDevice::* where) {
  auto place = place_device(type, pages, name);
  if (!place) return place.error;
  options.first = place.value.first;
  options.pages = pages;
  options.index = place.value.nth;
  const Errc error = Device::create(maker, options, place.value.*where);
  if (error != Errc::kOk) return error;
  return keep_device(std::move(place.value));
}

Result<ObjectId> BoxMachine::add_device(DeviceMemory memory, std::uint64_t pages,
                                        const std::string& name) {
  MirrorDeviceOptions options;
  options.memory = memory;
  return make_device(info(memory).page, pages, name, machine_, options, &BoxDevice::mirror);
}

Result<ObjectId> BoxMachine::add_dax(DaxKind kind, std::uint64_t pages, const std::string& name) {
  const PageType type = kind == DaxKind::kDevdax ? PageType::kDevdax : PageType::kFsdax;
  DaxDeviceOptions options;
  options.kind = kind;
  return make_device(type, pages, name, machine_, options, &BoxDevice::dax);
}

Result<ObjectId> BoxMachine::add_p2pdma(std::uint64_t pages, const std::string& name) {
  return make_device(PageType::kP2pdma, pages, name, cpu(0), P2pdmaOptions{}, &BoxDevice::p2pdma);
}

const BoxDevice* BoxMachine::device(ObjectId id) const {
  const auto at = devices_.find(id);
  return at == devices_.end() ? nullptr : &at->second;
}

MirrorDevice* BoxMachine::mirror_device(ObjectId id) {
  const BoxDevice* found = device(id);
  return found == nullptr ? nullptr : found->mirror.get();
}

DaxDevice* BoxMachine::dax_device(ObjectId id) {
  const BoxDevice* found = device(id);
  return found == nullptr ? nullptr : found->dax.get();
}

P2pdma* BoxMachine::p2pdma(ObjectId id) {
  const BoxDevice* found = device(id);
  return found == nullptr ? nullptr : found->p2pdma.get();
}

Result<ObjectId> BoxMachine::create_dax_file(unsigned user, ObjectId device, std::uint64_t pages) {
  DaxDevice* dax = dax_device(device);
  if (dax == nullptr) return Errc::kNoDev;
  const auto made = dax->create_file(cpu(user), pages);
  if (!made) return made.error;
  Guard guard(lock_);
  files_.emplace(next_id_, BoxFile{&made.value->space(), nullptr, made.value, user});
  return next_id_++;
}

Mirror* BoxMachine::open_device(BoxMm& mm, ObjectId id) {
  const auto at = mm.mirrors.find(id);
  if (at != mm.mirrors.end()) return at->second;
  MirrorDevice* device = mirror_device(id);
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
  const auto at = devices_.find(id);
  if (at == devices_.end()) return Errc::kBadF;
  BoxDevice& leaving = at->second;
  if (leaving.mirror != nullptr) {
    MirrorDevice& device = *leaving.mirror;
    if (const Errc error = device.release(cpu(user)); error != Errc::kOk) return error;
    for (auto& [other, mm] : mms_) (void)close_device(user, mm, id);
    if (device.is_open()) return Errc::kBusy;  // the device's own memory is mapped somewhere
  } else {
    const Errc error =
        leaving.dax != nullptr ? leaving.dax->remove(cpu(user)) : leaving.p2pdma->remove(cpu(user));
    if (error != Errc::kOk) return error;
    if (leaving.dax != nullptr) left_.push_back(std::move(leaving));
  }
  devices_.erase(at);
  drop_left_devices();
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
