// Sandbox addresses: what pointers inside descriptors look like. Never
// dereferenced; turned into C++ references only after range, alignment and
// kind were checked, so a corrupted word is found and not followed.
//
//   8-byte words                              4-byte words
//   ffff888000000000  objects, 64 GiB a kind  c0000000  descriptors
//   ffffea0000000000  descriptors             ec000000  objects, 16 MiB a kind
//   dead000000000100  list poison             00000100  list poison
#pragma once

#include <cstdint>
#include <optional>

#include "base/env.h"
#include "page/object_kind.h"
#include "page/pfn.h"
#include "page/shape.h"

namespace pagebox::inline PAGEBOX_ENV {

class AddressMap {
 public:
  /// Where pointers of words of 8 and of 4 bytes begin, and what poison is added to (nothing in 4).
  static constexpr std::uint64_t kKernel64 = 0xffff800000000000, kPoison64 = 0xdead000000000000;
  static constexpr std::uint32_t kKernel32 = 0xc0000000;
  static constexpr std::uint32_t kListPoison1 = 0x100, kListPoison2 = 0x122;
  static constexpr std::uint32_t kBothPoisons = kListPoison2 - kListPoison1;

  AddressMap() = default;
  explicit AddressMap(const Shape& shape);

  std::uint64_t of_page(Pfn pfn) const { return page_base_ + pfn.value * stride_; }
  /// Of the page's `lru` member.
  std::uint64_t of_lru(Pfn pfn) const { return of_page(pfn) + lru_; }
  /// The page whose descriptor starts at `address`, below `pages`.
  std::optional<Pfn> page_at(std::uint64_t address, std::uint64_t pages) const {
    const std::uint64_t offset = address - page_base_;
    if (address < page_base_ || offset >= pages * stride_) return std::nullopt;
    // Most strides are powers of two, and this is done for each step along a list.
    const std::uint64_t index = stride_shift_ != 0 ? offset >> stride_shift_ : offset / stride_;
    if (index * stride_ != offset) return std::nullopt;
    return Pfn{index};
  }
  std::optional<Pfn> page_of_lru(std::uint64_t address, std::uint64_t pages) const {
    return page_at(address - lru_, pages);
  }

  /// The same of a member, for bytes from the first descriptor on; nothing if none of
  /// `bytes` starts there.
  std::uint64_t of_member(std::uint64_t offset_bytes, unsigned member) const {
    return page_base_ + member + offset_bytes;
  }
  std::optional<std::uint64_t> offset_of_member(std::uint64_t address, unsigned member,
                                                std::uint64_t bytes) const {
    const std::uint64_t offset = address - member - page_base_;
    if (offset >= bytes) return std::nullopt;
    const std::uint64_t within = stride_shift_ != 0 ? offset & (stride_ - 1ULL) : offset % stride_;
    return within == 0 ? std::optional(offset) : std::nullopt;
  }

  /// Object `index` of a kind, below objects_per_kind(); of kPage: the
  /// descriptor of that pfn. LRU anchors lie at 8 modulo 64, as in a lruvec.
  std::uint64_t of_object(ObjectKind kind, std::uint64_t index) const {
    if (kind == ObjectKind::kPage) return of_page({index});
    return object_base_ + (static_cast<std::uint64_t>(kind) << object_shift_) +
           index * kObjectBytes + (kind == ObjectKind::kLruAnchor ? kAnchorOffset : 0);
  }
  /// The index, if `address` is exactly an object of that kind. Not for kPage,
  /// whose range depends on the number of pages: see page_at().
  std::optional<std::uint64_t> object_at(ObjectKind kind, std::uint64_t address) const;
  std::uint64_t objects_per_kind() const { return (1ULL << object_shift_) / kObjectBytes; }

  std::uint64_t list_poison1() const { return poison_base_ + kListPoison1; }
  std::uint64_t list_poison2() const { return poison_base_ + kListPoison2; }
  std::uint64_t tail_mapping() const { return poison_base_ + 0x400; }

 private:
  static constexpr std::uint64_t kObjectBytes = 64, kAnchorOffset = 8;
  std::uint64_t page_base_ = 0, object_base_ = 0, poison_base_ = 0;
  std::uint16_t stride_ = 64, lru_ = 8;
  std::uint8_t word_bytes_ = 8, object_shift_ = 0, stride_shift_ = 0;
};

/// Whether a word with this value may be a link of a list, or what unlinking left of one. True for
/// every such word, and for few others.
template <class Word>
constexpr bool may_be_link(Word word) {
  if constexpr (sizeof(Word) == 8) {
    return word >= AddressMap::kKernel64 ||
           word - (AddressMap::kPoison64 + AddressMap::kListPoison1) <= AddressMap::kBothPoisons;
  } else {
    return word >= AddressMap::kKernel32 ||
           word - AddressMap::kListPoison1 <= AddressMap::kBothPoisons;
  }
}

/// Low bits of `mapping`.
inline constexpr std::uint64_t kMappingAnon = 1, kMappingMovable = 2, kMappingFlags = 3;

}  // namespace pagebox::inline PAGEBOX_ENV
