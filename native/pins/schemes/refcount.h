// Plain get and put: the state of things in 2018.
#pragma once

#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

inline SchemeSpec refcount_scheme() {
  SchemeSpec s;
  s.name = "refcount";
  s.summary = "a pin is a reference like any other";
  s.source = "Linux until v5.6";
  s.answer = PinAnswer::kUnknown;
  s.false_positives = "every page that has a reference";
  s.effects = pin_effects(PinEffect::kAnswerUnknown);
  s.quirks = quirk_set(Quirk::kNoZeroTest);
  return s;
}

}  // namespace pagebox::inline PAGEBOX_ENV
