// Which kind of device memory a dev_pagemap stands for. Kept in the low bits of
// the pagemap's object index, so that a descriptor's `pgmap` alone tells.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/env.h"
#include "page/page_type.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class DeviceMemory : std::uint8_t { kPrivate, kPublic, kCoherent, kFsdax, kGeneric, kP2pdma };
inline constexpr unsigned kDeviceMemories = 6;

struct DeviceMemoryInfo {
  std::string_view name;
  PageType page;  // what its pages are; of memory that stands for RAM, as anonymous memory
  PageType file;  // and as a file's
  bool hmm;       // its pages stand for pages of RAM, handed out one by one
};
/// In the order of DeviceMemory.
inline constexpr std::array<DeviceMemoryInfo, kDeviceMemories> kDeviceMemoryTable = {{
    {"private", PageType::kDevicePrivateAnon, PageType::kDevicePrivateFile, true},
    {"public", PageType::kDevicePublicAnon, PageType::kDevicePublicFile, true},
    {"coherent", PageType::kDeviceCoherent, PageType::kDeviceCoherent, true},
    {"fsdax", PageType::kFsdax, PageType::kFsdax, false},
    {"generic", PageType::kDevdax, PageType::kDevdax, false},
    {"p2pdma", PageType::kP2pdma, PageType::kP2pdma, false},
}};
constexpr const DeviceMemoryInfo& info(DeviceMemory memory) {
  return kDeviceMemoryTable[static_cast<unsigned>(memory)];
}
constexpr bool is_hmm(DeviceMemory memory) { return info(memory).hmm; }

/// Index of ObjectKind::kDevPagemap for the nth pagemap of a box.
constexpr std::uint64_t pagemap_index(DeviceMemory memory, std::uint64_t nth) {
  return nth * 8 + static_cast<unsigned>(memory);
}
constexpr unsigned device_memory_of(std::uint64_t index) {
  return static_cast<unsigned>(index % 8);
}

/// Of a ZONE_DEVICE page type.
constexpr DeviceMemory device_memory(PageType type) {
  for (unsigned i = 0; i < kDeviceMemories; ++i)
    if (kDeviceMemoryTable[i].page == type || kDeviceMemoryTable[i].file == type)
      return static_cast<DeviceMemory>(i);
  return DeviceMemory::kPrivate;
}

}  // namespace pagebox::inline PAGEBOX_ENV
