// The memory of a device: frames behind RAM, and the pagemap that can give them
// descriptors. Frames come and go with the device, descriptors when it says so.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/plain.h"
#include "zone_device/dev_pagemap.h"

namespace pagebox::inline PAGEBOX_ENV {

class DeviceRange {
 public:
  /// As DevPagemap's; there are neither frames nor descriptors yet.
  DeviceRange(Machine& machine, DeviceMemory memory, Pfn first, std::uint64_t pages,
              std::uint64_t nth, const void* owner, PagemapDriver& driver)
      : pagemap(machine, memory, first, pages, nth, owner, driver), machine_(machine) {}
  /// Waits until nobody holds a page, unless the pagemap was abandoned.
  ~DeviceRange();
  DeviceRange(const DeviceRange&) = delete;
  DeviceRange& operator=(const DeviceRange&) = delete;

  /// Once. kInval: no such range behind RAM; kNoMem. Not while others run.
  Errc add_frames();
  /// All pages, in the order in which a stack of free ones hands out the first first.
  std::vector<Pfn> all_free() const;
  /// Hands out pages from the end of `free` that nobody holds by their number: how many,
  /// `out.size()` at most. kNoDev, as DevPagemap::init_pages. The caller keeps others
  /// from `free`.
  Result<std::size_t> take_free(Cpu& cpu, PlainVector<Pfn>& free, std::span<Pfn> out);

  DevPagemap pagemap;

 private:
  Machine& machine_;
  bool has_frames_ = false;
};

}  // namespace pagebox::inline PAGEBOX_ENV
