// The room analysis: from the tables alone, whether a scheme fits a page of a
// type and order in a layout, and which live bits it writes over where it does
// not. probe.h finds the same on real descriptors.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/errc.h"
#include "page/live.h"
#include "pins/claims.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class CellKind : std::uint8_t {
  kImpossible,  // the layout has no such page
  kRefused,     // the scheme does not exist here, or does not pin such a page
  kFits,
  kCollides,
};
inline constexpr std::array<std::string_view, 4> kCellKindNames = {"impossible", "refused", "fits",
                                                                   "collides"};

/// The bits of one live field that a pin changes.
struct Collision {
  std::string field;
  BitRange range;          // the field
  std::uint64_t mask = 0;  // from the field's first bit
  bool operator==(const Collision& other) const {
    return field == other.field && range.tail == other.range.tail &&
           range.first_bit == other.range.first_bit && mask == other.mask;
  }
};

struct RoomCell {
  CellKind kind = CellKind::kImpossible;
  std::string reason;  // of kImpossible and kRefused, in a sentence
  std::vector<Collision> collisions;
  std::vector<Claim> claims;
  /// Fields that such a page needs and the layout itself has given no room.
  std::vector<std::string> contested;
  unsigned claimed_bits = 0;              // besides `_refcount`
  unsigned live_bits = 0, free_bits = 0;  // of the head
};

/// `layout` before layout_for(). Errors as Memmap::create(), whose descriptors
/// the fields' legal values are taken from.
Result<RoomCell> room(const SchemeSpec& scheme, const Layout& layout, PageType type,
                      unsigned order);

/// What room and probe share: the descriptors of a folio that can hold anything
/// of interest, and the way from bits back to fields.
class FolioBits {
 public:
  using Bits = std::vector<bool>;  // one a bit of the stride

  static Result<FolioBits> create(const SchemeSpec& scheme, const Layout& layout, PageType type,
                                  unsigned order);

  /// Which page of the folio each descriptor is, ascending from the head, 0; what follows
  /// numbers them by their place here.
  std::span<const unsigned> tails() const { return tails_; }
  unsigned descriptors() const { return static_cast<unsigned>(maps_.size()); }
  /// descriptors(): it is none of these.
  unsigned index_of(unsigned tail) const;
  const LiveMap& map(unsigned index) const { return maps_[index]; }
  /// Live, not the scheme's by right, and not dead by isolation.
  bool protected_bit(unsigned index, unsigned bit) const;
  /// Whether one of the bit's legal values is `value`.
  bool may_be(unsigned index, unsigned bit, bool value) const;
  /// Whether a page that nobody pinned can read as pinned, and as not pinned: only then is
  /// a pin ever the first.
  ReadsBefore reads_before() const;

  /// What pins and unpins were seen to do, or can: bits that they leave 1, and 0.
  struct Writes {
    std::vector<Bits> sets, clears;
  };
  Writes no_writes() const;
  /// Protected bits that one of the legal values does not survive in.
  std::vector<Collision> collisions(const Writes& writes) const;

 private:
  /// One of the bits by which the page reads as pinned.
  bool is_reading(unsigned bit) const {
    return bit >= first_reading_ && bit < first_reading_ + 64 &&
           (reading_ >> (bit - first_reading_) & 1) != 0;
  }

  bool isolated_ = false;
  unsigned first_reading_ = 0;  // from the head's first byte
  std::uint64_t reading_ = 0;   // from there; 0: no bits of the head say it
  std::vector<unsigned> tails_;
  std::vector<LiveMap> maps_;
  std::vector<Bits> by_right_;
};

/// What has no cell to analyse or probe: impossible and refused ones.
RoomCell room_without_probe(const SchemeSpec& scheme, const Layout& layout, PageType type,
                            unsigned order);
/// The request that makes such a page as both look at it.
FillRequest room_request(const SchemeSpec& scheme, PageType type, unsigned order);

}  // namespace pagebox::inline PAGEBOX_ENV
