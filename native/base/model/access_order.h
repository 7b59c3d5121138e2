// What an access does to what is known of order (base/model/race_detector.h).
#pragma once

#include "base/env.h"
#include "base/sched.h"

namespace pagebox::inline PAGEBOX_ENV::access_order {

inline constexpr unsigned kLooks = 1, kWrites = 2, kReplaces = 4;

constexpr unsigned of(Access access) {
  switch (access) {
    // Who finds a word in a frame knows nothing by it of who stored it, nor is that a race.
    case Access::kYield:
    case Access::kBytesRead:
    case Access::kBytesWrite:
    case Access::kPlainRead:
    case Access::kPlainWrite: return 0;
    case Access::kStore: return kWrites | kReplaces;
    // Who adds and does not look learns nothing of who came before.
    case Access::kAdd: return kWrites;
    case Access::kRmw:
    case Access::kLock:
    case Access::kUnlock: return kLooks | kWrites;
    case Access::kLoad:
    case Access::kAddLook:
    case Access::kCas:
    case Access::kWait: return kLooks;
  }
  return 0;
}

}  // namespace pagebox::inline PAGEBOX_ENV::access_order
