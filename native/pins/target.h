// From a pfn to the descriptor that holds its folio's counts: the tail test
// that every get and pin does.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.h"
#include "page/page_type.h"
#include "pins/in_loop.h"
#include "pins/kernel.h"

namespace pagebox::inline PAGEBOX_ENV {

/// The head of a folio. `pfn` is the head's, `word1` what led from the page to it.
struct Target {
  std::byte* head = nullptr;
  std::uint64_t pfn = 0;
  std::uint64_t word1 = 0;

  std::uint32_t* u32(std::size_t offset) const {
    return reinterpret_cast<std::uint32_t*>(head + offset);
  }
  template <class Word>
  Word* word(std::size_t offset) const {
    return reinterpret_cast<Word*>(head + offset);
  }
};

/// The head named by word 1 of a tail. kCorrupt: it names no descriptor. The
/// division is exact where the address is good, so a multiplication by the
/// inverse of the stride's odd part does it, and the product is the check.
/// Where word 1 is a mask of the tail's own address, the frame has no page_base: all
/// descriptors lie above one aligned address, so the mask does for their offsets too.
PAGEBOX_IN_LOOP inline Errc head_of_tail(const PinFrame& f, std::uint64_t tail, std::uint64_t word1,
                                         Target& out) {
  const std::uint64_t from_base = f.page_base == 0 ? (tail * f.stride_bytes) & word1
                                                   : (word1 - 1 - f.page_base) & f.address_mask;
  const std::uint64_t pfn = ((from_base >> f.stride_shift) * f.stride_inverse) & f.address_mask;
  if (pfn >= f.capacity || pfn * f.stride_bytes != from_base) return Errc::kCorrupt;
  out = {f.base + from_base, pfn, word1};
  return Errc::kOk;
}

template <class Word>
PAGEBOX_IN_LOOP inline std::uint64_t load_word1(const PinFrame& f, std::uint64_t pfn) {
  return atomics::load(reinterpret_cast<const Word*>(f.base + pfn * f.stride_bytes + sizeof(Word)));
}

/// kInval: no such pfn.
template <class Word>
PAGEBOX_IN_LOOP inline Errc resolve(const PinFrame& f, std::uint64_t pfn, Target& out) {
  if (pfn >= f.capacity) [[unlikely]]
    return Errc::kInval;
  const std::uint64_t word1 = load_word1<Word>(f, pfn);
  if ((word1 & 1) != 0) [[unlikely]]
    return head_of_tail(f, pfn, word1, out);
  out = {f.base + pfn * f.stride_bytes, pfn, word1};
  return Errc::kOk;
}

/// Rule 2 of page.h: whether `pfn` still belongs to the folio it led to. Where it
/// is no tail, word 1 is a list link or a pgmap, and may change.
template <class Word>
PAGEBOX_IN_LOOP inline bool still_leads_to(const PinFrame& f, std::uint64_t pfn,
                                           const Target& target) {
  const std::uint64_t word1 = load_word1<Word>(f, pfn);
  return word1 == target.word1 || ((word1 | target.word1) & 1) == 0;
}

}  // namespace pagebox::inline PAGEBOX_ENV
