// Which kind of device memory a dev_pagemap stands for. Kept in the low bits of
// the pagemap's object index, so that a descriptor's `pgmap` alone tells.
#pragma once

#include <cstdint>

#include "base/env.h"
#include "page/page_type.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class DeviceMemory : std::uint8_t { kPrivate, kPublic, kCoherent, kFsdax, kGeneric, kP2pdma };
inline constexpr unsigned kDeviceMemories = 6;

/// Index of ObjectKind::kDevPagemap for the nth pagemap of a box.
constexpr std::uint64_t pagemap_index(DeviceMemory memory, std::uint64_t nth) {
  return nth * 8 + static_cast<unsigned>(memory);
}
constexpr unsigned device_memory_of(std::uint64_t index) {
  return static_cast<unsigned>(index % 8);
}

/// Of a ZONE_DEVICE page type.
constexpr DeviceMemory device_memory(PageType type) {
  switch (type) {
    case PageType::kDevicePublicAnon:
    case PageType::kDevicePublicFile: return DeviceMemory::kPublic;
    case PageType::kDeviceCoherent: return DeviceMemory::kCoherent;
    case PageType::kFsdax: return DeviceMemory::kFsdax;
    case PageType::kDevdax: return DeviceMemory::kGeneric;
    case PageType::kP2pdma: return DeviceMemory::kP2pdma;
    default: return DeviceMemory::kPrivate;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
