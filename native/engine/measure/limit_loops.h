// What pins are measured against: for each scheme the least that C++ can do, a
// loop written by hand with the scheme's own atomics, the same tail test and the
// same index stream, and nothing that serves more than one scheme at run time.
// They check what correctness needs and report nothing.
#pragma once

#include "base/env.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/rng.h"
#include "engine/scenario/pattern.h"
#include "engine/scenario/pin_op.h"
#include "pins/pins.h"
#include "pins/streams.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Returns how many pages could not be pinned (kMaybePinned: how many may be).
using LimitLoop = std::uint64_t (*)(const PinFrame& frame, const std::uint32_t* pfns,
                                    std::size_t size, unsigned shard);

/// Null: no loop was written for this scheme (a declared one), layout (4-byte words)
/// or op. `prefetch`: fetches ahead as far as the schemes do.
LimitLoop limit_loop(const Pins& pins, PinOp op, bool prefetch = false);

/// What a thread of a mix holds: one pin of each, the page's head.
struct LimitHeld {
  static constexpr std::uint32_t kMax = KeptPages::kMax;
  LimitHeld(std::uint64_t seed, unsigned thread)
      : steps(mix_rng(seed, thread)), any(Rng::stream(seed, thread)) {}
  Rng steps;  // what comes next
  Rng any;    // which one is given back
  std::uint32_t size = 0;
  std::array<std::uint32_t, kMax> heads{};
};
/// Pins and unpins in random order, half of each, as a race does them: of each page a pin that is
/// held, or instead an unpin of any that is. Returns how many failed, of unpins those that found
/// nothing held.
using LimitMix = std::uint64_t (*)(const PinFrame& frame, const std::uint32_t* pfns,
                                   std::size_t size, unsigned shard, LimitHeld& held);
/// Null: as limit_loop().
LimitMix limit_mix(const Pins& pins, bool prefetch = false);

}  // namespace pagebox::inline PAGEBOX_ENV
