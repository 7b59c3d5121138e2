// Lists of free single pages, one a processor: the kernel's per_cpu_pages.
#include <algorithm>
#include <ranges>

#include "page/allocator.h"

namespace pagebox::inline PAGEBOX_ENV {

void Allocator::set_cpus(unsigned cpus, unsigned batch) {
  constexpr std::uint64_t kShare = 8;  // of memory that the lists hold at most
  constexpr std::uint64_t kLeast = 4;  // a batch below this saves nothing
  const std::uint64_t share = cpus == 0 ? 0 : (end_ - first_) / kShare / cpus;
  const std::uint64_t most = std::min<std::uint64_t>({batch, kBatch, share / kFewestBatches});
  if (most == 0 || most < std::min<std::uint64_t>(kLeast, batch)) return;
  batch_ = static_cast<unsigned>(most);
  capacity_ = static_cast<unsigned>(std::min(share, kMostBatches * most));
  lists_ = std::make_unique<CpuPages[]>(cpus);
  for (unsigned cpu = 0; cpu < cpus; ++cpu) lists_[cpu].pages = std::make_unique<Pfn[]>(capacity_);
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
  list.given = 0;
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
  // A batch less than there is room for, so that what is freed next has some.
  const std::size_t most = capacity_ - batch_;
  std::size_t wanted = std::size_t{batch_} << list.growth;
  if (wanted <= most && list.growth < kMostGrowth) list.growth += 1;
  wanted = std::min(wanted, most);
  const std::span<Pfn> room(list.pages.get(), wanted);
  std::span<Pfn> rest = room;
  {
    const Guard guard(lock_);
    while (!rest.empty()) {
      const std::size_t run = hand_out_run(rest);
      if (run == 0) break;
      rest = rest.subspan(run);
    }
  }
  const std::span<Pfn> fresh = room.first(wanted - rest.size());
  for (const Pfn pfn : fresh) mark_listed(pfn);
  std::ranges::reverse(fresh);  // in the order in which alloc() would have given them
  list.count = static_cast<unsigned>(fresh.size());
}

/// False: they do not fit, and nothing was done. Else what lies longest makes room.
bool Allocator::put_listed(CpuPages& list, std::span<const Pfn> pfns, bool only_if_they_fit) {
  const Guard guard(list.lock);
  list.growth = 0;
  if (only_if_they_fit && list.count + pfns.size() > capacity_) return false;
  // Backwards: neighbours that come together go again in their order, which processors fetch ahead.
  for (const Pfn pfn : std::views::reverse(pfns)) {
    if (!serves(pfn, 0) || is_free_page(memmap_.page(pfn))) continue;
    clean(pfn);
    this->list(0).poison(memmap_.page(pfn));  // as on a list that is linked
    mark_listed(pfn);
    if (list.count == capacity_) make_room(list);
    list.pages[list.count] = pfn;
    list.count += 1;
    list.given += 1;
  }
  return true;
}

/// Those that lie longest go: nobody's cache has them any more.
void Allocator::make_room(CpuPages& list) {
  const unsigned gone = std::clamp<unsigned>(list.given, batch_, capacity_ - batch_);
  const std::span<Pfn> pages(list.pages.get(), list.count);
  unlist(pages.first(gone));
  std::ranges::copy(pages.subspan(gone), pages.begin());
  list.count -= gone;
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
    unlist({list.pages.get(), list.count});
    list.count = 0;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
