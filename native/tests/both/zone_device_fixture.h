// A small machine with a mirror device behind its RAM.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "engine/audit/audit_mm.h"
#include "mm/fault/user_access.h"
#include "pins/registry.h"
#include "tests/both/test_name.h"
#include "zone_device/mirror.h"

namespace pagebox::inline PAGEBOX_ENV {

/// How tests name it.
inline std::string test_name(DeviceMemory memory) {
  switch (memory) {
    case DeviceMemory::kPrivate: return "private";
    case DeviceMemory::kCoherent: return "coherent";
    case DeviceMemory::kPublic: return "public";
    default: return "other";
  }
}
/// googletest's: what a parameter is printed as.
inline void PrintTo(DeviceMemory memory, std::ostream* out) { *out << test_name(memory); }

}  // namespace pagebox::inline PAGEBOX_ENV

namespace pagebox::testing {

inline constexpr std::uint64_t kRamPages = 2048, kDevicePages = 64, kBase = 0x2000'0000'0000;

struct DeviceBox {
  std::unique_ptr<Memmap> memmap;
  std::unique_ptr<Zone> zone;
  std::unique_ptr<Allocator> allocator;
  std::unique_ptr<Pins> pins;
  std::unique_ptr<Machine> machine;
  std::unique_ptr<MirrorDevice> device;

  explicit DeviceBox(DeviceMemory memory, unsigned cpus = 1,
                     std::uint64_t device_pages = kDevicePages, const char* layout = "linux-6.12",
                     bool file_backed = false, const char* scheme = "refcount-bias") {
    EXPECT_EQ(Memmap::create(layout_for(*find_scheme(scheme), *find_layout(layout)), kRamPages,
                             kRamPages + device_pages, memmap),
              Errc::kOk);
    zone = std::make_unique<Zone>(*memmap, kZoneNormal);
    allocator = std::make_unique<Allocator>(*memmap, Pfn{0}, Pfn{kRamPages});
    EXPECT_EQ(Pins::create(*find_scheme(scheme), *memmap, *zone, cpus, pins), Errc::kOk);
    machine = std::make_unique<Machine>(*memmap, *zone, *allocator, *pins);
    MachineOptions options;
    options.cpus = cpus;
    options.swap_pages = 512;
    options.file_backed_device_pages = file_backed;
    EXPECT_EQ(machine->start(options), Errc::kOk);
    MirrorDeviceOptions of_device;
    of_device.memory = memory;
    of_device.first = {kRamPages};
    of_device.pages = device_pages;
    EXPECT_EQ(MirrorDevice::create(*machine, of_device, device), Errc::kOk);
  }

  Cpu& cpu(unsigned index = 0) { return machine->cpu(index); }

  std::unique_ptr<Mm> create_mm(std::uint64_t pages) {
    std::unique_ptr<Mm> mm;
    EXPECT_EQ(Mm::create(cpu(), mm), Errc::kOk);
    MmapRequest request;
    request.address = kBase;
    request.pages = pages;
    request.prot = kVmRead | kVmWrite;
    EXPECT_EQ(do_mmap(cpu(), *mm, request), Errc::kOk);
    return mm;
  }
  void fill(Mm& mm, std::uint64_t pages, std::uint64_t value) {
    for (std::uint64_t i = 0; i < pages; ++i)
      EXPECT_EQ(store_word(cpu(), mm, kBase + i * kPageBytes, value + i), FaultResult::kOk);
  }
  std::uint64_t word(Mm& mm, std::uint64_t page) {
    std::uint64_t word = 0;
    EXPECT_EQ(load_word(cpu(), mm, kBase + page * kPageBytes, word), FaultResult::kOk);
    return word;
  }
  /// Rows of the audit, in words.
  std::vector<std::string> audit(std::vector<Mm*> mms, std::vector<HeldReference> held = {}) {
    std::vector<std::string> out;
    for (const MmAuditRow& row : audit_mm(*machine, {mms, held}))
      out.push_back(std::string(kMmInvariantNames[static_cast<unsigned>(row.invariant)]) + " at " +
                    std::to_string(row.where) + ": expected " + std::to_string(row.expected) +
                    ", found " + std::to_string(row.found) + " (" + row.explanation + ")");
    return out;
  }
  /// Nothing is left of the process.
  void exit(Mm& mm) {
    mm.exit(cpu());
    lru_add_drain_all(cpu());
    machine->rcu.barrier();
  }
};

inline const std::vector<std::string> kClean;

}  // namespace pagebox::testing
