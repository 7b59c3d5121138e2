// Compound pages: a head and its tails. The order lives in page[1].
#pragma once

#include "page/memmap.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Largest order of a compound page (4 MiB), as MAX_PAGE_ORDER on x86.
inline constexpr unsigned kMaxOrder = 10;

/// `_nr_pages_mapped` of a folio that is mapped as a whole (v6.12).
inline constexpr std::uint32_t kEntirelyMapped = 0x800000;

/// Makes 2^order pages from `head` on one compound page: PG_head, the tails'
/// compound_head, order, poison, counters of the layout. Caller owns them all.
/// Order 0 changes nothing.
void prep_compound(Memmap& memmap, Pfn head, unsigned order);
/// Back to single pages; tails keep refcount 0. Words 1 to 5 of the tails are 0, and their
/// `mapping` wherever it lies, as freeing leaves them.
void destroy_compound(Memmap& memmap, Pfn head);

/// Its tails, all of them, point to `head`, which lies where a folio of that order can.
bool folio_is_whole(const Memmap& memmap, Pfn head, unsigned order);

bool is_tail(Page page);
/// The head of a tail, the page itself otherwise. kCorrupt in `error` if word 1
/// says tail and points nowhere (the page itself is returned then).
Page compound_head(const Memmap& memmap, Page page, Errc* error);
Page head_of_tail(const Memmap& memmap, Page page, std::uint64_t word1, Errc* error);
inline Page compound_head(const Memmap& memmap, Page page) {
  const std::uint64_t word1 = page.compound_head_word();
  return (word1 & 1) == 0 ? page : head_of_tail(memmap, page, word1, nullptr);
}
/// 0 for a page that is no compound head, or whose page[1] holds no order.
unsigned folio_order(const Memmap& memmap, Page head);

}  // namespace pagebox::inline PAGEBOX_ENV
