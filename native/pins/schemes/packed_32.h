// packed-64 in 32 bits: the low half of word 2 where words have 8 bytes.
//
//   word 2   count 31:2 | was LRU :1 | pinned :0
#pragma once

#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

inline SchemeSpec packed_32_scheme() {
  SchemeSpec s;
  s.name = "packed-32";
  s.summary = "pinned, was-LRU and a 30-bit count in the low 32 bits of word 2";
  s.source = "the same tally with the bits that 32 leave";
  s.protocol = Protocol::kPackedWord;
  s.place = CountPlace::kWord;
  s.count_word = 2;
  s.count_shift = 2;
  s.count_bits = 30;
  s.packed_bits = 32;
  s.pinned = {2, 0};
  s.was_lru = {2, 1};
  s.max_pins = (1U << 30) - 1;
  s.locks = "the zone's LRU lock for the first pin and the last unpin";
  s.effects = pin_effects(PinEffect::kLruClear, PinEffect::kLruSkipped, PinEffect::kPinRefused);
  s.quirks = quirk_set(Quirk::kNoZeroTest, Quirk::kPutForUnpin);
  return s;
}

}  // namespace pagebox::inline PAGEBOX_ENV
