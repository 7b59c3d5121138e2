// A small machine for tests of mm.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "engine/audit_mm.h"
#include "mm/machine.h"
#include "mm/mm.h"
#include "pins/registry.h"

namespace pagebox::testing {

struct MmBox {
  std::unique_ptr<Memmap> memmap;
  std::unique_ptr<Zone> zone;
  std::unique_ptr<Allocator> allocator;
  std::unique_ptr<Pins> pins;
  std::unique_ptr<Machine> machine;

  explicit MmBox(unsigned cpus = 1, const char* scheme = "refcount-bias",
                 std::uint64_t pages = 4096, bool huge_pages = false) {
    EXPECT_EQ(Memmap::create(*find_layout("linux-6.12"), pages, pages, memmap), Errc::kOk);
    zone = std::make_unique<Zone>(*memmap, kZoneNormal);
    allocator = std::make_unique<Allocator>(*memmap, Pfn{0}, Pfn{pages});
    EXPECT_EQ(Pins::create(*find_scheme(scheme), *memmap, *zone, cpus, pins), Errc::kOk);
    machine = std::make_unique<Machine>(*memmap, *zone, *allocator, *pins);
    MachineOptions options;
    options.cpus = cpus;
    options.swap_pages = 1024;
    options.transparent_huge_pages = huge_pages;
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
