// The audit of what memory management shows in descriptors and keeps elsewhere: page
// tables at rest, and what was found overwritten while they ran.
#pragma once

#include <span>

#include "engine/audit/audit_row.h"
#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

void audit_tables(const Machine& machine, std::span<Mm* const> mms, AuditSink& sink);

}  // namespace pagebox::inline PAGEBOX_ENV
