// Hands out pages and takes them back: a buddy allocator. Free blocks are linked
// through two words of their first page, with the order in a third and page type buddy
// in the word of `_mapcount`, as in the kernel's; pages never handed out stay
// untouched, and are carved from the low end on demand.
//
//   first ........ fresh ........ end
//   in use or on a   never handed out: all zero, but for
//   free list        pages of init_page()
//
// Rule: words of a free block are written under lock_ alone; those of a block in
// use are its owner's. A block changes hands with its `_refcount`: 0 on the way
// in, 1 on the way out.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/lock.h"
#include "page/folio.h"
#include "page/list.h"
#include "page/memmap.h"

namespace pagebox::inline PAGEBOX_ENV {

class Allocator {
 public:
  /// Serves pfns [first, end).
  Allocator(Memmap& memmap, Pfn first, Pfn end);

  /// 2^order pages, naturally aligned, refcount 1 on the first (others 0),
  /// `_mapcount` -1, zone and node bits set, no flags. Not compound yet. kInval:
  /// order beyond kMaxOrder; kNoMem: none left; kCorrupt: a free block's links
  /// were overwritten.
  Result<Pfn> alloc(unsigned order);
  /// Single pages, as alloc(0) one after the other, with `flags` set in the flags word.
  /// How many there were.
  std::size_t alloc_each(std::span<Pfn> out, std::uint64_t flags);
  /// The last reference is gone: refcount is 0. Merges with free buddies.
  /// Deterministic: what is freed last is handed out first. A block whose links
  /// cannot be trusted, one that is free already, and one that is none of this
  /// allocator's (a damaged order or address led to it) is left alone.
  void free(Pfn pfn, unsigned order);
  /// The same of single pages, in that order, under one lock.
  void free_each(std::span<const Pfn> pfns);
  /// Initialises a page of a box without frames, in place, as allocated memory
  /// of type anon (populate: 'anon') with one reference. A page that is in use
  /// or was ever handed out is left as it is. Takes the lock; any thread.
  void init_page(Pfn pfn);

  std::uint64_t free_pages() const;
  /// Everything is fresh again; the memmap was reset.
  void reset();

 private:
  PageList list(unsigned order) {
    return {memmap_, anchors_[order], free_anchor_index(order), memmap_.shape().free_list};
  }
  void set_block_order(Page page, unsigned order) const {
    page.set_word_at(memmap_.shape().buddy_order, order);
  }
  bool serves(Pfn pfn, unsigned order) const;
  bool is_free_block(Page page, unsigned order) const;
  Errc link(Pfn pfn, unsigned order);
  Errc unlink(Page page, unsigned order);
  void merge_and_link(Pfn pfn, unsigned order);
  void link_all(Pfn from, Pfn to);
  unsigned smallest_free(unsigned order);
  Result<Pfn> take_block(unsigned order);
  Result<Pfn> take(unsigned order);
  Result<Pfn> carve(unsigned order);
  void release_fresh(Pfn from, Pfn to);
  Result<Pfn> hand_out(unsigned order);
  std::size_t hand_out_run(std::span<Pfn> out);
  void give_back(Pfn pfn, unsigned order);
  void clean(Pfn pfn);

  Memmap& memmap_;
  const Pfn first_, end_;
  mutable SpinLock lock_;
  Plain<std::uint64_t> fresh_, free_pages_;  // under lock_
  std::array<ListAnchor, kMaxOrder + 1> anchors_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
