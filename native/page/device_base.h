// References of free ZONE_DEVICE pages that no kernel has changed.
#pragma once

#include <cstdint>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Of device dax: 1 in every kernel from v4.20 to v7.3. What others count from the layout's
/// era says.
inline constexpr std::int32_t kGenericBase = 1;

}  // namespace pagebox::inline PAGEBOX_ENV
