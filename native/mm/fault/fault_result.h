// How a fault ends.
#pragma once

#include <cstdint>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class [[nodiscard]] FaultResult : std::uint8_t { kOk, kSigsegv, kSigbus, kOom };

}  // namespace pagebox::inline PAGEBOX_ENV
