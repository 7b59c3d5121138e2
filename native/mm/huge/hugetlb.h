// hugetlb: private anonymous memory made of the pool's huge pages (MAP_HUGETLB). Its
// pages are whole for good: a pmd leaf maps one or nothing does. They are on no LRU,
// are not swapped, not split and not migrated, and there is no zero page of theirs.
//
// Who may have a page (v6.12):
//  1. mmap promises its caller a page for each 2 MiB, or is ENOMEM. A fault uses the
//     promise up; what is unmapped before goes back. MADV_DONTNEED promises again what
//     it took away, if a page is anybody's at that moment (v6.12 waits until the page
//     itself is free).
//  2. Nothing is promised to a child. It shares pages and copies on write from those
//     that are anybody's; with none left that is SIGBUS, and a fork that must copy a
//     pinned page at once is ENOMEM.
//  3. The parent's right: a write of the process that has called mmap, with none left
//     to copy to, takes the shared page from everybody else. They have lost it: their
//     next fault in a hole of that mapping is SIGBUS, not zeroes.
//
// Calls on ranges that would cut a huge page are EINVAL. So is mremap of one that is no
// multiple, where v6.12 rounds the length up.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/plain.h"
#include "mm/fault/fault.h"
#include "mm/huge/hugetlb_pool.h"
#include "mm/page_table.h"

namespace pagebox::inline PAGEBOX_ENV {

/// What a mapping may still ask of the pool; its pieces share it after a cut or a move.
/// Changed under the pool's fault_lock, or with mmap_lock held for writing.
struct HugetlbClaims {
  std::uint64_t first_pgoff = 0;       // of promised[0], which stands for 512 pages
  bool owner = false;                  // the process has mapped it itself (rule 3); stays
  PlainVector<std::uint8_t> promised;  // empty unless `owner`
  Plain<bool> lost;                    // a page of it was taken away (rule 3)
};

inline bool hugetlb_aligned(std::uint64_t address) { return address % kPmdBytes == 0; }
/// No huge page lies across `address`, which is in the vma or at its ends.
inline bool may_split_vma(const Vma& vma, std::uint64_t address) {
  return !vma.is_hugetlb() || hugetlb_aligned(address);
}
/// Where the promise for the huge page at `start`, which is in the vma, stands.
std::uint64_t hugetlb_index(const Vma& vma, std::uint64_t start);
/// A page that is not there yet is promised.
bool hugetlb_promised(const Vma& vma, std::uint64_t start);
/// Promises that the vma's range still has.
std::uint64_t hugetlb_promises(const Vma& vma);

/// mmap: the claims of a fresh vma, which is as long as it will be. kNoMem (rule 1).
Errc hugetlb_reserve_vma(Machine& machine, Vma& vma);
/// The vma goes: its promises go back to the pool.
void hugetlb_close_vma(Machine& machine, const Vma& vma);

FaultResult hugetlb_fault(Cpu& cpu, Vma& vma, std::uint64_t address, std::uint32_t flags);

/// zap_page_range of a hugetlb vma.
void zap_hugetlb_range(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end);
/// MADV_DONTNEED. A part of a huge page at the end stays. kInval: one at the start.
Errc hugetlb_dontneed(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end);
/// fork. kNoMem (rule 2).
Errc copy_hugetlb_range(Cpu& cpu, Vma& to, Vma& from);
/// mremap: what `vma` claims of [pgoff, pgoff + pages), which is another vma's now.
std::shared_ptr<HugetlbClaims> hugetlb_move_claims(Vma& vma, std::uint64_t pgoff,
                                                   std::uint64_t pages);
/// mremap: the leaves of [from, end) move to `to`, where a vma is and nothing else.
/// kNoMem: no tables.
Errc move_hugetlb_range(Cpu& cpu, Vma& vma, std::uint64_t from, std::uint64_t end,
                        std::uint64_t to);

// Counts; the pmd's lock is held. The head's PG_anon_exclusive speaks for all of it.
void hugetlb_add_new_anon_rmap(Machine& machine, Page folio, Vma& vma, std::uint64_t start);
void hugetlb_remove_rmap(Page folio);
/// fork. The caller has the child's reference. kBusy: exclusive and maybe pinned.
Errc hugetlb_try_dup_anon_rmap(Page folio, const Vma& source);

void hugetlb_clear(Machine& machine, Page folio);
void hugetlb_copy(Machine& machine, Page to, Page from);

}  // namespace pagebox::inline PAGEBOX_ENV
