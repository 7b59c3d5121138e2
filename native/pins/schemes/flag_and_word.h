// A flag of its own, valid for every page type, and a count over lru.prev.
//
//   word 0   lowest free bit: pinned
//   word 1   ...... | was LRU :1 | PageTail :0      (only pages that were on an LRU)
//   word 2   (upper half untouched) | count 31:0
#pragma once

#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

inline SchemeSpec flag_and_word_scheme() {
  SchemeSpec s;
  s.name = "flag-and-word";
  s.summary = "a page flag of its own and a 32-bit count in word 2";
  s.source = "Hubbard, 6 Dec 2018";
  s.protocol = Protocol::kFlagAndWord;
  s.place = CountPlace::kWord;
  s.count_word = 2;
  s.count_bits = 32;
  s.pinned = {0, FlagPlace::kLowestFree};
  s.was_lru = {1, 1};
  s.locks = "the zone's LRU lock for the first pin and the last unpin";
  s.effects = pin_effects(PinEffect::kLruClear, PinEffect::kLruSkipped, PinEffect::kPinRefused);
  s.quirks = quirk_set(Quirk::kFlagWithoutCount, Quirk::kNoZeroTest, Quirk::kPutForUnpin);
  return s;
}

}  // namespace pagebox::inline PAGEBOX_ENV
