// Flags and count over the two words of page->lru.
//
//   word 1   ...... | was LRU :2 | pinned :1 | PageTail :0
//   word 2   (upper half untouched) | count 31:0
//
// A pinned page is on no list, so its list words are free; bits 1 and 2 of a
// list pointer are 0, so a listed page never reads as pinned.
#pragma once

#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

inline SchemeSpec lru_overlay_scheme() {
  SchemeSpec s;
  s.name = "lru-overlay";
  s.summary = "flags and a 32-bit count over page->lru; a pinned page is on no LRU";
  s.source = "Hubbard, RFC v2, Nov 2018";
  s.protocol = Protocol::kListOverlay;
  s.place = CountPlace::kWord;
  s.count_word = 2;
  s.count_bits = 32;
  s.pinned = {1, 1};
  s.was_lru = {1, 2};
  s.locks = "the zone's LRU lock for each pin and for the last unpin";
  s.effects = pin_effects(PinEffect::kLruClear, PinEffect::kLruSkipped, PinEffect::kPinRefused);
  s.quirks = quirk_set(Quirk::kMaskAsBitNumber, Quirk::kDoubleLastUnpin, Quirk::kNoZeroTest,
                       Quirk::kPutForUnpin);
  return s;
}

}  // namespace pagebox::inline PAGEBOX_ENV
