#include "mm/swap/reclaim.h"

#include "mm/file/page_cache.h"
#include "mm/folio_state.h"
#include "mm/gup/pin_question.h"
#include "mm/huge/huge.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

enum class Verdict : std::uint8_t { kFree, kKeep, kActivate };

/// The caches hold each page once, isolation the folio, buffers maybe: nobody else.
bool is_freeable(Page folio) {
  return count_sum(folio.refcount(), folio.test(Flag::kPrivate) ? -1 : 0) ==
         1 + static_cast<std::int32_t>(folio_nr_pages(folio));
}

/// Writes a dirty unmapped page to swap. File pages are left to writeback.
Verdict pageout(Cpu& cpu, Page folio) {
  if (folio_is_file_lru(folio)) {
    cpu.note(Reached::kReclaimDirtyFile);
    folio.set(Flag::kReclaim);
    return Verdict::kActivate;
  }
  if (!is_freeable(folio)) return Verdict::kKeep;
  const bool swaps = folio_test_swapcache(folio);
  if (swaps) {
    swap_writepage(cpu, folio);
  } else {
    folio.clear(Flag::kDirty);
    if (!shmem_writepage(cpu, folio)) return Verdict::kActivate;
  }
  cpu.note(swaps ? Reached::kSwapout : Reached::kShmemOut);
  return Verdict::kFree;
}

/// A swap slot for each page. What a huge folio is split into lands in `more`.
Verdict give_swap(Cpu& cpu, Page folio, std::vector<Pfn>& more) {
  // A pinned page would only come back: no slot for it.
  if (folio_maybe_dma_pinned(cpu.machine, folio, PinQuestion::kReclaim)) {
    cpu.note(Reached::kReclaimPinned);
    return Verdict::kKeep;
  }
  if (folio_test_large(folio)) {
    if (!can_split_folio(cpu.machine, folio, 1)) return Verdict::kActivate;
    // The pages that nobody maps any more can go without being written.
    if (folio_test_partially_mapped(folio) && split_folio(cpu, folio, &more) != Errc::kOk)
      return Verdict::kActivate;
  }
  if (add_to_swap(cpu, folio)) return Verdict::kFree;
  if (!folio_test_large(folio) || split_folio(cpu, folio, &more) != Errc::kOk)
    return Verdict::kActivate;
  return add_to_swap(cpu, folio) ? Verdict::kFree : Verdict::kActivate;
}

/// The folio is locked and isolated. kFree: its count is frozen at zero.
Verdict shrink_folio(Cpu& cpu, Page folio, std::vector<Pfn>& more) {
  Machine& machine = cpu.machine;
  cpu.pass(StopPoint::kPageoutIsolated);
  if (!folio_evictable(folio)) return Verdict::kActivate;
  if (folio_test_anon(folio) && folio.test(Flag::kSwapBacked) && !folio_test_swapcache(folio))
    if (const Verdict verdict = give_swap(cpu, folio, more); verdict != Verdict::kFree)
      return verdict;
  if (folio_test_swapcache(folio)) cpu.pass(StopPoint::kPageoutSwapCache);
  if (folio_mapped(machine, folio) && !try_to_unmap(cpu, folio)) return Verdict::kActivate;
  cpu.pass(StopPoint::kPageoutUnmapped);
  // Unmapped, so no new pin can come: a device may still be writing to it.
  if (folio_maybe_dma_pinned(machine, folio, PinQuestion::kReclaimUnmapped)) {
    cpu.note(Reached::kReclaimPinned);
    return Verdict::kActivate;
  }
  if (folio.test(Flag::kDirty)) {
    if (const Verdict verdict = pageout(cpu, folio); verdict != Verdict::kFree) return verdict;
    if (folio.test(Flag::kDirty)) return Verdict::kKeep;
    cpu.pass(StopPoint::kPageoutWritten);
  }
  filemap_release_folio(cpu, folio);
  if (folio_test_anon(folio) && !folio.test(Flag::kSwapBacked)) {
    if (!folio.try_freeze(1)) return Verdict::kKeep;  // lazyfree
    cpu.note(Reached::kLazyFreed);
    return Verdict::kFree;
  }
  const bool in_cache = folio_test_swapcache(folio) || folio_file(machine, folio) != nullptr;
  if (!in_cache || !remove_mapping(cpu, folio, true)) return Verdict::kKeep;
  cpu.note(Reached::kCacheDropped);
  return Verdict::kFree;
}

}  // namespace

unsigned reclaim_pages(Cpu& cpu, std::span<const Pfn> folios) {
  Machine& machine = cpu.machine;
  std::vector<Pfn> gone, back, queue(folios.begin(), folios.end());
  // Splitting a huge folio adds its pages behind it.
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const Pfn pfn = queue[i];
    const Page folio = machine.page(pfn);
    // Asked for, so not active; what turns out to be in use is made active again.
    if (folio.test(Flag::kActive)) folio.clear(Flag::kActive);
    if (!folio_trylock(folio)) {
      cpu.note(Reached::kReclaimInUse);
      back.push_back(pfn);
      continue;
    }
    const Verdict verdict = shrink_folio(cpu, folio, queue);
    if (verdict != Verdict::kFree) cpu.note(Reached::kReclaimInUse);
    if (verdict == Verdict::kActivate) {
      if (folio_test_swapcache(folio) && (machine.swap.nearly_full() || folio.test(Flag::kMlocked)))
        (void)folio_free_swap(cpu, folio);
      if (!folio.test(Flag::kMlocked)) folio.set(Flag::kActive);
    }
    folio_unlock(folio);
    (verdict == Verdict::kFree ? gone : back).push_back(pfn);
  }
  const auto freed = static_cast<unsigned>(gone.size());
  free_folios(cpu, gone);
  // The kernel builds the list of survivors from its head: the last one first.
  for (auto pfn = back.rbegin(); pfn != back.rend(); ++pfn)
    folio_putback_lru(cpu, machine.page(*pfn));
  return freed;
}

}  // namespace pagebox::inline PAGEBOX_ENV
