// Pins counted as mappings. Pinned means: _mapcount exceeds the mappings that a
// walk of the reverse map finds.
#pragma once

#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

inline SchemeSpec mapcount_overlay_scheme() {
  SchemeSpec s;
  s.name = "mapcount-overlay";
  s.summary = "pins raise _mapcount; the reverse map tells them from mappings";
  s.source = "Glisse, Dec 2018 to Jan 2019";
  s.place = CountPlace::kMapcount;
  s.count_bits = 32;
  s.false_positives = "a page that is being unmapped while the query walks";
  s.locks = "the folio lock for an exact query";
  s.types = types_of_place(s.place);
  s.effects = pin_effects(PinEffect::kMapcountRaised, PinEffect::kAnswerLags);
  s.quirks = quirk_set(Quirk::kNoZeroTest, Quirk::kPutForUnpin);
  return s;
}

}  // namespace pagebox::inline PAGEBOX_ENV
