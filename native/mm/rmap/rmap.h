// Reverse mapping: from a folio to the entries that map it, and the counts that
// say how many there are.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

// Counts. Page-table lock held; none of them touches the refcount.
void folio_add_new_anon_rmap(Cpu& cpu, Page folio, Vma& vma, std::uint64_t address, bool exclusive);
void folio_add_anon_rmap(Cpu& cpu, Page page, Vma& vma, std::uint64_t address, bool exclusive);
void folio_add_file_rmap(Cpu& cpu, Page page, Vma& vma);
void folio_remove_rmap(Cpu& cpu, Page page, Vma& vma);
/// The same with the folio locked, of single pages: what nobody else can count meanwhile
/// is counted without a locked instruction.
void folio_remove_rmap_locked(Cpu& cpu, Page folio, Vma& vma);
void folio_add_anon_rmap_locked(Cpu& cpu, Page page, Vma& vma, std::uint64_t address,
                                bool exclusive);
/// fork: one more mapping. kBusy: exclusive and maybe pinned, copy it instead.
Errc folio_try_dup_anon_rmap(Page page, const Vma& source);
void folio_dup_file_rmap(Page page);
/// The entry is cleared already. kBusy: pinned, put the entry back.
Errc folio_try_share_anon_rmap(Machine& machine, Page page);
/// The last user took the page over: it belongs to this vma's anon_vma now.
void folio_move_anon_rmap(Machine& machine, Page folio, Vma& vma);
/// fork must copy now (FOLL_PIN was used here and the page may be pinned).
bool folio_needs_cow_for_dma(const Vma& vma, Page folio);

/// How many entries map the page, of those that `_mapcount` counts. Empty: the list
/// of its mappings is being changed. Waits for nothing.
std::optional<std::uint32_t> rmap_count(Machine& machine, Page page);

/// Calls fn(vma, address) for each mapping that could hold the folio, in the
/// order of vectors/README.md ("Invalidation"); stops when fn returns false. Of a
/// huge folio the vma may hold a part: `address` is that of its first page there.
/// Folio locked.
template <class Fn>
void rmap_walk(Machine& machine, Page folio, Fn&& fn);
/// The same of the anon_vma whose lock the caller holds: the folio's word may be another
/// by now.
template <class Fn>
void rmap_walk_locked(const AnonVma& locked, Page folio, Fn&& fn);
/// Calls fn(page, address, slot) with the entry's lock held, for each page of the
/// folio that has a place in a table from `address` to the end of the vma. False: fn
/// returned false.
template <class Fn>
bool for_each_page_of_mapping(const Vma& vma, std::uint64_t address, Page folio, Fn&& fn);

/// Replaces every entry by a swap entry (swap cache), nothing (clean file page,
/// lazyfree). False: still mapped (pinned, mlocked, redirtied). Folio locked.
bool try_to_unmap(Cpu& cpu, Page folio);
/// Replaces every entry by a migration entry.
bool try_to_migrate(Cpu& cpu, Page folio);
/// Migration entries of `from` become entries of `to`.
void remove_migration_entries(Cpu& cpu, Page from, Page to);
/// Where a page was, and where it is (or still is).
struct MovedPage {
  Pfn from, to;
  /// The caller is done with `to`: its reference may become the mapping's, its lock end.
  /// Still true afterwards: so it was.
  bool hands_over = false;
};
/// The same of each; neighbours that one vma maps under one lock. All `to` locked.
void remove_migration_entries(Cpu& cpu, std::span<MovedPage> pages);
/// For split_folio, with the lock of its anon_vma held: every entry of a huge folio, and
/// every pmd, becomes migration entries. What is pinned stays mapped.
void freeze_mappings(Cpu& cpu, const AnonVma& locked, Page folio);
/// They come back, for a single page of it or for all. With `use_zero_page` a single
/// page of zeroes is left out: the zero page is mapped instead.
void restore_frozen_mappings(Cpu& cpu, const AnonVma& locked, Page folio, bool use_zero_page);
/// Write-protects and cleans every shared entry before writeback. How many.
unsigned folio_mkclean(Cpu& cpu, Page folio);

}  // namespace pagebox::inline PAGEBOX_ENV

#include "mm/rmap/rmap_walk.h"
