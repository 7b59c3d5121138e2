// What a fault on a device's page and the migration that it asks for agree on.
#pragma once

#include "mm/machine.h"

namespace pagebox::inline PAGEBOX_ENV {

/// The fault has the page's lock before it takes its reference, and the migration finds it
/// locked; from v6.1 to v6.14 the migration locked it, and so could be in another's way.
inline bool device_faults_lock_first(const Machine& machine) {
  return !machine.has(Quirk::kDeviceFaultLocksLate);
}

}  // namespace pagebox::inline PAGEBOX_ENV
