// A small machine for tests of mm.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "engine/audit/audit_mm.h"
#include "mm/machine.h"
#include "mm/mm.h"
#include "pins/registry.h"

namespace pagebox::testing {

inline MachineOptions with_huge_pages() {
  MachineOptions options;
  options.transparent_huge_pages = true;
  return options;
}

struct MmBox {
  std::unique_ptr<Memmap> memmap;
  std::unique_ptr<Zone> zone;
  std::unique_ptr<Allocator> allocator;
  std::unique_ptr<Pins> pins;
  std::unique_ptr<Machine> machine;

  explicit MmBox(unsigned cpus = 1, const char* scheme = "refcount-bias",
                 std::uint64_t pages = 4096, std::uint64_t device_pages = 0,
                 MachineOptions options = {})
      : MmBox(cpus, *find_scheme(scheme), pages, device_pages, options) {}
  MmBox(unsigned cpus, const SchemeSpec& scheme, std::uint64_t pages = 4096,
        std::uint64_t device_pages = 0, MachineOptions options = {}) {
    const Layout layout = layout_for(scheme, *find_layout("linux-6.12"));
    EXPECT_EQ(Memmap::create(layout, pages, pages + device_pages, memmap), Errc::kOk);
    zone = std::make_unique<Zone>(*memmap, kZoneNormal);
    allocator = std::make_unique<Allocator>(*memmap, Pfn{0}, Pfn{pages});
    EXPECT_EQ(Pins::create(scheme, *memmap, *zone, cpus, pins), Errc::kOk);
    machine = std::make_unique<Machine>(*memmap, *zone, *allocator, *pins);
    options.cpus = cpus;
    options.swap_pages = 1024;
    EXPECT_EQ(machine->start(options), Errc::kOk);
  }

  Cpu& cpu(unsigned index = 0) { return machine->cpu(index); }
  std::unique_ptr<Mm> create_mm() {
    std::unique_ptr<Mm> mm;
    EXPECT_EQ(Mm::create(cpu(), mm), Errc::kOk);
    return mm;
  }
  /// Rows of the audit, in words.
  std::vector<std::string> audit(std::vector<Mm*> mms, std::vector<HeldReference> held = {}) {
    machine->rcu.barrier();  // tables on their way out have a reference still
    std::vector<std::string> out;
    for (const MmAuditRow& row : audit_mm(*machine, {mms, held}))
      out.push_back(std::string(kMmInvariantNames[static_cast<unsigned>(row.invariant)]) + " at " +
                    std::to_string(row.where) + ": expected " + std::to_string(row.expected) +
                    ", found " + std::to_string(row.found) + " (" + row.explanation + ")");
    return out;
  }
};

inline constexpr std::uint64_t kTestBase = 0x2000'0000'0000;

inline Errc map_anon(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint64_t pages,
                     std::uint64_t prot = kVmRead | kVmWrite) {
  MmapRequest request;
  request.address = address;
  request.pages = pages;
  request.prot = prot;
  return do_mmap(cpu, mm, request);
}

}  // namespace pagebox::testing
