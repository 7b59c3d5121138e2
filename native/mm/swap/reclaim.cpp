#include "mm/swap/reclaim.h"

#include <optional>

#include "mm/file/page_cache.h"
#include "mm/folio_state.h"
#include "mm/gup/pin_question.h"
#include "mm/huge/huge.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"
#include "mm/swap/swap_writes.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// kFree: so far. kWriting: asked again once it is written.
enum class Verdict : std::uint8_t { kFree, kWriting, kKeep, kActivate };

/// The caches hold each page once, isolation the folio, buffers maybe: nobody else.
bool is_freeable(Page folio) {
  return count_sum(folio.refcount(), folio.test(Flag::kPrivate) ? -1 : 0) ==
         1 + static_cast<std::int32_t>(folio_nr_pages(folio));
}

/// Where the swap cache has a folio that reclaim itself has just put there.
using KnownSlot = std::optional<std::uint64_t>;

/// A swap slot for each page. What a huge folio is split into lands in `more`.
Verdict give_swap(Cpu& cpu, Page folio, std::vector<Pfn>& more, KnownSlot& slot) {
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
  auto first = add_to_swap(cpu, folio);
  if (!first) {
    if (!folio_test_large(folio) || split_folio(cpu, folio, &more) != Errc::kOk)
      return Verdict::kActivate;
    first = add_to_swap(cpu, folio);
    if (!first) return Verdict::kActivate;
  }
  slot = first.value;
  return Verdict::kFree;
}

/// The folio is locked and isolated. kFree: nobody maps it, and no device writes to it.
Verdict unmap(Cpu& cpu, Page folio, std::vector<Pfn>& more, KnownSlot& slot) {
  Machine& machine = cpu.machine;
  cpu.pass(StopPoint::kPageoutIsolated);
  if (!folio_evictable(folio)) return Verdict::kActivate;
  if (folio_test_anon(folio) && folio.test(Flag::kSwapBacked) && !folio_test_swapcache(folio))
    if (const Verdict verdict = give_swap(cpu, folio, more, slot); verdict != Verdict::kFree)
      return verdict;
  if (folio_test_swapcache(folio)) cpu.pass(StopPoint::kPageoutSwapCache);
  if (folio_mapped(machine, folio) && !try_to_unmap(cpu, folio)) return Verdict::kActivate;
  cpu.pass(StopPoint::kPageoutUnmapped);
  // Unmapped, so no new pin can come: a device may still be writing to it.
  if (folio_maybe_dma_pinned(machine, folio, PinQuestion::kReclaimUnmapped)) {
    cpu.note(Reached::kReclaimPinned);
    return Verdict::kActivate;
  }
  return Verdict::kFree;
}

/// A dirty unmapped folio goes to swap. File pages are left to writeback.
Verdict pageout(Cpu& cpu, Page folio, KnownSlot slot, SwapWrites& writes) {
  if (folio_is_file_lru(folio)) {
    cpu.note(Reached::kReclaimDirtyFile);
    folio.set(Flag::kReclaim);
    return Verdict::kActivate;
  }
  if (!is_freeable(folio)) return Verdict::kKeep;
  if (folio_test_swapcache(folio)) {
    if (slot)
      writes.add(folio, *slot);
    else if (!writes.add(folio))
      return Verdict::kKeep;
    cpu.note(Reached::kSwapout);
    return Verdict::kWriting;
  }
  folio.clear(Flag::kDirty);
  if (!shmem_writepage(cpu, folio, writes)) return Verdict::kActivate;
  cpu.note(Reached::kShmemOut);
  return Verdict::kWriting;
}

/// Clean and unmapped. kFree: its count is frozen at zero.
Verdict drop(Cpu& cpu, Page folio) {
  Machine& machine = cpu.machine;
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

/// Isolated folios on their way out, in their order.
class Reclaim {
 public:
  Reclaim(Cpu& cpu, std::span<const Pfn> folios)
      : cpu_(cpu), queue_(folios.begin(), folios.end()), writes_(cpu) {}

  unsigned run() {
    // Splitting a huge folio adds its pages behind it.
    for (std::size_t i = 0; i < queue_.size(); ++i) shrink(queue_[i]);
    finish_writes();
    const auto freed = static_cast<unsigned>(gone_.size());
    free_folios(cpu_, gone_);
    // The kernel builds the list of survivors from its head: the last one first.
    for (auto pfn = back_.rbegin(); pfn != back_.rend(); ++pfn)
      folio_putback_lru(cpu_, cpu_.machine.page(*pfn));
    return freed;
  }

 private:
  void shrink(Pfn pfn) {
    const Page folio = cpu_.machine.page(pfn);
    // Asked for, so not active; what turns out to be in use is made active again.
    if (folio.test(Flag::kActive)) folio.clear(Flag::kActive);
    if (!folio_trylock(folio)) {
      finish_writes();
      cpu_.note(Reached::kReclaimInUse);
      back_.push_back(pfn);
      return;
    }
    KnownSlot slot;
    Verdict verdict = unmap(cpu_, folio, queue_, slot);
    if (verdict == Verdict::kFree && folio.test(Flag::kDirty))
      verdict = pageout(cpu_, folio, slot, writes_);
    // Whoever does not wait for the others ends their wait: all keep their order.
    if (verdict != Verdict::kWriting || writes_.is_full()) finish_writes();
    if (verdict == Verdict::kWriting) return;
    if (verdict == Verdict::kFree) verdict = drop(cpu_, folio);
    settle(pfn, verdict);
  }

  void finish_writes() {
    for (const Pfn pfn : writes_.submit()) {
      const Page folio = cpu_.machine.page(pfn);
      Verdict verdict = Verdict::kKeep;  // who still has it made it dirty again
      if (!folio.test(Flag::kDirty)) {
        cpu_.pass(StopPoint::kPageoutWritten);
        verdict = drop(cpu_, folio);
      }
      settle(pfn, verdict);
    }
  }

  void settle(Pfn pfn, Verdict verdict) {
    Machine& machine = cpu_.machine;
    const Page folio = machine.page(pfn);
    if (verdict != Verdict::kFree) cpu_.note(Reached::kReclaimInUse);
    if (verdict == Verdict::kActivate) {
      if (folio_test_swapcache(folio) && (machine.swap.nearly_full() || folio.test(Flag::kMlocked)))
        (void)folio_free_swap(cpu_, folio);
      if (!folio.test(Flag::kMlocked)) folio.set(Flag::kActive);
    }
    folio_unlock(folio);
    (verdict == Verdict::kFree ? gone_ : back_).push_back(pfn);
  }

  Cpu& cpu_;
  std::vector<Pfn> gone_, back_, queue_;
  SwapWrites writes_;
};

}  // namespace

unsigned reclaim_pages(Cpu& cpu, std::span<const Pfn> folios) { return Reclaim(cpu, folios).run(); }

}  // namespace pagebox::inline PAGEBOX_ENV
