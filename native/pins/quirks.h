// Historic defects of pin accounting, off by default. Each is switched at
// exactly one place in the code; `explore` must find it when it is on.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class PinQuirk : std::uint8_t {
  /// Nov 2018: the masks 0x2 and 0x4 of the LRU overlay given to set_bit, which
  /// takes bit numbers. Harmless on 64 bits; on 32 bits bit 2 of a list pointer
  /// is 1, so a listed page reads as pinned.
  kMaskAsBitNumber,
  /// Nov 2018: the count reaches zero before the lock is taken, so two last
  /// unpins can both come to put the page back. atomic_dec_and_lock closes it.
  kDoubleLastUnpin,
  /// Feb 2019: the query tests `>` the bias, so a page whose only reference is
  /// one pin is missed: a false negative.
  kStrictlyGreater,
  /// Feb 2019: the release subtracts without a test for zero: the last pin
  /// never frees the page.
  kNoZeroTest,
  /// Feb 2019: the fast path adds one bias for n sub-pages of a huge page,
  /// while callers release one bias a sub-page.
  kOneBiasForMany,
  /// June 2018: a flag and no count. The first to release clears the flag for
  /// everybody: a false negative.
  kFlagWithoutCount,
  /// A caller releases a pin by put_page: with the bias 1023 references leak.
  kPutForUnpin,
};
inline constexpr unsigned kPinQuirks = 7;

inline constexpr std::array<std::string_view, kPinQuirks> kPinQuirkNames = {
    "mask-as-bit-number", "double-last-unpin",  "strictly-greater", "no-zero-test",
    "one-bias-for-many",  "flag-without-count", "put-for-unpin"};

/// A set of quirks, one bit each.
struct PinQuirkSet {
  std::uint32_t bits = 0;
  constexpr bool has(PinQuirk quirk) const {
    return (bits >> static_cast<unsigned>(quirk) & 1U) != 0;
  }
  constexpr PinQuirkSet operator|(PinQuirkSet other) const { return {bits | other.bits}; }
};
template <class... Quirks>
constexpr PinQuirkSet pin_quirks(Quirks... list) {
  return {((1U << static_cast<unsigned>(list)) | ... | 0U)};
}

}  // namespace pagebox::inline PAGEBOX_ENV
