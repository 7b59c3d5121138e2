// Transparent huge pages: anonymous memory mapped by pmd entries.
//
// A pmd entry goes from nothing to a huge leaf (fault), from a leaf to a table of
// 512 entries (split_huge_pmd: the folio stays whole, its mappings do not) or back to
// nothing (zap), never from a table to a leaf. All of it under the pmd's lock. While a
// leaf is being split it reads as one without access, so that fast GUP gives way and
// everybody else waits for the lock.
//
// split_folio, in contrast, makes single pages of a folio that nobody but page tables
// and the caller holds.
#pragma once

#include <cstdint>
#include <optional>

#include "mm/fault/fault.h"
#include "mm/huge/large_folio.h"
#include "mm/rmap/rmap.h"

namespace pagebox::inline PAGEBOX_ENV {

inline std::uint64_t pmd_start(std::uint64_t address) { return address & ~(kPmdBytes - 1); }

inline bool is_huge_leaf(Pte pmd) { return pmd.present() && pmd.huge(); }

/// The vma asks for huge pages and the machine has them.
bool vma_wants_huge(const Vma& vma);
/// The folio behind a huge leaf; empty for the huge zero page.
Page huge_normal_folio(Machine& machine, Pte pmd);
/// The entry as one of page `address` alone: what a look at a single page needs.
inline Pfn huge_pfn(Pte pmd, std::uint64_t address) {
  return pmd.pfn() + (address & (kPmdBytes - 1)) / kPageBytes;
}

/// Empty: a matter of the page table's last level. `broke_cow` as in handle_mm_fault().
std::optional<FaultResult> huge_fault(Cpu& cpu, Vma& vma, std::uint64_t address,
                                      std::uint32_t flags, bool& broke_cow);
/// A look with FOLL_TOUCH, or a fault that only sets bits: young, and dirty if written.
void touch_pmd(PteSlot pmd, bool write);

/// If the pmd of `address` is a huge leaf it becomes a table. Who mirrors the memory
/// hears of all of it.
void split_huge_pmd(Cpu& cpu, Vma& vma, std::uint64_t address);
/// As split_huge_pmd, where a vma is cut: only an address within a range that a huge
/// page could have filled.
void split_huge_pmd_if_needed(Cpu& cpu, Vma& vma, std::uint64_t address);
/// With the pmd's lock held, for a leaf. `freeze`: to migration entries, if no pin
/// prevents that (else as without).
void split_huge_pmd_locked(Cpu& cpu, Vma& vma, std::uint64_t start, PteSlot pmd, bool freeze);

/// Splits a locked huge folio, of which the caller holds one reference, into single
/// pages. Pages of nothing but zeroes turn into the zero page where they are mapped.
/// kAgain: others hold it; kBusy: it cannot be split. `isolated`: the folio is off its
/// LRU, and so are the tails then; each comes with a reference for the caller, in
/// `*isolated`.
Errc split_folio(Cpu& cpu, Page folio, std::vector<Pfn>* isolated = nullptr);
/// Nobody but page tables, swap cache and `caller_refs` references hold it.
bool can_split_folio(Machine& machine, Page folio, std::int32_t caller_refs);

// Mappings by pmd; its lock is held.
void folio_remove_rmap_pmd(Cpu& cpu, Page folio, const Vma& vma);
/// fork. kBusy: exclusive and maybe pinned.
Errc folio_try_dup_anon_rmap_pmd(Page folio, const Vma& source);
/// A page of a folio, or a part of it, is not mapped any more.
void folio_queue_partially_mapped(Machine& machine, Page folio);

/// What a part of a huge leaf [start, end) becomes under the calls of the same name.
/// Each looks again under the lock, and splits the leaf if the part is not all of it.
void zap_huge(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end, PteSlot pmd);
void change_huge_protection(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end, PteSlot pmd,
                            bool try_writable);
/// kAgain: it is a table now.
Errc copy_huge_pmd(Cpu& cpu, Vma& to, Vma& from, std::uint64_t address, PteSlot pmd);

/// Consecutive entries from `slot` on, `max` at most, that map consecutive pages of
/// the folio.
std::uint64_t folio_pte_batch(Page folio, Pfn folio_pfn, PteSlot slot, std::uint64_t max);

}  // namespace pagebox::inline PAGEBOX_ENV
