// What mm needs from a device's memory. The lower room declares it, the higher
// one (zone_device) fills it in, as with the kernel's dev_pagemap_ops.
#pragma once

#include <cstdint>
#include <span>

#include "base/env.h"
#include "mm/fault/fault_result.h"
#include "page/device_type.h"
#include "page/page.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

class Cpu;
struct Vma;

struct PagemapOps {
  /// A CPU access met a device-private entry. Called with mmap_lock shared, the page
  /// locked and a reference on it, no page-table lock. After kOk the fault is retried.
  /// Empty page: it has neither (Quirk::kDeviceFaultUnreferenced).
  FaultResult (*migrate_to_ram)(void* self, Cpu& cpu, Vma& vma, std::uint64_t address, Page page);
  /// The last references to these pages of the device are gone.
  void (*pages_free)(void* self, Cpu& cpu, std::span<const Pfn> pages);
  /// A long-term pin met a coherent page, or a reader of a file a private one: move it
  /// to RAM. kBusy: somebody else holds it; kNoMem: there is no RAM. Called without a
  /// lock and with a reference on the page, which it drops.
  Errc (*migrate_device_page)(void* self, Cpu& cpu, Page page);
  /// A page may have become idle; wakes who waits for that. Null: idle pages are free.
  void (*page_idle)(void* self, Cpu& cpu, Page page);
};

/// One contiguous range of device pages.
struct PagemapRange {
  Pfn first;
  std::uint64_t pages = 0;
  DeviceMemory memory = DeviceMemory::kPrivate;
  const PagemapOps* ops = nullptr;
  void* self = nullptr;
  /// References of a page that nobody uses.
  std::int32_t idle_refs = 0;
  /// Those of them that stay beside its users': p2pdma has its one only while free.
  std::int32_t kept_refs() const { return memory == DeviceMemory::kP2pdma ? 0 : idle_refs; }
};

}  // namespace pagebox::inline PAGEBOX_ENV
