#include "page/address.h"

namespace pagebox::inline PAGEBOX_ENV {

AddressMap::AddressMap(const Shape& shape)
    : stride_(shape.stride_bytes),
      lru_(shape.lru.next),
      word_bytes_(shape.word_bytes),
      stride_shift_(shape.stride_shift) {
  if (word_bytes_ == 8) {
    page_base_ = 0xffffea0000000000;
    object_base_ = 0xffff888000000000;
    poison_base_ = kPoison64;
    object_shift_ = 36;
  } else {
    // 2^24 descriptors of 44 bytes end exactly where the objects begin.
    page_base_ = kKernel32;
    object_base_ = 0xec000000;
    object_shift_ = 24;
  }
}

std::optional<std::uint64_t> AddressMap::object_at(ObjectKind kind, std::uint64_t address) const {
  if (kind == ObjectKind::kPage) return std::nullopt;
  const std::uint64_t first = of_object(kind, 0);
  if (address < first) return std::nullopt;
  const std::uint64_t offset = address - first;
  if (offset % kObjectBytes != 0 || offset / kObjectBytes >= objects_per_kind())
    return std::nullopt;
  return offset / kObjectBytes;
}

}  // namespace pagebox::inline PAGEBOX_ENV
