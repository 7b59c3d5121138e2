// Large folios: how often each of their pages, and the whole of them, is mapped.
// The counts lie in page[1], as v6.12 has them:
//
//   _mapcount of each page   entries that map this page alone
//   _entire_mapcount         pmd entries, which map all of it
//   _large_mapcount          the sum of all of these
//   _nr_pages_mapped         pages with an entry of their own, and kEntirelyMapped
//                            while a pmd entry maps the folio
//
// Layouts without the last two (before v6.6) have them computed from the others.
// Changed under the page-table lock of the entry.
//
// mapcount-overlay raises the head's `_mapcount` by the pins of the folio. The counts
// above are of mappings alone, so there the machine keeps the entries of heads apart
// (Machine::head_entries).
#pragma once

#include <cstdint>

#include "mm/pte.h"
#include "page/folio.h"
#include "page/page.h"

namespace pagebox::inline PAGEBOX_ENV {

class Machine;

inline bool folio_test_large(Page folio) { return folio.test(Flag::kHead); }
/// Page `index` of a folio, whose descriptors lie side by side.
inline Page folio_page(Page folio, std::uint64_t index) {
  return {folio.at() + index * folio.shape().stride_bytes, &folio.shape()};
}
/// Which page of its folio `page` is.
inline std::uint64_t folio_page_index(Page folio, Page page) {
  return static_cast<std::uint64_t>(page.at() - folio.at()) / folio.shape().stride_bytes;
}
/// 1 for a single page. The caller holds a reference or the lock.
std::uint64_t folio_nr_pages(Page folio);
inline bool folio_test_pmd_mappable(Page folio) {
  return folio_test_large(folio) && folio_nr_pages(folio) == 1ULL << kHugeOrder;
}

/// Counts of descriptors are whatever somebody wrote there: their sums wrap.
inline std::int32_t count_sum(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}
/// Entries of a page-table's last level that map this very page.
inline std::int32_t page_mapcount(Page page) {
  const std::int32_t raw = page.mapcount_raw();
  return raw < -1 ? 0 : count_sum(raw, 1);
}
/// pmd entries that map the folio; 0 for a single page.
std::int32_t folio_entire_mapcount(Page folio);
/// Mappings of any part of the folio.
std::int32_t folio_mapcount(Page folio);
inline bool folio_mapped(Page folio) { return folio_mapcount(folio) > 0; }
/// Mappings of this page, alone or with the whole folio.
std::int32_t folio_precise_page_mapcount(Page folio, Page page);
/// A guess: does more than one address space map it? Exact for single pages.
bool folio_likely_mapped_shared(Page folio);
/// Pages that have an entry of their own. `head_entries` as above, null where the head's
/// `_mapcount` says it.
std::uint64_t folio_pages_mapped(Page folio, const std::uint32_t* head_entries = nullptr);

void folio_add_pte_mapping(Machine& machine, Page folio, Page page);
void folio_add_pmd_mapping(Page folio);
/// Both are true if the folio is left with some pages mapped and some not.
bool folio_remove_pte_mapping(Machine& machine, Page folio, Page page);
bool folio_remove_pmd_mapping(Page folio, const std::uint32_t* head_entries = nullptr);

// hugetlb: as by a pmd, yet `_nr_pages_mapped` stays 0 (v6.12).
void folio_add_hugetlb_mapping(Page folio);
void folio_remove_hugetlb_mapping(Page folio);

/// PG_partially_mapped and PG_large_rmappable lie in the flags of page[1].
inline constexpr Flag kFlagPartiallyMapped = Flag::kReclaim,
                      kFlagLargeRmappable = Flag::kWorkingset;
inline bool folio_test_partially_mapped(Page folio) {
  return folio_page(folio, 1).test(kFlagPartiallyMapped);
}

}  // namespace pagebox::inline PAGEBOX_ENV
