// Per-CPU batches before the LRU lists. A folio in a batch holds one reference,
// which COW and reclaim can see: that is why they drain.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "base/env.h"
#include "base/lock.h"
#include "base/plain.h"
#include "base/uninit_array.h"
#include "page/page.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

class Cpu;
class Machine;
struct Vma;

inline constexpr unsigned kFolioBatchSize = 31;

struct FolioBatch {
  std::array<Pfn, kFolioBatchSize> folios{};
  Plain<unsigned> count;  // whoever looks at `folios` has looked at it, and so is checked

  /// There is room for it. How many there are now.
  unsigned add(Pfn pfn) {
    const unsigned at = count;
    folios[at] = pfn;
    count = at + 1;
    return at + 1;
  }
  /// Empties it into `out`: what was in it.
  std::span<Pfn> take(UninitArray<Pfn, kFolioBatchSize>& out) {
    const unsigned taken = count;
    const std::span<Pfn> all = out.first(taken);
    std::copy_n(folios.begin(), taken, all.begin());
    count = 0;
    return all;
  }
  std::span<const Pfn> held() const { return std::span(folios).first(count); }
};

/// What happens to a folio when its batch is drained.
enum class LruMove : std::uint8_t { kAdd, kDeactivate, kLazyfree, kActivate };
inline constexpr unsigned kLruMoves = 4;
enum class MlockMove : std::uint8_t { kLock, kLockNew, kUnlock };

struct LruBatches {
  SpinLock lock;  // the kernel's local_lock; drains from other CPUs take it too
  std::array<FolioBatch, kLruMoves> moves;
  FolioBatch mlock;
  std::array<MlockMove, kFolioBatchSize> mlock_moves{};  // looked at with mlock.count
};

void folio_add_lru(Cpu& cpu, Page folio);
/// A new anonymous page of this vma: straight to the unevictable list if mlocked.
void folio_add_lru_vma(Cpu& cpu, Page folio, const Vma& vma);
/// The same of a page that was handed out with a reference for the batch (FreshPage::refs).
constexpr std::int32_t kRefsOfLruBatch = 1;
void folio_give_lru_vma(Cpu& cpu, Page folio, const Vma& vma);
void folio_activate(Cpu& cpu, Page folio);
void folio_deactivate(Cpu& cpu, Page folio);
void folio_mark_lazyfree(Cpu& cpu, Page folio);
/// inactive -> referenced -> active (classic LRU).
void folio_mark_accessed(Cpu& cpu, Page folio);

/// The LRU lock is kept over so many folios at most, as others wait for it (v6.12:
/// SWAP_CLUSTER_MAX).
constexpr std::size_t kLockedFolios = 32;
/// Takes the folio off its list and a reference with it. False: it was on none.
bool folio_isolate_lru(Cpu& cpu, Page folio);
/// The same of each, kLockedFolios at most: how many were on a list. They stand at the front then.
std::size_t folios_isolate_lru(Cpu& cpu, std::span<Pfn> folios);
/// Through the batch, which takes over isolation's reference, or a fresh page's second one.
void folio_putback_lru(Cpu& cpu, Page folio);
/// The same of each, in that order.
void folios_putback_lru(Cpu& cpu, std::span<const Pfn> folios);

void lru_add_drain(Cpu& cpu);
void lru_add_drain_all(Cpu& cpu);

// mlock.cpp
void mlock_folio(Cpu& cpu, Page folio);
void mlock_new_folio(Cpu& cpu, Page folio);
void munlock_folio(Cpu& cpu, Page folio);
void mlock_drain(Cpu& cpu);
/// Called for each new and each removed mapping of a folio.
void mlock_vma_folio(Cpu& cpu, Page folio, const Vma& vma);
void munlock_vma_folio(Cpu& cpu, Page folio, const Vma& vma);

/// Reclaim may take it: not mlocked.
bool folio_evictable(Page folio);
/// Before a folio comes to a list: on which one it belongs may have changed while it
/// was on none. lru_lock held.
void settle_lru_flags(Page folio);

}  // namespace pagebox::inline PAGEBOX_ENV
