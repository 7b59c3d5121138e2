// Time for races and measurements. The core below the engine never asks for it.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <ctime>

namespace pagebox::inline PAGEBOX_ENV {

inline std::uint64_t clock_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(time.tv_nsec);
}
/// Wall time, from an arbitrary start.
inline std::uint64_t now_ns() { return clock_ns(CLOCK_MONOTONIC); }
/// CPU time of the calling thread.
inline std::uint64_t thread_cpu_ns() { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace pagebox::inline PAGEBOX_ENV
