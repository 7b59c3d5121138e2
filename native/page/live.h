// What each bit of a descriptor means for one page: which field it belongs to,
// and whether anyone else may use it. The left side of the room analysis.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "page/fill.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class BitUse : std::uint8_t {
  kFree,       // nobody reads it on such a page
  kVariable,   // live, and the two fills differ in it
  kFixed,      // live, with one legal value: pointer tags, PageTail, constants
  kShared,     // `_refcount`: every pin adds to it by right
  kClaimable,  // exists to hold pins
};

struct LiveField {
  std::string name;  // of page->flags: "flags.lru", "flags.zone"
  std::uint16_t offset_bytes = 0;
  std::uint8_t shift = 0, bits = 0;
  FieldKind kind = FieldKind::kCount;
};

/// The bits of one descriptor, numbered from its first byte's bit 0 on.
class LiveMap {
 public:
  /// Of page `tail` (one of tails_of_interest()) of the folio at `site`. kRefused, kInval: as
  /// setup_page(), and for a tail that the folio does not have.
  static Result<LiveMap> create(const Layout& layout, const FillRequest& request, unsigned tail = 0,
                                const FillSite& site = {});
  /// Of several pages of one folio, which is filled once for all of them.
  static Result<std::vector<LiveMap>> of_folio(const Layout& layout, const FillRequest& request,
                                               std::span<const unsigned> tails,
                                               const FillSite& site = {});

  PageType type() const { return type_; }
  unsigned bits() const { return static_cast<unsigned>(use_.size()); }
  BitUse use(unsigned bit) const { return use_[bit]; }
  /// Null: the bit is free.
  const LiveField* owner(unsigned bit) const {
    return owner_[bit] < 0 ? nullptr : &fields_[static_cast<unsigned>(owner_[bit])];
  }
  /// The two values of a live bit; of a fixed one they are the same.
  bool value(unsigned bit, FillSide side) const {
    return (words_[side == FillSide::kFirst ? 0 : 1][bit / 8] >> bit % 8 & 1) != 0;
  }
  std::span<const LiveField> fields() const { return fields_; }
  /// Fields that such a page needs and the layout has given no room.
  std::span<const std::string> contested() const { return contested_; }
  /// One byte for each byte of the stride, with the bits of that use set.
  std::vector<std::uint8_t> mask(BitUse use) const;

 private:
  void claim(LiveField field, BitUse use);
  void claim_flags(const Layout& layout, const Field& field);
  void claim_all(const Layout& layout, unsigned tail, bool on_lru);

  PageType type_ = PageType::kFree;
  std::vector<LiveField> fields_;
  std::vector<std::string> contested_;
  std::vector<BitUse> use_;
  std::vector<std::int16_t> owner_;
  std::vector<std::uint8_t> words_[2];  // the descriptor's bytes, in each fill
};

}  // namespace pagebox::inline PAGEBOX_ENV
