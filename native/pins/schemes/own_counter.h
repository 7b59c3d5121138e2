// A 32-bit counter after _refcount: fits everywhere, and the descriptor grows.
#pragma once

#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

inline SchemeSpec own_counter_scheme() {
  SchemeSpec s;
  s.name = "own-counter";
  s.summary = "a counter field of its own after _refcount, with the stride it costs";
  s.source = "Hubbard, 7 Dec 2018";
  s.place = CountPlace::kCounter;
  s.count_bits = 32;
  s.quirks = quirk_set(Quirk::kNoZeroTest, Quirk::kPutForUnpin);
  return s;
}

}  // namespace pagebox::inline PAGEBOX_ENV
