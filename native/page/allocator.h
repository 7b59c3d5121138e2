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
//
// Single pages pass through a list of each processor (the kernel's per_cpu_pages), so that
// most of them cost no lock that others want: see set_cpus(). A page on such a list has page
// type buddy and an order that no block has, so nobody merges it, and who frees it a second
// time finds it free. Lock order: a processor's list, then lock_.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "base/lock.h"
#include "page/folio.h"
#include "page/list.h"
#include "page/memmap.h"

namespace pagebox::inline PAGEBOX_ENV {

/// What a single page is handed out with, by plain stores: without a reference nobody else
/// changes its flags or its count.
struct FreshPage {
  std::uint64_t flags = 0;  // set in its flags word
  std::int32_t refs = 1;
};

class Allocator {
 public:
  /// Serves pfns [first, end).
  Allocator(Memmap& memmap, Pfn first, Pfn end);

  /// Pages that a processor's list takes and gives at once, where memory allows.
  static constexpr unsigned kBatch = 31;
  static constexpr unsigned kNoCpu = ~0U;
  /// A list for each processor, refilled by `batch` pages (up to kBatch; 0: no lists), and holding
  /// its share of an eighth of memory: six times as many or more (smaller batches or none, if there
  /// is less), up to 64 times. Who only takes is refilled by twice as many each time, up to 32
  /// times, and who only gives makes room for as many as it has given, as the kernel's lists do
  /// (v6.12: alloc_factor, free_count). Once, while nobody else is here.
  void set_cpus(unsigned cpus, unsigned batch);

  /// 2^order pages, naturally aligned, refcount 1 on the first (others 0),
  /// `_mapcount` -1, zone and node bits set, no flags. Not compound yet. kInval:
  /// order beyond kMaxOrder; kNoMem: none left; kCorrupt: a free block's links
  /// were overwritten. `cpu`: whose list serves a single page.
  Result<Pfn> alloc(unsigned order, unsigned cpu = kNoCpu);
  /// Single pages, as alloc(0) one after the other. How many there were.
  std::size_t alloc_each(std::span<Pfn> out, FreshPage fresh, unsigned cpu = kNoCpu);
  /// The last reference is gone: refcount is 0. Merges with free buddies.
  /// Deterministic: what is freed last is handed out first. A block whose links
  /// cannot be trusted, one that is free already, and one that is none of this
  /// allocator's (a damaged order or address led to it) is left alone.
  void free(Pfn pfn, unsigned order, unsigned cpu = kNoCpu);
  /// The same of single pages, in that order: a batch or more of them, for which the list has
  /// no room, under one lock.
  void free_each(std::span<const Pfn> pfns, unsigned cpu = kNoCpu);
  /// Every processor's list goes back to the blocks. What is short of memory does so itself.
  void drain_cpus();
  /// Initialises a page of a box without frames, in place, as allocated memory
  /// of type anon (populate: 'anon') with one reference. A page that is in use
  /// or was ever handed out is left as it is. Takes the lock; any thread.
  void init_page(Pfn pfn);

  /// On the lists of processors or in blocks.
  std::uint64_t free_pages() const;
  /// Pages from here on were never handed out.
  Pfn end_of_used() const;
  /// Everything is fresh again; the memmap was reset.
  void reset();

 private:
  static constexpr unsigned kFewestBatches = 6, kMostBatches = 16;
  static constexpr unsigned kMostGrowth = 5;          // v6.12: PCP_BATCH_SCALE_MAX
  static constexpr unsigned kListed = kMaxOrder + 1;  // in place of an order
  struct alignas(64) CpuPages {
    SpinLock lock;
    Plain<unsigned> growth;        // of the next refill, a power of two
    Plain<unsigned> given;         // since a page was taken
    Plain<unsigned> count;         // looked at with `pages`
    std::unique_ptr<Pfn[]> pages;  // capacity_ of them; the last is handed out first
  };

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
  void unmark_free(Page page) const;
  void merge_and_link(Pfn pfn, unsigned order);
  void link_all(Pfn from, Pfn to);
  unsigned smallest_free(unsigned order);
  Result<Pfn> take_block(unsigned order);
  std::size_t take_blocks(unsigned order, std::span<Page> out);
  Result<Pfn> take(unsigned order);
  Result<Pfn> carve(unsigned order);
  std::size_t carve_each(std::span<Pfn> out);
  void release_fresh(Pfn from, Pfn to);
  Result<Pfn> hand_out(unsigned order);
  std::size_t hand_out_run(std::span<Pfn> out);
  void give_back(Pfn pfn, unsigned order);
  void clean(Pfn pfn);
  Result<Pfn> alloc_block(unsigned order);
  std::size_t alloc_blocks(std::span<Pfn> out, FreshPage fresh);
  void hand_over(Page page, FreshPage fresh) const;

  // allocator_cpus.cpp
  CpuPages* list_of(unsigned cpu) const { return cpu < cpus_ ? &lists_[cpu] : nullptr; }
  bool is_listed(Page page) const { return is_free_block(page, kListed); }
  bool is_free_page(Page page) const { return is_free_block(page, 0) || is_listed(page); }
  void mark_listed(Pfn pfn) const;
  Result<Pfn> take_listed(CpuPages& list, FreshPage fresh);
  void refill(CpuPages& list);
  bool put_listed(CpuPages& list, std::span<const Pfn> pfns, bool only_if_they_fit);
  void make_room(CpuPages& list);
  void unlist(std::span<Pfn> pfns);

  Memmap& memmap_;
  const Pfn first_, end_;
  // As set_cpus() leaves them.
  unsigned cpus_ = 0, batch_ = 0, capacity_ = 0;  // capacity: of a list
  std::unique_ptr<CpuPages[]> lists_;
  // On lines of their own: who has pages on its list reads what is above and touches none of it.
  alignas(64) mutable SpinLock lock_;
  Plain<std::uint64_t> fresh_, free_pages_;  // under lock_
  std::array<ListAnchor, kMaxOrder + 1> anchors_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
