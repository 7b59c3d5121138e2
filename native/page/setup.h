// Makes a page be of a given type, with every field of that type holding a
// legal value: what mm and the devices do in the long way, for boxes that only
// have descriptors (pins, race, probe).
#pragma once

#include <cstdint>

#include "page/allocator.h"
#include "page/memmap.h"
#include "page/zone.h"

namespace pagebox::inline PAGEBOX_ENV {

struct PageSetup {
  PageType type = PageType::kAnon;
  unsigned order = 0;          // compound page if > 0
  std::uint32_t mapcount = 1;  // real mappings, where the type has a mapcount
  bool on_lru = true;          // where the type can be
};

/// Sets up the 2^order pages from `pfn` on. What they were before is undone:
/// off the LRU, apart, zeroed. Of kCompoundHead, kTail and kSecondTail the whole
/// folio is set up, with its head at `pfn` (see described_page).
///
/// `_refcount` holds one reference a mapping and, of a file page, one a page
/// for the page cache; at least 1 (0 if free), on top of the era's base for
/// ZONE_DEVICE. Mappings of a folio map it as a whole: they are counted in
/// page[1] and the head's `_mapcount` stays -1.
///
/// kRefused: the layout has no such type, or not of that order; kInval: pages
/// beyond the array, or not aligned to the order; kCorrupt: the page's links
/// are broken. Not for pages of an Allocator, but for those it handed out.
Errc setup_page(Memmap& memmap, Zone& zone, Pfn pfn, const PageSetup& setup);

/// The references that setup_page() gives it. The descriptor does not tell: somebody else may
/// have one too, as soon as there are any.
std::int32_t own_references(const Shape& shape, const PageSetup& setup);

/// Writes the field's bits, and no others; not for who shares the word with another thread.
void put_field(Page page, const Field& field, std::uint64_t value);

/// Back to never handed out: off the LRU, apart, all-zero; the whole folio.
Errc clear_page(Memmap& memmap, Zone& zone, Pfn pfn);

/// The page whose descriptor has the type that was asked for: the first or
/// second tail of a folio that was set up as one, `pfn` otherwise.
constexpr Pfn described_page(const PageSetup& setup, Pfn pfn) {
  if (setup.type == PageType::kTail) return {pfn.value + 1};
  return setup.type == PageType::kSecondTail ? Pfn{pfn.value + 2} : pfn;
}

/// The type that a descriptor's words say it has. A page that nothing marks
/// (just allocated) is anon once it has a reference, and free without one; tails
/// behind the second are kTail.
PageType classify(const Memmap& memmap, Pfn pfn);

}  // namespace pagebox::inline PAGEBOX_ENV
