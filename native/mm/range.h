// What every system call that takes a range checks first.
#pragma once

#include <algorithm>
#include <cstdint>

#include "mm/pte.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Page-aligned, not empty, does not wrap, inside user space.
inline bool valid_range(std::uint64_t start, std::uint64_t pages) {
  return start % kPageBytes == 0 && pages > 0 && start < kTaskSize &&
         pages <= (kTaskSize - start) / kPageBytes;
}

}  // namespace pagebox::inline PAGEBOX_ENV
