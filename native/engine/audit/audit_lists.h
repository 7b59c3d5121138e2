// The part of the audit that walks the zone's LRU lists.
#pragma once

#include <cstdint>

#include "engine/audit/audit_row.h"
#include "engine/box/box.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Whether the page's flags say that it is on a list. Bits of a tail may be its folio's
/// order in a layout that has PG_lru there.
bool says_lru(Page page);

/// Walks every list and checks each link in both directions. `with_lru` is the number
/// of touched pages with PG_lru: if as many were met, each of them is on a list once
/// (a ring whose links agree in both directions meets no page twice).
void check_lists(Box& box, std::uint64_t with_lru, AuditSink& sink);

}  // namespace pagebox::inline PAGEBOX_ENV
