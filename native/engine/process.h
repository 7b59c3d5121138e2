// A process of a scenario: an address space, the letters it has mapped, the files
// behind them and the pins it holds.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "engine/ops.h"
#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Letters lie 64 MiB apart.
inline constexpr std::uint64_t kBufferBase = 0x2000'0000'0000, kBufferStride = 64ULL << 20;

struct Buffer {
  std::uint64_t pages = 1;       // as last mapped here or by an ancestor
  bool known = false;            // mapped or moved to: the slot has a file descriptor
  AddressSpace* file = nullptr;  // behind file-*; held
};

struct HeldPin {
  PinVia via = PinVia::kGupTest;
  std::vector<Pfn> pages;
};

struct Process {
  std::unique_ptr<Mm> mm;
  std::array<Buffer, kBuffers> buffers;
  std::map<std::int64_t, HeldPin> pins;

  std::uint64_t address(const Op& op) const {
    return kBufferBase + op.buf * kBufferStride + first_page(op) * kPageBytes;
  }
  static std::uint64_t first_page(const Op& op) { return op.has_page ? op.page : 0; }
  std::uint64_t count(const Op& op) const {
    if (op.has_n) return op.n;
    return op.has_page ? 1 : buffers[op.buf].pages;
  }
};

}  // namespace pagebox::inline PAGEBOX_ENV
