#include "zone_device/device_range.h"

namespace pagebox::inline PAGEBOX_ENV {

DeviceRange::~DeviceRange() {
  if (pagemap.is_live()) {
    pagemap.kill();
    pagemap.remove();
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

Result<Pfn> DeviceRange::take_free(Cpu& cpu, std::vector<Pfn>& free) {
  for (auto at = free.end(); at != free.begin();) {
    --at;
    const Pfn pfn = *at;
    const Errc error = pagemap.init_page(cpu, pfn);
    if (error == Errc::kBusy) continue;
    if (error != Errc::kOk) return error;
    free.erase(at);
    return pfn;
  }
  return Errc::kNoSpc;
}

std::vector<Pfn> DeviceRange::all_free() const {
  std::vector<Pfn> free;
  free.reserve(pagemap.pages());
  for (std::uint64_t i = pagemap.pages(); i-- > 0;) free.push_back(pagemap.first() + i);
  return free;
}

}  // namespace pagebox::inline PAGEBOX_ENV
