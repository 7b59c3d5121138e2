// Whether a folio has the tail page that the layout names for its pin count.
#pragma once

#include "pins/in_loop.h"
#include "pins/target.h"

namespace pagebox::inline PAGEBOX_ENV {

template <class Word>
PAGEBOX_IN_LOOP inline bool has_tail_place(const PinFrame& f, const Target& t) {
  if ((atomics::load(t.word<Word>(0)) & f.head_flag) == 0) return false;
  if (f.tail_min_order <= 1) return true;
  return atomics::load(reinterpret_cast<const std::uint8_t*>(t.head + f.order)) >= f.tail_min_order;
}

}  // namespace pagebox::inline PAGEBOX_ENV
