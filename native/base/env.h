// The core is compiled twice into one addon: `host` on real atomics, `model`
// where every shared access first tells the explorer. Each file of the core
// opens `namespace pagebox::inline PAGEBOX_ENV`, so that no function of one
// environment can be merged with its twin by the linker. Tests have a third, `planted`:
// the model with faults that can be armed (base/fault.h).
#pragma once

#if defined(PAGEBOX_MODEL) && defined(PAGEBOX_PLANTED)
#define PAGEBOX_ENV planted
#elif defined(PAGEBOX_PLANTED)
#error "faults are planted in the model only"
#elif defined(PAGEBOX_MODEL)
#define PAGEBOX_ENV model
#else
#define PAGEBOX_ENV host
#endif

namespace pagebox::inline PAGEBOX_ENV {
#ifdef PAGEBOX_MODEL
inline constexpr bool kModel = true;
#else
inline constexpr bool kModel = false;
#endif
}  // namespace pagebox::inline PAGEBOX_ENV
