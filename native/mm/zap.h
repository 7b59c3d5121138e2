// Taking entries out of page tables.
#pragma once

#include <cstdint>

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

struct ZapDetails {
  /// Truncation and hole punching: only pages of this file (null: all). With
  /// `even_cows` the private copies made of them as well.
  const AddressSpace* file = nullptr;
  bool even_cows = true;
};

/// Unmaps [start, end) of one vma. No notifier call: the caller made it for the
/// range it knows.
void zap_page_range(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end,
                    const ZapDetails& details = {});
/// Unmaps pages [first, first + pages) of a file everywhere, with notifiers.
void unmap_mapping_pages(Cpu& cpu, AddressSpace& file, std::uint64_t first, std::uint64_t pages,
                         bool even_cows);

}  // namespace pagebox::inline PAGEBOX_ENV
