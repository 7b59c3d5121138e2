// What the model tells LeakSanitizer: an abandoned run keeps what its fibers held, since
// their stacks are never unwound (model_run.h, rule 1). Nothing in other builds.
#pragma once

#include "base/env.h"
#include "base/sanitizer.h"

#ifdef PAGEBOX_ASAN
#include <sanitizer/lsan_interface.h>
#endif

namespace pagebox::inline PAGEBOX_ENV::sanitizer {

/// What the thread allocates meanwhile may stay.
class MayStay {
 public:
#ifdef PAGEBOX_ASAN
  MayStay() { __lsan_disable(); }
  ~MayStay() { __lsan_enable(); }
#else
  MayStay() = default;
  ~MayStay() {}  // NOLINT(modernize-use-equals-default): else it is unused
#endif
  MayStay(const MayStay&) = delete;
  MayStay& operator=(const MayStay&) = delete;
};

}  // namespace pagebox::inline PAGEBOX_ENV::sanitizer
