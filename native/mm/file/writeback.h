// Writing dirty file pages to disk.
#pragma once

#include <cstdint>

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Write-protects every mapping, clears dirty, writes the page. Locked.
/// Pinned pages are written like any other: what the device stores afterwards is
/// never written, which is what the thread of 2018 began with. With
/// MachineOption::kWritebackAsksPins they are written too, but stay dirty.
void writepage(Cpu& cpu, AddressSpace& file, std::uint64_t index, Page folio);
/// fsync, and the flush before direct I/O: [first, first + pages).
void filemap_write_and_wait(Cpu& cpu, AddressSpace& file, std::uint64_t first, std::uint64_t pages);

}  // namespace pagebox::inline PAGEBOX_ENV
