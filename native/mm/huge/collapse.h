// Small pages become one huge page: what khugepaged does in the background, here when it is
// asked for (MADV_COLLAPSE).
//
//   scan   each entry is one that may go; nothing changes
//   take   mmap_lock and the lock of the anon_vma held for writing, the pmd entry is empty
//          from now on: who faults waits, and so does who comes from a page
//   wait   for those that walk the table without a lock (fast GUP)
//   lock   each page locked and off its LRU, with no references but those of mappings: else
//          the table comes back as it was
//   copy   into a fresh huge page; the table is its reserve
//
// Fast GUP that has read the table before `take` is either over after `wait`, and its
// reference seen by `lock`, or finds another pmd entry and gives its page back.
#pragma once

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Each 2 MiB that lie in [start, end) as a whole. No lock is held.
/// kInval: memory that is not anonymous, or with MADV_NOHUGEPAGE, or without huge pages;
/// entries that lead elsewhere (a device, a file, a swap slot that cannot be read), or none
/// that may be written; kAgain: a page that others hold; kNoMem: no huge page, or a hole in
/// the range. The first blocks may have become huge by then.
Errc collapse_range(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t end);

}  // namespace pagebox::inline PAGEBOX_ENV
