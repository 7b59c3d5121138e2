// Advice about how soon pages may go: cold, pageout, free.
#pragma once

#include <cstdint>

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

/// MADV_COLD deactivates, MADV_PAGEOUT reclaims at once. Both leave alone what is
/// mapped more than once or off its LRU.
void madvise_cold_or_pageout(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end,
                             bool pageout);
/// MADV_FREE: anonymous pages may be dropped until they are written again.
void madvise_free(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end);

}  // namespace pagebox::inline PAGEBOX_ENV
