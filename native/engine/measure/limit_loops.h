// What pins are measured against: for each scheme the least that C++ can do, a
// loop written by hand with the scheme's own atomics, the same tail test and the
// same index stream, and nothing that serves more than one scheme at run time.
// They check what correctness needs and report nothing.
#pragma once

#include "base/env.h"

#include <cstddef>
#include <cstdint>

#include "engine/scenario/pin_op.h"
#include "pins/pins.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Returns how many pages could not be pinned (kMaybePinned: how many may be).
using LimitLoop = std::uint64_t (*)(const PinFrame& frame, const std::uint32_t* pfns,
                                    std::size_t size, unsigned shard);

/// Null: no loop was written for this scheme (a declared one), layout (4-byte words)
/// or op. `prefetch`: fetches ahead as far as the schemes do.
LimitLoop limit_loop(const Pins& pins, PinOp op, bool prefetch = false);

}  // namespace pagebox::inline PAGEBOX_ENV
