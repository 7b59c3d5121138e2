// All in one word, changed by compare-and-swap.
//
//   word 2   count 63:2 | was LRU :1 | pinned :0
//
// Bit 0 of a list pointer is 0, so the word of a listed page never reads as a
// count; the first pin therefore isolates and writes it under the LRU lock.
#pragma once

#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

inline SchemeSpec packed_64_scheme() {
  SchemeSpec s;
  s.name = "packed-64";
  s.summary = "pinned, was-LRU and a 62-bit count in word 2";
  s.source = "Hubbard's tally, 6 Dec 2018";
  s.protocol = Protocol::kPackedWord;
  s.place = CountPlace::kWord;
  s.count_word = 2;
  s.count_shift = 2;
  s.count_bits = 62;
  s.packed_bits = 64;
  s.pinned = {2, 0};
  s.was_lru = {2, 1};
  s.min_word_bytes = 8;
  s.locks = "the zone's LRU lock for the first pin and the last unpin";
  s.effects = pin_effects(PinEffect::kLruClear, PinEffect::kLruSkipped, PinEffect::kPinRefused);
  s.quirks = quirk_set(Quirk::kNoZeroTest, Quirk::kPutForUnpin);
  return s;
}

}  // namespace pagebox::inline PAGEBOX_ENV
