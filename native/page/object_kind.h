// The kinds of kernel objects that a descriptor's pointers name. Each kind has
// an address range of its own (address.h), so a pointer of the wrong kind is
// told from a right one without following it.
#pragma once

#include <cstdint>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class ObjectKind : std::uint8_t {
  kLruAnchor,  // list heads: a zone's LRU lists, the allocator's free lists
  kAddressSpace,
  kAnonVma,
  kDevPagemap,
  kDriverData,
  kSlabCache,
  kMm,
  kBufferHead,
  kPageTableLock,
  kMemCgroup,
  kSlabObject,  // what a slab's freelist points to
  kPage,        // a descriptor: its address lies in the array itself
};
inline constexpr unsigned kObjectKinds = 12;

}  // namespace pagebox::inline PAGEBOX_ENV
