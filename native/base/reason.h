// Why an engine refuses what it was asked.
#pragma once

#include <string>

#include "base/errc.h"

namespace pagebox::inline PAGEBOX_ENV {

/// `error`, with its reason in words where the caller wants them.
inline Errc explain(Errc error, std::string* reason, const char* text) {
  if (reason != nullptr) *reason = text;
  return error;
}

}  // namespace pagebox::inline PAGEBOX_ENV
