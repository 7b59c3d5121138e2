// What the fast and the slow half of GUP share.
#pragma once

#include <cstdint>
#include <span>

#include "mm/gup/gup.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Page tables do not go away while it lives: the kernel disables interrupts.
class [[nodiscard]] WalkGuard {
 public:
  explicit WalkGuard(Cpu& cpu);
  ~WalkGuard();
  WalkGuard(const WalkGuard&) = delete;
  WalkGuard& operator=(const WalkGuard&) = delete;

 private:
  Cpu& cpu_;
  unsigned token_;
};

/// Pages had without a lock; the rest is for the slow half.
std::uint64_t gup_fast(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint32_t flags,
                       std::span<Pfn> out);

bool try_grab_folio_speculative(Cpu& cpu, Page page, std::uint32_t flags);
/// The page-table lock is held, so the page is mapped and has a reference. kPinLimit: no
/// room for one more in a count (gup_locked() makes it kNoMem).
Errc try_grab_folio(Cpu& cpu, Page page, std::uint32_t flags);
void release_folio(Cpu& cpu, Page page, std::uint32_t flags);
/// RAM and most device memory; not device-coherent, nor what is about to be taken away.
bool folio_is_longterm_pinnable(Machine& machine, Page folio);
/// Who pins for long and for writing does not get a file's page whose dirt is tracked: its
/// writeback would not know when to write it (v6.5).
bool leaves_tracked_files(const Machine& machine, std::uint32_t flags);
/// A long-term pin keeps such a page by a plain reference until it has moved to RAM:
/// the scheme has no room for a count in it.
bool grabs_by_reference(Machine& machine, Page folio, std::uint32_t flags);
/// Moves what a long-term pin has taken and may not keep to RAM that stays. kOk: there was
/// nothing; kAgain: it moved, nothing is pinned any more; kBusy, kNoMem: one would not.
Errc move_unpinnable(Cpu& cpu, std::span<Pfn> pages);

}  // namespace pagebox::inline PAGEBOX_ENV
