// The mirror device's own mmap: zeroed pages of its own that no file has and no
// paging touches (VM_MIXEDMAP).
#pragma once

#include <cstdint>

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

/// A private mapping of `pages` pages, present from the start. `prot`: kVmRead |
/// kVmWrite. Errors as do_mmap; kNoMem: no pages.
Errc mirror_mmap(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint64_t pages,
                 std::uint64_t prot);

}  // namespace pagebox::inline PAGEBOX_ENV
