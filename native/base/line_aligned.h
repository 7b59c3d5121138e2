// Objects that begin at a cache line and are made and dropped often: the C library cuts an
// aligned block out of a larger one and gives the ends back, for several times what a plain
// one costs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Base of a class that is alignas(64): how `new` makes it.
class LineAligned {
 public:
  static void* operator new(std::size_t size, std::align_val_t align) {
    if constexpr (kModel) return ::operator new(size, align);
    const auto line = static_cast<std::size_t>(align);
    auto* const block = static_cast<std::byte*>(::operator new(size + line));
    // A plain block begins at a multiple of 16, so in front of the line there is room.
    const std::size_t skip = line - reinterpret_cast<std::uintptr_t>(block) % line;
    std::byte* const object = block + skip;
    reinterpret_cast<std::byte**>(object)[-1] = block;
    return object;
  }
  static void operator delete(void* object, std::align_val_t align) noexcept {
    if constexpr (kModel) return ::operator delete(object, align);
    if (object != nullptr) ::operator delete(reinterpret_cast<std::byte**>(object)[-1]);
  }
};
static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= sizeof(std::byte*));

}  // namespace pagebox::inline PAGEBOX_ENV
