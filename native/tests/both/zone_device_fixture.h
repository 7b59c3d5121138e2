// A small machine with a mirror device behind its RAM.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "engine/audit/audit_mm.h"
#include "engine/box/assembly.h"
#include "mm/fault/user_access.h"
#include "pins/registry.h"
#include "tests/both/mm_fixture.h"
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
  Assembly assembly;
  Memmap* memmap = nullptr;
  Zone* zone = nullptr;
  Allocator* allocator = nullptr;
  Pins* pins = nullptr;
  Machine* machine = nullptr;
  std::unique_ptr<MirrorDevice> device;

  explicit DeviceBox(DeviceMemory memory, unsigned cpus = 1,
                     std::uint64_t device_pages = kDevicePages, const char* layout = "linux-6.12",
                     bool file_backed = false, const char* scheme = "refcount-bias",
                     Behaviour behaviour = {}) {
    behaviour.options = behaviour.options.with(MachineOption::kFileBackedDevicePages, file_backed);
    AssemblySettings parts;
    parts.ram.layout = *find_layout(layout);
    parts.ram.behaviour = behaviour;
    parts.ram.pages = kRamPages;
    parts.ram.device_pages = device_pages;
    parts.scheme = *find_scheme(scheme);
    parts.shards = cpus;
    EXPECT_EQ(assembly.create(parts), Errc::kOk);
    MachineOptions options;
    options.cpus = cpus;
    options.swap_pages = 512;
    EXPECT_EQ(assembly.start_machine(options), Errc::kOk);
    memmap = &assembly.memmap();
    zone = &assembly.zone();
    allocator = &assembly.allocator();
    pins = &assembly.pins();
    machine = assembly.machine();
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
    AuditReport report;
    AuditSink sink(report, kAuditRows);
    audit_mm(*machine, {.mms = mms, .held = held}, sink);
    std::vector<std::string> out;
    for (const AuditRow& row : report.rows) out.push_back(row_text(row));
    return out;
  }
  /// Nothing is left of the process.
  void exit(Mm& mm) {
    mm.exit(cpu());
    lru_add_drain_all(cpu());
    machine->rcu.barrier();
  }
};

}  // namespace pagebox::testing
