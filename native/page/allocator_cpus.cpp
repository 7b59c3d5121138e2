// Lists of free single pages, one a processor: the kernel's per_cpu_pages.
#include <algorithm>

#include "page/allocator.h"

namespace pagebox::inline PAGEBOX_ENV {

void Allocator::set_cpus(unsigned cpus, unsigned batch) {
  constexpr std::uint64_t kShare = 8;  // of memory that the lists hold at most
  constexpr std::uint64_t kLeast = 4;  // a batch below this saves nothing
  const std::uint64_t fits = cpus == 0 ? 0 : (end_ - first_) / kShare / cpus / kBatches;
  const std::uint64_t most = std::min<std::uint64_t>({batch, kBatch, fits});
  if (most == 0 || most < std::min<std::uint64_t>(kLeast, batch)) return;
  lists_ = std::make_unique<CpuPages[]>(cpus);
  batch_ = static_cast<unsigned>(most);
  cpus_ = cpus;
}

std::uint64_t Allocator::free_pages() const {
  std::uint64_t listed = 0;
  for (unsigned cpu = 0; cpu < cpus_; ++cpu) {
    const Guard guard(lists_[cpu].lock);
    listed += lists_[cpu].count;
  }
  const Guard guard(lock_);
  return free_pages_ + listed;
}

void Allocator::mark_listed(Pfn pfn) const {
  const Page page = memmap_.page(pfn);
  set_block_order(page, kListed);
  page.set_mapcount_raw(static_cast<std::int32_t>(memmap_.shape().buddy_type));
}

/// kNoMem: the list is empty, and no block is left to refill it.
Result<Pfn> Allocator::take_listed(CpuPages& list, FreshPage fresh) {
  const Guard guard(list.lock);
  if (list.count == 0) refill(list);
  const unsigned count = list.count;
  if (count == 0) return Errc::kNoMem;
  const Pfn pfn = list.pages[count - 1];
  const Page page = memmap_.page(pfn);
  if (!is_listed(page)) return Errc::kCorrupt;  // overwritten while it was free, as in a block
  list.count = count - 1;
  unmark_free(page);
  hand_over(page, fresh);
  return pfn;
}

void Allocator::refill(CpuPages& list) {
  const std::size_t wanted = std::size_t{batch_} << list.growth;
  if (list.growth < kMostGrowth) list.growth += 1;
  std::span<Pfn> rest = std::span(list.pages).first(wanted);
  {
    const Guard guard(lock_);
    while (!rest.empty()) {
      const std::size_t run = hand_out_run(rest);
      if (run == 0) break;
      rest = rest.subspan(run);
    }
  }
  const std::span<Pfn> fresh = std::span(list.pages).first(wanted - rest.size());
  for (const Pfn pfn : fresh) mark_listed(pfn);
  std::ranges::reverse(fresh);  // in the order in which alloc() would have given them
  list.count = static_cast<unsigned>(fresh.size());
}

/// False: they do not fit, and nothing was done. Else what lies longest makes room.
bool Allocator::put_listed(CpuPages& list, std::span<const Pfn> pfns, bool only_if_they_fit) {
  const Guard guard(list.lock);
  list.growth = 0;
  unsigned count = list.count;
  if (only_if_they_fit && count + pfns.size() > kBatches * batch_) return false;
  for (const Pfn pfn : pfns) {
    if (!serves(pfn, 0) || is_free_page(memmap_.page(pfn))) continue;
    clean(pfn);
    this->list(0).poison(memmap_.page(pfn));  // as on a list that is linked
    mark_listed(pfn);
    if (count == kBatches * batch_) {
      // Those that lie longest go: nobody's cache has them any more.
      unlist(std::span(list.pages).first(batch_));
      std::copy(list.pages.begin() + batch_, list.pages.begin() + count, list.pages.begin());
      count -= batch_;
    }
    list.pages[count++] = pfn;
  }
  list.count = count;
  return true;
}

/// What was overwritten meanwhile is lost, and not counted, as a block whose links were.
void Allocator::unlist(std::span<Pfn> pfns) {
  // What needs no lock comes first: no cache has them, so each is waited for.
  const auto lost =
      std::ranges::remove_if(pfns, [&](Pfn pfn) { return !is_listed(memmap_.page(pfn)); });
  pfns = pfns.first(pfns.size() - lost.size());
  for (const Pfn pfn : pfns) unmark_free(memmap_.page(pfn));
  std::ranges::sort(pfns, {}, &Pfn::value);  // neighbours become blocks here
  const Guard guard(lock_);
  for (std::size_t i = 0; i < pfns.size();) {
    const Pfn from = pfns[i];
    Pfn to = from;
    for (; i < pfns.size() && pfns[i] == to; ++i) to = to + 1;
    free_pages_ += to - from;
    link_all(from, to);
  }
}

void Allocator::drain_cpus() {
  for (unsigned cpu = 0; cpu < cpus_; ++cpu) {
    CpuPages& list = lists_[cpu];
    const Guard guard(list.lock);
    unlist(std::span(list.pages).first(list.count));
    list.count = 0;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
