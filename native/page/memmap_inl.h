#pragma once

#include "page/memmap.h"

namespace pagebox::inline PAGEBOX_ENV {

template <class Fn>
void Memmap::for_each_touched(Fn&& fn) const {
  const std::uint64_t blocks = (capacity_ + kBlockPages - 1) / kBlockPages;
  const auto* words = reinterpret_cast<const std::uint64_t*>(touched_.data());
  const auto is_set = [&](std::uint64_t block) {
    return (atomics::load(&words[block / 64], atomics::kRelaxed) >> block % 64 & 1) != 0;
  };
  std::uint64_t block = 0;
  while (block < blocks) {
    // A word of 64 untouched blocks is skipped at once: boxes are sparse.
    if (block % 64 == 0 && atomics::load(&words[block / 64], atomics::kRelaxed) == 0) {
      block += 64;
      continue;
    }
    if (!is_set(block)) {
      ++block;
      continue;
    }
    const std::uint64_t first = block;
    while (block < blocks && is_set(block)) ++block;
    const std::uint64_t end = block * kBlockPages;
    fn(Pfn{first * kBlockPages}, Pfn{end < capacity_ ? end : capacity_});
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
