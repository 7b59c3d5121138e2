// How a RunMemory's heap is divided.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

// Of a slot, from its start: the heap, Mappings, and for each 16 bytes of the heap a bit for what
// the schedule has freed and one for where checked fields are.
inline constexpr std::size_t kHeapBytes = std::size_t{1} << 30, kMostMapped = std::size_t{15} << 30,
                             kBitsBytes = kHeapBytes / 16 / 8,
                             kFreedBits = kHeapBytes + kMostMapped,
                             kCheckedBits = kFreedBits + kBitsBytes,
                             kUsedBytes = kCheckedBits + kBitsBytes;
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

/// Of what a schedule has made and frees.
inline constexpr std::size_t kMostHeldBack = std::size_t{1} << 20;

// Of a row of bits.
inline bool has_bit(const std::uint64_t* bits, std::size_t at) {
  return (bits[at / 64] >> at % 64 & 1) != 0;
}
inline void set_bits(std::uint64_t* bits, std::size_t first, std::size_t count, bool value) {
  for (std::size_t at = first, end = first + count; at < end;) {
    const std::size_t part = std::min(64 - at % 64, end - at);
    const std::uint64_t mask = ~std::uint64_t{0} >> (64 - part) << at % 64;
    bits[at / 64] = value ? bits[at / 64] | mask : bits[at / 64] & ~mask;
    at += part;
  }
}
inline bool has_bits(const std::uint64_t* bits, std::size_t first, std::size_t count) {
  for (std::size_t at = first, end = first + count; at < end;) {
    const std::size_t part = std::min(64 - at % 64, end - at);
    if ((bits[at / 64] & ~std::uint64_t{0} >> (64 - part) << at % 64) != 0) return true;
    at += part;
  }
  return false;
}

/// Before each block.
struct alignas(16) BlockHead {
  std::uint32_t of = 0;      // its class
  std::uint32_t offset = 0;  // from the block's begin to what was handed out
};

}  // namespace pagebox::inline PAGEBOX_ENV
