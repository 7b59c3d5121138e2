// Pages on their way to the swap area.
#pragma once

#include <cstdint>
#include <span>

#include "base/uninit_array.h"
#include "mm/mm.h"
#include "page/page.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Folios whose bytes are moved in one go, as the kernel's block layer merges what reclaim sends
/// between blk_start_plug() and blk_finish_plug(): a locked instruction between two of them would
/// wait until the first has left the processor. Each is locked by who adds it, and stays so until
/// submit() is back. In the model, and where the operation will stop at a step, one at a time.
class SwapWrites {
 public:
  explicit SwapWrites(Cpu& cpu) : cpu_(cpu), most_(kModel || cpu.stops() ? 1 : kMost) {}
  SwapWrites(const SwapWrites&) = delete;
  SwapWrites& operator=(const SwapWrites&) = delete;

  /// From now on the folio is under writeback. Not while full. False: the swap cache does not
  /// have it, and it stays dirty.
  bool add(Page folio);
  /// The same of who has just put it into the cache, from this slot on.
  void add(Page folio, std::uint64_t first_slot);
  bool is_full() const { return pages_ >= most_; }
  /// Those that were added, clean now: in their order, until the next one is added. Synchronous, as
  /// to a RAM disk.
  std::span<const Pfn> submit();

 private:
  static constexpr std::size_t kMost = 32;  // v6.12: SWAP_CLUSTER_MAX

  Cpu& cpu_;
  const std::size_t most_;
  std::size_t count_ = 0, pages_ = 0;
  UninitArray<Pfn, kMost> folios_;
  UninitArray<std::uint64_t, kMost> slots_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
