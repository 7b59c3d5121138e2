// A small machine for tests of mm.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/audit/audit_mm.h"
#include "engine/box/assembly.h"
#include "mm/file/files.h"
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
  Assembly assembly;
  Memmap* memmap = nullptr;
  Zone* zone = nullptr;
  Allocator* allocator = nullptr;
  Pins* pins = nullptr;
  Machine* machine = nullptr;

  explicit MmBox(unsigned cpus = 1, const char* scheme = "refcount-bias",
                 std::uint64_t pages = 4096, std::uint64_t device_pages = 0,
                 MachineOptions options = {}, const Behaviour& behaviour = {},
                 const char* layout = "linux-6.12")
      : MmBox(cpus, *find_scheme(scheme), pages, device_pages, options, behaviour, layout) {}
  MmBox(unsigned cpus, const SchemeSpec& scheme, std::uint64_t pages = 4096,
        std::uint64_t device_pages = 0, MachineOptions options = {},
        const Behaviour& behaviour = {}, const char* layout = "linux-6.12") {
    AssemblySettings parts;
    parts.ram.layout = *find_layout(layout);
    parts.ram.behaviour = behaviour;
    parts.ram.pages = pages;
    parts.ram.device_pages = device_pages;
    parts.scheme = scheme;
    parts.shards = cpus;
    EXPECT_EQ(assembly.create(parts), Errc::kOk);
    options.cpus = cpus;
    options.swap_pages = 1024;
    EXPECT_EQ(assembly.start_machine(options), Errc::kOk);
    memmap = &assembly.memmap();
    zone = &assembly.zone();
    allocator = &assembly.allocator();
    pins = &assembly.pins();
    machine = assembly.machine();
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
    AuditReport report;
    AuditSink sink(report, kAuditRows);
    audit_mm(*machine, {.mms = mms, .held = held}, sink);
    std::vector<std::string> out;
    for (const AuditRow& row : report.rows) out.push_back(row_text(row));
    return out;
  }
};

/// What an audit says that finds nothing.
inline const std::vector<std::string> kClean;

inline constexpr std::uint64_t kTestBase = 0x2000'0000'0000;

inline Errc map_anon(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint64_t pages,
                     std::uint64_t prot = kVmRead | kVmWrite) {
  MmapRequest request;
  request.address = address;
  request.pages = pages;
  request.prot = prot;
  return do_mmap(cpu, mm, request);
}

/// A file in memory of so many pages, mapped shared and writable; the mapping alone keeps it.
inline Errc map_shmem(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint64_t pages) {
  AddressSpace* file = create_shmem(cpu.machine, pages);
  MmapRequest request;
  request.address = address;
  request.pages = pages;
  request.prot = kVmRead | kVmWrite;
  request.shared = true;
  request.file = file;
  const Errc error = do_mmap(cpu, mm, request);
  put_file(cpu, *file);
  return error;
}

}  // namespace pagebox::testing
