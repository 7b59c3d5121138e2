// make_device_exclusive_range (v5.13 to v6.14): every entry of a page becomes a
// device-exclusive one, so that no CPU can touch it without asking the device.
#pragma once

#include <cstdint>
#include <span>

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

struct ExclusivePages {
  std::uint64_t got = 0;   // pages that could be had for writing, from the first on
  Errc error = Errc::kOk;  // why not more
};

/// `pages`: one a page of the range, with a reference and locked where the page is
/// exclusive now, empty where not. mmap_lock held, shared.
ExclusivePages make_device_exclusive_range(Cpu& cpu, Mm& mm, std::uint64_t start,
                                           std::span<Page> pages, const void* owner);

}  // namespace pagebox::inline PAGEBOX_ENV
