// Operations and results in words, as the recordings write them: for reports of
// what a thread did.
#pragma once

#include <string>

#include "engine/scenario/ops.h"

namespace pagebox::inline PAGEBOX_ENV {

/// {"op":"store","buf":"a","page":1,"value":7}; processes and children by number.
std::string op_text(const Op& op);
/// "ok", "EFAULT", "unsupported"; pages or bytes where the result has them.
std::string result_text(const OpRecord& record);

}  // namespace pagebox::inline PAGEBOX_ENV
