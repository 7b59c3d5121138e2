#include "page/allocator.h"
#include "base/fault.h"

#include <algorithm>
#include <array>
#include <bit>

namespace pagebox::inline PAGEBOX_ENV {
namespace {
constexpr std::uint64_t pages_of(unsigned order) { return 1ULL << order; }
}  // namespace

Allocator::Allocator(Memmap& memmap, Pfn first, Pfn end)
    : memmap_(memmap), first_(first), end_(end) {
  reset();
}

void Allocator::reset() {
  for (unsigned order = 0; order <= kMaxOrder; ++order) list(order).init();
  fresh_ = first_.value;
  free_pages_ = end_ - first_;
  for (unsigned cpu = 0; cpu < cpus_; ++cpu) {
    lists_[cpu].growth = 0;
    lists_[cpu].given = 0;
    lists_[cpu].count = 0;
  }
}

Result<Pfn> Allocator::alloc(unsigned order, unsigned cpu) {
  if (order > kMaxOrder) return Errc::kInval;
  if (CpuPages* list = order == 0 ? list_of(cpu) : nullptr)
    if (const Result<Pfn> page = take_listed(*list, {}); page.error != Errc::kNoMem) return page;
  const Result<Pfn> block = alloc_block(order);
  if (block.error != Errc::kNoMem || cpus_ == 0) return block;
  drain_cpus();
  return alloc_block(order);
}

Result<Pfn> Allocator::alloc_block(unsigned order) {
  const Guard guard(lock_);
  const Result<Pfn> block = hand_out(order);
  if (block) memmap_.page(block.value).set_refcount(1);
  return block;
}

std::size_t Allocator::alloc_each(std::span<Pfn> out, FreshPage fresh, unsigned cpu) {
  std::size_t handed = 0;
  if (CpuPages* list = out.size() < batch_ ? list_of(cpu) : nullptr) {
    while (handed < out.size()) {
      const Result<Pfn> page = take_listed(*list, fresh);
      if (!page) break;
      out[handed++] = page.value;
    }
  }
  handed += alloc_blocks(out.subspan(handed), fresh);
  if (handed == out.size() || cpus_ == 0) return handed;
  drain_cpus();
  return handed + alloc_blocks(out.subspan(handed), fresh);
}

std::size_t Allocator::alloc_blocks(std::span<Pfn> out, FreshPage fresh) {
  if (out.empty()) return 0;
  const Guard guard(lock_);
  std::size_t handed = 0;
  while (handed < out.size()) {
    const std::size_t run = hand_out_run(out.subspan(handed));
    if (run == 0) break;
    for (const Pfn pfn : out.subspan(handed, run)) hand_over(memmap_.page(pfn), fresh);
    handed += run;
  }
  return handed;
}

/// The count last: whoever may grab it finds the flags in place.
void Allocator::hand_over(Page page, FreshPage fresh) const {
  if (fresh.flags != 0) page.set_flags(page.flags() | fresh.flags);
  page.set_refcount(fresh.refs);
}

/// The pages that as many hand_out(0) would give as come from the free blocks of one order, which
/// are not split on their way, or were never handed out: how many; 0: none left. Their counts are
/// still 0.
std::size_t Allocator::hand_out_run(std::span<Pfn> out) {
  const unsigned order = smallest_free(0);
  if (order > kMaxOrder) return carve_each(out);
  const std::uint64_t size = pages_of(order);
  std::array<Page, kBatch> blocks;
  const std::size_t wanted = std::clamp<std::size_t>(out.size() / size, 1, blocks.size());
  const std::size_t taken = take_blocks(order, std::span(blocks).first(wanted));
  std::size_t run = 0;
  for (const Page block : std::span(blocks).first(taken)) {
    const Pfn first = memmap_.pfn_of(block);
    const std::uint64_t fits = std::min<std::uint64_t>(out.size() - run, size);
    for (std::uint64_t i = 0; i < fits; ++i) {
      out[run + i] = first + i;
      // As the first, which was linked: what the last owner left there means something to some
      // schemes (a table's rcu_head looks like a pin).
      if (i != 0) list(0).poison(memmap_.page(first + i));
    }
    run += fits;
    link_all(first + fits, first + size);
  }
  free_pages_ -= run;
  return run;
}

/// Its count is still 0.
Result<Pfn> Allocator::hand_out(unsigned order) {
  Result<Pfn> block = take(order);
  if (block.error == Errc::kNoMem) block = carve(order);
  if (block) free_pages_ -= pages_of(order);
  return block;
}

void Allocator::free(Pfn pfn, unsigned order, unsigned cpu) {
  if (CpuPages* list = order == 0 ? list_of(cpu) : nullptr) {
    (void)put_listed(*list, std::span(&pfn, 1), false);
    return;
  }
  if (planted(Mistake::kFreeUnlocked)) return give_back(pfn, order);
  const Guard guard(lock_);
  give_back(pfn, order);
}

void Allocator::free_each(std::span<const Pfn> pfns, unsigned cpu) {
  if (CpuPages* list = pfns.size() <= capacity_ ? list_of(cpu) : nullptr)
    if (put_listed(*list, pfns, pfns.size() >= batch_)) return;
  // Nobody else looks at them before they are linked.
  for (const Pfn pfn : pfns)
    if (serves(pfn, 0) && !is_free_page(memmap_.page(pfn))) clean(pfn);
  const Guard guard(lock_);
  for (std::size_t i = 0; i < pfns.size();) {
    const Pfn from = pfns[i];
    Pfn to = from;
    // Neighbours that follow each other merge here, not one by one on the lists.
    for (; i < pfns.size() && pfns[i] == to; ++i, to = to + 1)
      if (!serves(to, 0) || is_free_page(memmap_.page(to))) break;
    if (to == from) ++i;  // free already, or none of ours
    free_pages_ += to - from;
    link_all(from, to);
  }
}

void Allocator::give_back(Pfn pfn, unsigned order) {
  if (!serves(pfn, order) || is_free_block(memmap_.page(pfn), order) ||
      is_listed(memmap_.page(pfn)))
    return;
  for (std::uint64_t i = 0; i < pages_of(order); ++i) clean(pfn + i);
  free_pages_ += pages_of(order);
  merge_and_link(pfn, order);
}

Pfn Allocator::end_of_used() const {
  const Guard guard(lock_);
  return Pfn{fresh_};
}

void Allocator::init_page(Pfn pfn) {
  const Guard guard(lock_);
  if (!serves(pfn, 0) || !memmap_.is_untouched(pfn)) return;
  memmap_.init_descriptor(pfn, kZoneNormal);
  const Page page = memmap_.page(pfn);
  page.set(Flag::kUptodate);
  page.set(Flag::kSwapBacked);
  const Shape& shape = memmap_.shape();
  if (shape.mapping != 0)
    page.set_mapping(memmap_.addresses().of_object(ObjectKind::kAnonVma, 0) | kMappingAnon);
  if (shape.index != 0) page.set_index(pfn.value & 0xffffffff);
  free_pages_ -= 1;
  page.set_refcount(1);  // last: whoever may grab it finds the rest in place
}

/// What the last owner left, as the kernel's free_pages_prepare. A page of a
/// huge allocation may never have been initialised by anyone else.
void Allocator::clean(Pfn pfn) {
  const Page page = memmap_.page(pfn);
  const Shape& shape = memmap_.shape();
  if (!planted(Mistake::kFreedFlagsKept))
    page.set_flags(shape.flags_of_new_page(pfn.value, kZoneNormal));
  if (shape.mapping != 0) page.set_mapping(0);
  if (shape.private_word != shape.buddy_order && shape.private_word != 0) page.set_private_word(0);
  set_block_order(page, 0);
  page.set_mapcount_raw(-1);
  if (shape.memcg != 0) page.set_word_at(shape.memcg, 0);
  memmap_.forget(page);
}

bool Allocator::serves(Pfn pfn, unsigned order) const {
  return order <= kMaxOrder && pfn >= first_ && pfn < end_ && end_ - pfn >= pages_of(order) &&
         pfn.value % pages_of(order) == 0;
}

bool Allocator::is_free_block(Page page, unsigned order) const {
  return page.mapcount_raw() == static_cast<std::int32_t>(memmap_.shape().buddy_type) &&
         page.word_at(memmap_.shape().buddy_order) == order && page.refcount() == 0;
}

Errc Allocator::link(Pfn pfn, unsigned order) {
  const Page page = memmap_.page(pfn);
  if (const Errc error = list(order).add_first(page); error != Errc::kOk) return error;
  set_block_order(page, order);
  page.set_mapcount_raw(static_cast<std::int32_t>(memmap_.shape().buddy_type));
  return Errc::kOk;
}

/// A page that is in no block and on no list any more.
void Allocator::unmark_free(Page page) const {
  set_block_order(page, 0);
  page.set_mapcount_raw(-1);
}

/// Of a free block.
Errc Allocator::unlink(Page page, unsigned order) {
  if (const Errc error = list(order).remove(page); error != Errc::kOk) return error;
  unmark_free(page);
  return Errc::kOk;
}

void Allocator::merge_and_link(Pfn pfn, unsigned order) {
  for (; order < kMaxOrder; ++order) {
    const Pfn buddy{pfn.value ^ pages_of(order)};
    if (buddy < first_ || (buddy + pages_of(order)).value > fresh_) break;
    const Page page = memmap_.page(buddy);
    if (!is_free_block(page, order) || unlink(page, order) != Errc::kOk) break;
    pfn = std::min(pfn, buddy);
  }
  // A first page that does not point back: the block is lost, and not counted.
  if (link(pfn, order) != Errc::kOk) free_pages_ -= pages_of(order);
}

/// Clean pages as the largest blocks that their alignment allows.
void Allocator::link_all(Pfn from, Pfn to) {
  while (from < to) {
    const unsigned aligned = static_cast<unsigned>(std::countr_zero(from.value));
    const unsigned fits = static_cast<unsigned>(std::bit_width(to - from)) - 1;
    const unsigned order = std::min({aligned, fits, kMaxOrder});
    merge_and_link(from, order);
    from = from + pages_of(order);
  }
}

/// The lowest order from this on of which there are free blocks; beyond kMaxOrder: none.
unsigned Allocator::smallest_free(unsigned order) {
  while (order <= kMaxOrder && list(order).empty()) ++order;
  return order;
}

/// The first free block of an order, which has one.
Result<Pfn> Allocator::take_block(unsigned order) {
  Page block;
  return take_blocks(order, std::span(&block, 1)) != 0 ? Result<Pfn>(memmap_.pfn_of(block))
                                                       : Errc::kCorrupt;
}

/// The first free blocks of an order, which has one; they leave its list together. How many; 0: the
/// first was overwritten.
std::size_t Allocator::take_blocks(unsigned order, std::span<Page> out) {
  PageList blocks = list(order);
  std::size_t found = 0;
  for (Result<Page> page = blocks.first(); page && page.value && is_free_block(page.value, order);
       page = blocks.after(page.value)) {
    out[found++] = page.value;
    if (found == out.size()) break;
  }
  if (found == 0) return 0;
  std::size_t taken = 0;
  for (const Page block : out.first(blocks.remove_run(out.first(found)))) {
    if (!is_free_block(block, order)) continue;  // links that lead to it twice
    unmark_free(block);
    out[taken++] = block;
  }
  return taken;
}

/// From the free lists; kNoMem: no block is large enough.
Result<Pfn> Allocator::take(unsigned order) {
  unsigned found = smallest_free(order);
  if (found > kMaxOrder) return Errc::kNoMem;
  const Result<Pfn> block = take_block(found);
  while (block && found > order) {  // keep the low half, as what is carved next lies behind
    --found;
    if (link(block.value + pages_of(found), found) != Errc::kOk) free_pages_ -= pages_of(found);
  }
  return block;
}

/// From the pages never handed out. Those that alignment skips go to the lists.
Result<Pfn> Allocator::carve(unsigned order) {
  const std::uint64_t size = pages_of(order);
  for (;;) {
    const Pfn from{fresh_};
    const Pfn block{(from.value + size - 1) / size * size};
    if (block + size > end_) return Errc::kNoMem;
    fresh_ = block.value + size;
    release_fresh(from, block);
    bool whole = true;
    for (std::uint64_t i = 0; i < size; ++i) whole = whole && memmap_.is_untouched(block + i);
    if (!whole) {
      release_fresh(block, block + size);
      if (order == 0) continue;
      if (Result<Pfn> merged = take(order)) return merged;
      continue;
    }
    for (std::uint64_t i = 0; i < size; ++i) memmap_.init_descriptor(block + i, kZoneNormal);
    return block;
  }
}

/// Single pages, while no free block is there.
std::size_t Allocator::carve_each(std::span<Pfn> out) {
  std::size_t carved = 0;
  while (carved < out.size()) {
    const Result<Pfn> page = carve(0);
    if (!page) break;
    out[carved++] = page.value;
  }
  free_pages_ -= carved;
  return carved;
}

void Allocator::release_fresh(Pfn from, Pfn to) {
  for (Pfn pfn = from; pfn < to; pfn = pfn + 1) {
    if (!memmap_.is_untouched(pfn)) continue;  // init_page() has handed it out
    memmap_.init_descriptor(pfn, kZoneNormal);
    merge_and_link(pfn, 0);
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
