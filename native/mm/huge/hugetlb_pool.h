// The pool of huge pages that hugetlb mappings are made of: taken from the allocator
// when the machine starts (nr_hugepages), never given back, never split.
//
//      free list                         active list
//   ┌──────────────────────────────┐  ┌─────────────────────────┐
//   │ promised │ anybody's         │  │ in use                  │
//   └──────────────────────────────┘  └─────────────────────────┘
//    reserved()                        one reference a pmd leaf, and pins
//
// A page of the pool is a compound page of order 9 that says what it is: by page type
// in the head's `_mapcount` (v6.12), by its destructor in page[1] (v4.20). It is always
// on one of the two lists, which run through the head's `lru` as those of an
// LRU do. So a pin scheme that counts in these words has no room in such a page, nor
// has one that counts in `_mapcount` where that says the type.
//
// Rule: the lists and the counts change under the pool's lock; a page's `_refcount` is
// 0 while it is on the free list.
#pragma once

#include <cstdint>
#include <vector>

#include "base/lock.h"
#include "base/plain.h"
#include "page/folio.h"
#include "page/list.h"
#include "page/memmap.h"

namespace pagebox::inline PAGEBOX_ENV {

class Allocator;

/// In huge pages.
struct HugetlbCounts {
  std::uint64_t pages = 0, free = 0, reserved = 0;
};

/// The page says that it belongs to a pool. Of a head.
bool folio_test_hugetlb(Page folio);

class HugetlbPool {
 public:
  explicit HugetlbPool(Memmap& memmap);

  /// The layout can say of a page that it belongs to a pool.
  static bool has_mark(const Shape& shape) {
    return shape.hugetlb_type != 0 || shape.compound_dtor != 0;
  }
  /// Once. kNoMem: there are not so many; kRefused: the layout has no mark for them.
  Errc create(Allocator& allocator, std::uint64_t pages);

  HugetlbCounts counts() const;
  /// Promises `pages` free ones to a mapping. kNoMem, and nothing is promised: fewer
  /// are anybody's.
  Errc reserve(std::uint64_t pages);
  void unreserve(std::uint64_t pages);
  /// A page with one reference, contents undefined. `promised`: one of those that the
  /// caller has reserved, which is used up by it. kNoMem: none is left that is not
  /// promised to others; kCorrupt: a list link was overwritten, nothing is taken.
  Result<Page> take(bool promised);
  /// The last reference is gone. A page whose links were overwritten, and one that is no
  /// head though the pool holds it, stays off both lists, for the audit to find.
  void free(Page folio);

  /// Any page of the pool's folios, free or not. Takes no lock: the pool never changes.
  bool holds(Pfn pfn) const { return !pages_.empty() && finds(pfn); }
  /// Heads, ascending.
  const std::vector<Pfn>& pages() const { return pages_; }
  /// For the audit, with nothing running: the heads on a list. kCorrupt: a link that
  /// leads nowhere.
  Errc heads(bool free, std::vector<Pfn>& out) const;

  /// Faults of hugetlb memory come one after another (v6.12: those of one page), so
  /// that two for the last page do not leave one without. mmap_lock > it > folio lock.
  Mutex fault_lock;

 private:
  bool finds(Pfn pfn) const;
  PageList list(bool free) const;

  Memmap& memmap_;
  std::vector<Pfn> pages_;
  mutable SpinLock lock_;
  mutable ListAnchor free_anchor_, active_anchor_;  // under lock_
  Plain<std::uint64_t> free_, reserved_;            // under lock_
};

}  // namespace pagebox::inline PAGEBOX_ENV
