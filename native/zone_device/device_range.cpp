#include "zone_device/device_range.h"

#include <algorithm>

namespace pagebox::inline PAGEBOX_ENV {

DeviceRange::~DeviceRange() {
  if (pagemap.is_live()) {
    pagemap.kill();
    // Lost references (the run was told) do not keep the range for ever.
    if (pagemap.remove() != Errc::kOk) pagemap.abandon();
  }
  if (has_frames_) machine_.frames.remove_region(pagemap.first());
}

Errc DeviceRange::add_frames() {
  const Pfn first = pagemap.first();
  if (!machine_.memmap.is_device_range(first, pagemap.pages())) return Errc::kInval;
  const Errc error = machine_.frames.add_region(first, pagemap.pages());
  has_frames_ = error == Errc::kOk;
  return error;
}

Result<std::size_t> DeviceRange::take_free(Cpu& cpu, PlainVector<Pfn>& free, std::span<Pfn> out) {
  std::size_t taken = 0;
  std::vector<Pfn> held;
  Errc error = Errc::kOk;
  while (taken < out.size() && !free.empty() && error == Errc::kOk) {
    const std::span<Pfn> next = out.subspan(taken, std::min(out.size() - taken, free.size()));
    std::copy_n(free.rbegin(), next.size(), next.begin());
    const auto ready = pagemap.init_pages(cpu, next);
    error = ready.error;
    if (!ready) break;
    free.resize(free.size() - next.size());
    taken += ready.value;
    const std::span<const Pfn> busy = next.subspan(ready.value);
    held.insert(held.end(), busy.begin(), busy.end());
  }
  if (!held.empty()) free.append(held.rbegin(), held.rend());
  return taken > 0 || error == Errc::kOk ? Result<std::size_t>(taken) : error;
}

std::vector<Pfn> DeviceRange::all_free() const {
  std::vector<Pfn> free;
  free.reserve(pagemap.pages());
  for (std::uint64_t i = pagemap.pages(); i-- > 0;) free.push_back(pagemap.first() + i);
  return free;
}

}  // namespace pagebox::inline PAGEBOX_ENV
