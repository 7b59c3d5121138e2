// The audit of memory that its device hands out itself: blocks of dax devices and
// pages of peer-to-peer memory. Counts are audit_mm's; here it is who has what.
#pragma once

#include "engine/audit/audit_mm.h"

namespace pagebox::inline PAGEBOX_ENV {

class DaxDevice;
class P2pdma;

/// Each block is one file's or free, its descriptor names that file and its place there,
/// and every entry of a mapping leads to the block that the file has at that place.
void audit_dax(const DaxDevice& device, const MmAuditInput& input, AuditSink& sink);

/// A page is free, or mapped or held, and not both; what was taken by pfn may be either.
void audit_p2pdma(const P2pdma& device, const MmAuditInput& input, AuditSink& sink);

}  // namespace pagebox::inline PAGEBOX_ENV
