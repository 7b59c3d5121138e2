// What the swaps of a packed word with states do to its bits, as masks, and which of them
// can happen at all.
#pragma once

#include <cstdint>

#include "base/env.h"
#include "pins/kernel.h"
#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

// Bits of an index of PinStates, of a pin and of an unpin: its first or last; the count comes
// to its largest or leaves it; the page leaves its LRU or goes back.
inline constexpr unsigned kEnds = 1, kTurnsFull = 2, kMoves = 4;

/// Of a placed scheme.
PinStates pin_states(const SchemeSpec& scheme);

/// The bits of its word that are the scheme's: count, flags and states. Of a placed scheme.
std::uint64_t own_bits(const SchemeSpec& scheme);

/// A page as the room analysis looks at it.
struct PinnedPage {
  bool listed = false;               // it is on an LRU before its first pin
  bool can_be_first = true;          // somebody's pin is a first one
  bool reads_pinned_before = false;  // what the page holds can read as a count, or as was-LRU
};
bool pin_can_happen(const SchemeSpec& scheme, unsigned index, const PinnedPage& page);
bool unpin_can_happen(const SchemeSpec& scheme, unsigned index, const PinnedPage& page);

/// The state of a word that contradicts its count; null: none. For those that are set while
/// the page is pinned, or while its count is full. Of a placed scheme.
const StateBit* wrong_state(const SchemeSpec& scheme, std::uint64_t word);

}  // namespace pagebox::inline PAGEBOX_ENV
