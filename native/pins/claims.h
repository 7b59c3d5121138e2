// Which bits of which descriptor a scheme writes, and what it can leave there:
// the scheme's side of the room analysis.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/env.h"
#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Up to 64 bits of one descriptor of a folio.
struct BitRange {
  std::uint16_t tail = 0;       // 0: the head, n: page[n]
  std::uint16_t first_bit = 0;  // from the descriptor's first byte; little endian
  std::uint8_t bits = 0;

  std::uint64_t all() const { return bits == 0 ? 0 : ~std::uint64_t{0} >> (64 - bits); }
  /// `mask`, whose bit 0 is `from`'s first bit, as seen from this range; what lies
  /// outside of it is cut off.
  std::uint64_t see(std::uint64_t mask, const BitRange& from) const;
};

struct Claim {
  std::string name;  // "count", "pinned", "was-LRU", a state's, "_refcount", ...
  BitRange range;
  /// `_refcount`, `_mapcount` for mapcount-overlay, and fields made for pins:
  /// shared or owned by right, so they collide with nothing.
  bool by_right = false;
  /// Bits of the range that a pin can change to 1, to 0. A count that is stored
  /// whole clears all its bits; was-LRU is set only where a page can be on an LRU.
  std::uint64_t sets = 0, clears = 0;
};

/// Of a folio of `order` whose head is of `type`. `layout` is layout_for()'s.
std::vector<Claim> claims_of(const SchemeSpec& scheme, const Layout& layout, PageType type,
                             unsigned order);

/// The same, with what the page holds before anybody pins it: whether it can read as pinned,
/// and whether it can read as not pinned.
struct ReadsBefore {
  bool pinned = false, not_pinned = true;
};
std::vector<Claim> claims_of(const SchemeSpec& scheme, const Layout& layout, PageType type,
                             unsigned order, const ReadsBefore& before);

}  // namespace pagebox::inline PAGEBOX_ENV
