// A process of a scenario: an address space, the letters it has mapped, the files
// behind them and the pins it holds. Threads share it.
//
// Locks: life > the locks of memory management; lock is held over no call of it but
// for references of files.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/percpu_rw_lock.h"
#include "base/plain.h"
#include "engine/scenario/ops.h"
#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

class Mirror;

/// Letters lie 64 MiB apart.
inline constexpr std::uint64_t kBufferBase = 0x2000'0000'0000, kBufferStride = 64ULL << 20;

struct Buffer {
  std::uint64_t pages = 1;       // as last mapped here or by an ancestor
  bool known = false;            // mapped or moved to: the slot has a file descriptor
  AddressSpace* file = nullptr;  // behind file-*; held
};

/// Names are given by threads. Those of thread 0, which sets the scenario up, are
/// everybody's; a thread's own come before them.
struct PinName {
  std::uint32_t thread = 0;
  std::int64_t id = 0;
  auto operator<=>(const PinName&) const = default;
};

struct HeldPin {
  PinVia via = PinVia::kGupTest;
  std::vector<Pfn> pages;
};

struct Process {
  std::unique_ptr<Mm> mm;
  PercpuRwLock life;   // shared by operations, exclusive for the exit
  Plain<bool> exited;  // life

  mutable SpinLock lock;  // what follows: the table of descriptors, as a process has one
  std::array<Buffer, kBuffers> buffers;
  std::map<PinName, HeldPin> pins;
  std::array<Mirror*, kDevices> devices{};  // open handles

  std::uint64_t address(const Op& op) const {
    return kBufferBase + op.buf * kBufferStride + first_page(op) * kPageBytes;
  }
  static std::uint64_t first_page(const Op& op) { return op.has_page ? op.page : 0; }
  std::uint64_t count(const Op& op) const {
    if (op.has_n) return op.n;
    return op.has_page ? 1 : pages_of(op.buf);
  }
  std::uint64_t pages_of(unsigned buf) const {
    Guard guard(lock);
    return buffers[buf].pages;
  }
};

}  // namespace pagebox::inline PAGEBOX_ENV
