// GUP_PIN_COUNTING_BIAS references a pin.
#pragma once

#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

inline SchemeSpec refcount_bias_scheme() {
  SchemeSpec s;
  s.name = "refcount-bias";
  s.summary = "a pin is 1024 references";
  s.source = "Linux v5.7, small folios until today";
  s.refs_per_pin = kPinBias;
  s.max_pins = kRefcountMax / kPinBias;
  s.answer = PinAnswer::kFuzzy;
  s.false_positives = "a page with 1024 or more references";
  s.effects = pin_effects(PinEffect::kAnswerFuzzy);
  s.quirks = quirk_set(Quirk::kStrictlyGreater, Quirk::kNoZeroTest, Quirk::kOneBiasForMany,
                       Quirk::kPutForUnpin);
  return s;
}

}  // namespace pagebox::inline PAGEBOX_ENV
