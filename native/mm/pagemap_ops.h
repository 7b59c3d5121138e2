// What mm needs from a device's memory. The lower room declares it, the higher
// one (zone_device) fills it in, as with the kernel's dev_pagemap_ops.
#pragma once

#include <cstdint>

#include "base/env.h"
#include "mm/fault_result.h"
#include "page/page.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

class Cpu;
struct Vma;

enum class MemoryType : std::uint8_t {
  kDevicePrivate,
  kDeviceCoherent,
  kDevicePublic,
  kFsdax,
  kGeneric,
  kP2pdma,
};

struct PagemapOps {
  /// A CPU access met a device-private entry. Called with mmap_lock shared, the page
  /// locked and a reference on it, no page-table lock. After kOk the fault is retried.
  FaultResult (*migrate_to_ram)(void* self, Cpu& cpu, Vma& vma, std::uint64_t address, Page page);
  /// The last reference to a page of the device is gone.
  void (*page_free)(void* self, Cpu& cpu, Page page);
  /// A long-term pin met a coherent page: move it to RAM. kBusy: somebody else
  /// holds it. Called without a lock and with a reference on the page, which it drops.
  Errc (*migrate_device_page)(void* self, Cpu& cpu, Page page);
};

/// One contiguous range of device pages.
struct PagemapRange {
  Pfn first;
  std::uint64_t pages = 0;
  MemoryType type = MemoryType::kDevicePrivate;
  const PagemapOps* ops = nullptr;
  void* self = nullptr;
};

}  // namespace pagebox::inline PAGEBOX_ENV
