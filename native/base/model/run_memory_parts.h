// How a RunMemory's heap is divided.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

inline constexpr std::size_t kHeapBytes = std::size_t{1} << 30;  // of a slot, from its start
inline constexpr std::size_t kConstantBytes = std::size_t{64} << 20,
                             kConstants = kHeapBytes - kConstantBytes;

// Blocks of one class have one size, so a freed one fits the next: multiples of 16 bytes to 1 KiB
// and of 256 bytes to 16 KiB, as what lies between is looked at too; then powers of two.
inline constexpr unsigned kSmallClasses = 64;
inline constexpr std::size_t kSmallBytes = kSmallClasses * 16, kMediumBytes = 16 << 10,
                             kMediumStep = 256;
/// Blocks of these, to 16 KiB, are not used again if they are free when memory is kept.
inline constexpr unsigned kDroppedClasses =
    kSmallClasses + static_cast<unsigned>((kMediumBytes - kSmallBytes) / kMediumStep);
inline constexpr unsigned kClasses =
    kDroppedClasses + static_cast<unsigned>(std::bit_width(kHeapBytes / kMediumBytes));

inline unsigned class_of(std::size_t bytes) {
  if (bytes <= kSmallBytes) return static_cast<unsigned>((bytes + 15) / 16) - 1;
  if (bytes <= kMediumBytes)
    return kSmallClasses + static_cast<unsigned>((bytes - kSmallBytes - 1) / kMediumStep);
  return kDroppedClasses + static_cast<unsigned>(std::bit_width((bytes - 1) / kMediumBytes)) - 1;
}
inline std::size_t bytes_of(unsigned of) {
  if (of < kSmallClasses) return std::size_t{of + 1} * 16;
  if (of < kDroppedClasses) return kSmallBytes + std::size_t{of - kSmallClasses + 1} * kMediumStep;
  return 2 * kMediumBytes << (of - kDroppedClasses);
}

/// What is all zero is held against one page that stays in the cache.
alignas(64) inline constexpr std::array<std::byte, 4096> kZeroPage{};

/// Before each block.
struct alignas(16) BlockHead {
  std::uint32_t of = 0;      // its class
  std::uint32_t offset = 0;  // from the block's begin to what was handed out
};

}  // namespace pagebox::inline PAGEBOX_ENV
