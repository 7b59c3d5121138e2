// The audit of devices that have processes' pages: what their descriptors say of the device,
// and what the device's table says of the process. Counts are audit_mm's.
#pragma once

#include <cstdint>

#include "engine/audit/audit_row.h"
#include "engine/box/box.h"
#include "zone_device/mirror.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Each page of a device that is there names it; no other page behind RAM names one.
void audit_pagemaps(const Box& box, const Machine& machine, AuditSink& sink);

/// What the device has in its table is what the process has there. `process`: as rows name it.
void audit_mirror(const Mm& mm, const Mirror& mirror, std::uint64_t process, AuditSink& sink);

}  // namespace pagebox::inline PAGEBOX_ENV
