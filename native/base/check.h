// A condition that the core's own code must keep. Never for what a caller or a
// corrupted descriptor can bring about: that is an Errc or an audit row.
#pragma once

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

/// host, and model outside a run: prints the text and aborts. In a run: ends it
/// with the outcome `assertion`, and does not return.
[[noreturn]] void check_failed(const char* text, const char* file, int line);

}  // namespace pagebox::inline PAGEBOX_ENV

#define PAGEBOX_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::pagebox::check_failed(#condition, __FILE__, __LINE__))
