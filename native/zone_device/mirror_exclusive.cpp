// EXCLUSIVE and CHECK_EXCLUSIVE.
#include <algorithm>
#include <array>

#include "mm/folio_state.h"
#include "mm/range.h"
#include "mm/swap/release.h"
#include "zone_device/device_exclusive.h"
#include "zone_device/mirror.h"

namespace pagebox::inline PAGEBOX_ENV {

std::uint64_t Mirror::exclusive_chunk(Cpu& cpu, std::uint64_t start, std::uint64_t pages) {
  std::array<Page, kChunk> got;
  const ExclusivePages had =
      make_device_exclusive_range(cpu, mm(), start, std::span(got).first(pages), nullptr);
  cpu.pass(StopPoint::kExclusiveMade);
  std::uint64_t entered = 0;
  // Enter them while they are locked: whoever ends the access must take that lock. Who zaps
  // the entry need not.
  if (had.got == pages) {
    std::array<Arrival, kChunk> arrivals;
    std::size_t count = 0;
    for (std::uint64_t i = 0; i < pages; ++i) {
      if (!got[i]) continue;
      const Pfn pfn = device_.machine().pfn_of(got[i]);
      arrivals[count++] = {start + i * kPageBytes, {pfn, MirrorAccess::kAtomic}, pfn};
    }
    // Those that are gone already were taken: the device finds no entry.
    (void)enter_arrivals(std::span(arrivals).first(count));
    entered = count;
  }
  for (std::uint64_t i = 0; i < had.got; ++i) {
    if (!got[i]) continue;
    folio_unlock(got[i]);
    folio_put(cpu, got[i]);
  }
  return entered;
}

MirrorResult Mirror::exclusive(Cpu& cpu, std::uint64_t start, std::uint64_t pages,
                               std::span<std::byte> out) {
  if (!valid_range(start, pages) || (!out.empty() && !fits(out.size(), pages)))
    return {Errc::kInval};
  {
    SharedGuard guard(mm().mmap_lock);
    for (std::uint64_t done = 0; done < pages;) {
      const std::uint64_t chunk = std::min(kChunk, pages - done);
      if (exclusive_chunk(cpu, start + done * kPageBytes, chunk) != chunk) return {Errc::kBusy};
      done += chunk;
    }
  }
  const std::uint64_t copied = copy_out(start, pages, out);
  if (copied != pages) return {Errc::kNoEnt};
  return {Errc::kOk, copied};
}

Errc Mirror::check_exclusive(std::uint64_t start, std::uint64_t pages) {
  if (!valid_range(start, pages)) return Errc::kInval;
  Guard guard(lock_);
  for (std::uint64_t i = 0; i < pages; ++i) {
    const MirrorEntry* entry = table_.find(start + i * kPageBytes);
    if (entry != nullptr && entry->access == MirrorAccess::kAtomic) return Errc::kPerm;
  }
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
