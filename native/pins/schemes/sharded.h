// Monotone counts per logical thread. A query sums the unpins first, then the
// pins: an unpin that it saw has its pin in the second sum.
#pragma once

#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

inline SchemeSpec sharded_scheme() {
  SchemeSpec s;
  s.name = "sharded";
  s.summary = "pin and unpin counts of 64 bits per page and logical thread, outside";
  s.source = "percpu counters, as dev_pagemap has them";
  s.protocol = Protocol::kExternal;
  s.place = CountPlace::kSharded;
  s.count_bits = 64;
  s.false_positives = "a page that is pinned and unpinned while the query sums";
  s.effects = pin_effects(PinEffect::kAnswerLags);
  s.quirks = quirk_set(Quirk::kNoZeroTest, Quirk::kPutForUnpin);
  return s;
}

}  // namespace pagebox::inline PAGEBOX_ENV
