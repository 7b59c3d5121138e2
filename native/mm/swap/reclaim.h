// Reclaim: unmap, write out, free.
#pragma once

#include <span>

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Tries to free isolated folios, in this order, whether referenced or not
/// (MADV_PAGEOUT). What cannot be freed goes back to its LRU. How many were freed.
unsigned reclaim_pages(Cpu& cpu, std::span<const Pfn> folios);

}  // namespace pagebox::inline PAGEBOX_ENV
