#include "zone_device/dax_device.h"

#include <algorithm>

#include "mm/file/files.h"
#include "mm/zap.h"
#include "zone_device/dax_file.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

DeviceMemory memory_of(DaxKind kind) {
  return kind == DaxKind::kDevdax ? DeviceMemory::kGeneric : DeviceMemory::kFsdax;
}

}  // namespace

DaxDevice::DaxDevice(Machine& machine, const DaxDeviceOptions& options)
    : machine_(machine),
      options_(options),
      range_(machine, memory_of(options.kind), options.first, options.pages, options.index, this,
             *this) {}

Errc DaxDevice::create(Machine& machine, const DaxDeviceOptions& options,
                       std::unique_ptr<DaxDevice>& out) {
  std::unique_ptr<DaxDevice> device(new DaxDevice(machine, options));
  if (const Errc error = device->range_.add_frames(); error != Errc::kOk) return error;
  if (device->has_descriptors())
    if (const Errc error = device->range_.pagemap.add(); error != Errc::kOk) return error;
  device->free_ = device->range_.all_free();
  out = std::move(device);
  return Errc::kOk;
}

DaxDevice::~DaxDevice() = default;

Result<DaxFile*> DaxDevice::create_file(Cpu& cpu, std::uint64_t pages) {
  if (is_removed()) return Errc::kNoDev;
  DaxFile* made = nullptr;
  {
    Guard guard(files_lock_);
    if (kind() == DaxKind::kDevdax && !files_.empty()) return Errc::kBusy;
    AddressSpace* space = machine_.files.alloc();
    if (space == nullptr) return Errc::kNoMem;
    files_.push_back(std::make_unique<DaxFile>(*this, *space));
    made = files_.back().get();
    space->kind = FileKind::kDriver;
    space->driver = made;
    space->users.store(1);
  }
  const std::uint64_t wanted = kind() == DaxKind::kDevdax ? options_.pages : pages;
  Errc error = Errc::kOk;
  {
    Guard guard(made->invalidate_lock_);
    error = made->grow(wanted);
  }
  if (error != Errc::kOk) {
    put_file(cpu, made->space());
    return error;
  }
  return made;
}

Errc DaxDevice::alloc_blocks(std::uint64_t count, std::vector<Pfn>& out) {
  Guard guard(blocks_lock_);
  if (is_removed()) return Errc::kNoDev;
  for (auto at = free_.end(); at != free_.begin() && out.size() < count;) {
    --at;
    // A file that was dropped leaves blocks to whoever pinned them, until they let go.
    if (waits_for_dma() && machine_.page(*at).refcount() > 1) continue;
    out.push_back(*at);
    at = free_.erase(at);
  }
  if (out.size() == count) return Errc::kOk;
  free_.append(out.rbegin(), out.rend());
  out.clear();
  return Errc::kNoSpc;
}

void DaxDevice::free_blocks(std::span<const Pfn> blocks) {
  Guard guard(blocks_lock_);
  if (!is_removed()) free_.append(blocks.rbegin(), blocks.rend());
}

void DaxDevice::drop(DaxFile& file) {
  Guard guard(files_lock_);
  // Nobody maps it: its last user is gone.
  file.shrink(0);
  files_.erase_if([&](const auto& each) { return each.get() == &file; });
}

std::uint64_t DaxDevice::free_blocks() const {
  Guard guard(blocks_lock_);
  return free_.size();
}

bool DaxDevice::has_files() const {
  Guard guard(files_lock_);
  return !files_.empty();
}

std::vector<PageHolder> DaxDevice::holders() const {
  return has_descriptors() ? pagemap().holders() : std::vector<PageHolder>{};
}

Errc DaxDevice::remove(Cpu& cpu) {
  Guard guard(files_lock_);
  if (is_removed()) return Errc::kNoDev;
  for (const auto& file : files_) file->invalidate_lock_.lock();
  for (const auto& file : files_) unmap_mapping_pages(cpu, file->space(), 0, ~0ULL >> 1, false);
  Errc error = Errc::kOk;
  if (has_descriptors()) {
    range_.pagemap.kill();
    error = range_.pagemap.try_remove();
  }
  if (error == Errc::kOk) {
    Guard blocks(blocks_lock_);
    removed_.store(1);
    free_.clear();
    for (const auto& file : files_) file->forget();
  }
  for (const auto& file : files_) file->invalidate_lock_.unlock();
  return error;
}

}  // namespace pagebox::inline PAGEBOX_ENV
