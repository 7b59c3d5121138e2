// Exact in the tail page that the layout names, biased where it names none. An
// order-0 page, and an order below the place's smallest, has the bias.
#pragma once

#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

inline SchemeSpec folio_pincount_scheme() {
  SchemeSpec s;
  s.name = "folio-pincount";
  s.summary = "an exact count in a tail page of large folios, the bias in small ones";
  s.source = "Linux v5.7 (page[2]), v5.18 (page[1])";
  s.place = CountPlace::kTail;
  s.count_bits = 32;
  s.refs_per_pin = kPinBias;
  s.max_pins = kRefcountMax / kPinBias;
  s.answer = PinAnswer::kFuzzy;
  s.false_positives = "a page without a tail for the count, with 1024 or more references";
  s.effects = pin_effects(PinEffect::kAnswerFuzzy);
  s.quirks = quirk_set(Quirk::kStrictlyGreater, Quirk::kNoZeroTest, Quirk::kOneBiasForMany,
                       Quirk::kPutForUnpin);
  return s;
}

}  // namespace pagebox::inline PAGEBOX_ENV
