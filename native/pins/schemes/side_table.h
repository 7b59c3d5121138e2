// Exact counts outside the descriptor, by pfn.
#pragma once

#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

inline SchemeSpec side_table_scheme() {
  SchemeSpec s;
  s.name = "side-table";
  s.summary = "a 32-bit count a page in a table outside the descriptors";
  s.source = "page_ext, and the lookup tree floated in autumn 2018";
  s.protocol = Protocol::kExternal;
  s.place = CountPlace::kSideTable;
  s.count_bits = 32;
  s.quirks = quirk_set(Quirk::kNoZeroTest, Quirk::kPutForUnpin);
  return s;
}

}  // namespace pagebox::inline PAGEBOX_ENV
