// get_user_pages and pin_user_pages. Fast: no lock, look at the page table, grab,
// look again. Slow: under mmap_lock, faulting. Flags and errors as v6.12.
#pragma once

#include <cstdint>
#include <span>

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

enum FollFlags : std::uint32_t {
  kFollWrite = 1 << 0,
  kFollGet = 1 << 1,
  kFollForce = 1 << 3,
  kFollLongterm = 1 << 8,  // EINVAL without kFollPin
  kFollSplitPmd = 1 << 9,
  kFollPciP2pdma = 1 << 10,
  kFollCow = 1 << 14,  // until v6.0, GUP's own: the fault has broken COW
  kFollTouch = 1 << 16,
  kFollPin = 1 << 19,
  kFollFastOnly = 1 << 20,
  kFollMadvPopulate = 1 << 22,
};

/// Pages had, and the error that stopped it. Like the kernel: an error counts only
/// if no page was had.
struct GupResult {
  std::uint64_t pages = 0;
  Errc error = Errc::kOk;
  bool full = false;  // kNoMem is that of a count which can take no more
};

/// The four calls. `out` takes one pfn a page; its size is how many are wanted.
/// The zero page is never counted as pinned.
GupResult get_user_pages(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint32_t flags,
                         std::span<Pfn> out);
GupResult get_user_pages_fast(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint32_t flags,
                              std::span<Pfn> out);
GupResult pin_user_pages(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint32_t flags,
                         std::span<Pfn> out);
GupResult pin_user_pages_fast(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint32_t flags,
                              std::span<Pfn> out);
void put_user_page(Cpu& cpu, Pfn pfn);
void unpin_user_page(Cpu& cpu, Pfn pfn);

/// Faults a range in as an access would (populate, mlock). mmap_lock is taken.
Errc populate_range(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t end, std::uint32_t flags);
/// The same with mmap_lock held; no pages are handed out if `out` is empty.
GupResult gup_locked(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint64_t pages,
                     std::uint32_t flags, std::span<Pfn> out);
/// A pin without write access to a page that is not exclusive must unshare first.
bool gup_must_unshare(Machine& machine, const Vma* vma, std::uint32_t flags, Page page);

}  // namespace pagebox::inline PAGEBOX_ENV
