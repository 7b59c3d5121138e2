// Loads and stores of a user program: the MMU looks at the entry, sets accessed
// and dirty, and faults where it must.
#pragma once

#include <cstdint>

#include "mm/fault/fault_result.h"
#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

/// One 64-bit access. `address` is 8-aligned.
FaultResult load_word(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint64_t& out);
FaultResult store_word(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint64_t value);
/// A kernel copy of one page from or to the user (copy_from_user, copy_to_user).
FaultResult copy_page_from_user(Cpu& cpu, Mm& mm, std::uint64_t address, std::byte* out);
FaultResult copy_page_to_user(Cpu& cpu, Mm& mm, std::uint64_t address, const std::byte* from);

}  // namespace pagebox::inline PAGEBOX_ENV
