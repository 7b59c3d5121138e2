// Operations of scenarios that a test writes down.
#pragma once

#include <cstdint>

#include "engine/scenario/ops.h"

namespace pagebox::inline PAGEBOX_ENV {

inline Op op_of(OpCode code, std::uint64_t value = 0) {
  Op op;
  op.code = code;
  op.value = value;
  return op;
}

}  // namespace pagebox::inline PAGEBOX_ENV
