// The room analysis on real descriptors: two complementary legal fills, pins and
// unpins of counts from 1 to the largest through the scheme's own operations, and
// every live bit that was seen to change during or after. Then the same with the
// scheme's own words forced to values that hide nothing, so that a bit that was set
// already is seen to be set.
#pragma once

#include "pins/room.h"

namespace pagebox::inline PAGEBOX_ENV {

/// The same cell as room(), without claims and totals. A difference between the
/// two is a bug in one of them. Errors as room(); kCorrupt: a pin of a legal
/// page failed in a way that no cell has a name for.
Result<RoomCell> probe(const SchemeSpec& scheme, const Layout& layout, PageType type,
                       unsigned order);

}  // namespace pagebox::inline PAGEBOX_ENV
