// For stores to a Mapping's bytes that none of base/'s own are (atomics, Plain, locks, tallies,
// shared bytes, blocks say it themselves): where the model runs many schedules on one machine,
// what changed there is copied back (base/model/run_memory.h).
#pragma once

#include <cstddef>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

/// These bytes change in this step, or just did. host: nothing.
#ifdef PAGEBOX_MODEL
void memory_changes(const void* at, std::size_t size_bytes);
#else
[[gnu::always_inline]] inline void memory_changes(const void*, std::size_t) {}
#endif

}  // namespace pagebox::inline PAGEBOX_ENV
