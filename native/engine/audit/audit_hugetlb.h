// The pool of huge pages against its own lists and counts; part of audit_mm().
#pragma once

#include <cstdint>

#include "engine/audit/audit_row.h"
#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

/// A page is on the list that its references say, and the counts are those of the list.
/// `promised`: huge pages that the vmas of all address spaces were promised.
void audit_hugetlb(const Machine& machine, std::uint64_t promised, AuditSink& sink);

}  // namespace pagebox::inline PAGEBOX_ENV
