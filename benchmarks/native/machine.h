// What the benchmarks of memory management share: a machine whose every frame
// was touched before anything is timed, clocks, and how a sample is printed.
#pragma once

#include <ctime>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "engine/box/assembly.h"
#include "mm/mm.h"
#include "pins/registry.h"

namespace bench {

using pagebox::Cpu;
using pagebox::Errc;
using pagebox::kPageBytes;
using pagebox::Machine;
using pagebox::Mm;
using pagebox::Pfn;
using pagebox::Pte;

inline constexpr std::uint64_t kBase = 0x2000'0000'0000;

/// A failed operation would be timed as a fast one.
inline void need(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(1);
}

struct MachineSize {
  unsigned cpus = 1;
  std::uint64_t ram_pages = 0, device_pages = 0, swap_pages = 0;
};

struct TestMachine {
  pagebox::Assembly assembly;
  Machine* machine = nullptr;

  explicit TestMachine(const MachineSize& size) {
    pagebox::AssemblySettings parts;
    parts.ram.layout = *pagebox::find_layout("linux-6.12");
    parts.ram.pages = size.ram_pages;
    parts.ram.device_pages = size.device_pages;
    parts.scheme = *pagebox::find_scheme("refcount-bias");
    parts.shards = size.cpus;
    need(assembly.create(parts) == Errc::kOk, "descriptors and pins");
    pagebox::MachineOptions options;
    options.cpus = size.cpus;
    options.swap_pages = size.swap_pages;
    options.page_batch = pagebox::Allocator::kBatch;
    need(assembly.start_machine(options) == Errc::kOk, "machine");
    machine = assembly.machine();
  }
};

inline std::unique_ptr<Mm> make_mm(Cpu& cpu, std::uint64_t pages) {
  std::unique_ptr<Mm> mm;
  need(Mm::create(cpu, mm) == Errc::kOk, "address space");
  pagebox::MmapRequest request;
  request.address = kBase;
  request.pages = pages;
  request.prot = pagebox::kVmRead | pagebox::kVmWrite;
  need(do_mmap(cpu, *mm, request) == Errc::kOk, "mmap");
  return mm;
}

inline double clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// CPU time of this thread: what others take of a busy machine is not in it.
struct CpuTimer {
  double begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  double ns() const { return clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin; }
};

/// An argument `--name=number`.
inline std::uint64_t option(int argc, char** argv, std::string_view name, std::uint64_t otherwise) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view given = argv[i];
    if (given.size() > name.size() + 3 && given.substr(2, name.size()) == name &&
        given[name.size() + 2] == '=')
      return std::strtoull(argv[i] + name.size() + 3, nullptr, 10);
  }
  return otherwise;
}

}  // namespace bench
