// Pins: one scheme bound to one memmap. The single-page calls go through a
// table of functions chosen once (scheme x word width); batches dispatch once
// and loop inside. Each pin also holds `_refcount` (+1, or +1024 for the bias).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/errc.h"
#include "base/mapping.h"
#include "page/memmap.h"
#include "page/zone.h"
#include "pins/kernel.h"
#include "pins/ledger.h"
#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

struct PinOptions {
  PinOps ops;
  QuirkSet quirks;  // beside the machine's
  /// Records each pin and refuses a wrong unpin, and a pin beyond most_refs(), before
  /// the descriptor is touched; the holder is the `shard` of the call. Null: unchecked
  /// and fast.
  Ledger* ledger = nullptr;
};

class Pins {
 public:
  /// kRefused: the scheme does not exist for this layout (scheme_fits says why),
  /// or needs layout_for() and got another. kInval: no shards, or a scheme that
  /// check_scheme() finds fault with. kNoMem: outside counts cannot be reserved.
  static Errc create(const SchemeSpec& scheme, Memmap& memmap, Zone& zone, unsigned shards,
                     std::unique_ptr<Pins>& out, const PinOptions& options = {});
  ~Pins();
  Pins(const Pins&) = delete;
  Pins& operator=(const Pins&) = delete;

  // `pfn` may be a tail: the pin goes to the head. `n` pins at once, 1 to what
  // `_refcount` can hold (kInval for 0, kPinLimit beyond); with a ledger to what
  // most_refs() leaves room for beside all others. `shard` is the logical thread:
  // whose counts `sharded` uses, and the ledger's holder.

  /// As fast GUP: the page may be free. Adds unless zero, rechecks, undoes on
  /// failure. kAgain: free or frozen. kNoMem: the count was below zero before.
  /// kPinLimit: a packed count is full. kRefused: not for this page type.
  /// kCorrupt: word 1 names no head, or a list neighbour is none.
  Errc try_pin_speculative(Pfn pfn, std::uint32_t n, unsigned shard) {
    return is_plain(n) ? kernel_->try_pin(frame_, pfn.value, 1, shard)
                       : pin_checked(PinWay::kSpeculative, pfn, n, shard);
  }
  /// As slow GUP: the caller already holds a reference. kNoMem: the count was
  /// at or below zero before. Else as above.
  Errc pin_referenced(Pfn pfn, std::uint32_t n, unsigned shard) {
    return is_plain(n) ? kernel_->pin(frame_, pfn.value, 1, shard)
                       : pin_checked(PinWay::kReferenced, pfn, n, shard);
  }
  /// Value: true if that was the last reference (`_refcount` is 0 and the
  /// caller must free the page). kNotPinned: the ledger, or the scheme's own
  /// word, or `_refcount` says that there are not so many pins.
  Result<bool> unpin(Pfn pfn, std::uint32_t n, unsigned shard) {
    return is_plain(n) ? kernel_->unpin(frame_, pfn.value, 1, shard) : unpin_checked(pfn, n, shard);
  }

  PinCount pins(Pfn pfn) const;
  /// False positives only where the scheme declares them; false negatives never.
  bool maybe_pinned(Pfn pfn) const;
  /// What n pins add to `_refcount` of this page (1 or 1024 each).
  std::int32_t refs_per_pin(Page head) const;

  // A page taken off its LRU by someone else than a pin. Schemes over the list
  // words keep a returned page until its last unpin.
  Result<bool> isolate(Pfn pfn);
  Errc putback(Pfn pfn);
  /// As putback(); the caller holds the zone's LRU lock.
  Errc putback_locked(Pfn pfn);
  /// A pin has the page off its LRU, and list operations must pass it by: the
  /// list words are a count.
  bool keeps_off_lru(Pfn pfn) const;
  /// The scheme takes pages off their lists; else putback_locked() is the zone's add().
  bool isolates() const { return frame_.isolates; }
  /// As keeps_off_lru(), and the last unpin will link it again.
  bool returns_to_lru(Pfn pfn) const;
  /// The count is saturated: the page reads as pinned, whoever has pinned it, until it is freed.
  bool sticks(Pfn pfn) const;
  /// A state bit that contradicts the count beside it; null: none. For who has the box at rest.
  const StateBit* wrong_state(Pfn pfn) const;
  /// The bits of page->flags that are the scheme's.
  std::uint64_t own_flags() const;

  // Batches: one pin a page. They go on after a failure and say what failed.
  // `freed`, if not empty, has room for pfns.size() heads without a reference.
  BatchResult try_pin_many(std::span<const std::uint32_t> pfns, unsigned shard);
  BatchResult pin_many(std::span<const std::uint32_t> pfns, unsigned shard);
  BatchResult unpin_many(std::span<const std::uint32_t> pfns, unsigned shard,
                         std::span<std::uint32_t> freed = {});
  /// Pins and unpins each page before it goes to the next; with a ledger, some hundred.
  BatchResult try_pin_unpin_many(std::span<const std::uint32_t> pfns, unsigned shard);
  BatchResult pin_unpin_many(std::span<const std::uint32_t> pfns, unsigned shard);
  BatchResult get_many(std::span<const std::uint32_t> pfns);
  BatchResult put_many(std::span<const std::uint32_t> pfns, std::span<std::uint32_t> freed = {});
  BatchResult get_put_many(std::span<const std::uint32_t> pfns);
  /// `done`: how many may be pinned.
  BatchResult maybe_pinned_many(std::span<const std::uint32_t> pfns) const;

  // Batches with a number of pins for each page; `counts` empty: one.

  /// All or nothing: on the first failure the pins before it are undone.
  BatchResult try_pin_all(std::span<const std::uint32_t> pfns, unsigned shard,
                          std::span<std::uint32_t> freed = {},
                          std::span<const std::uint32_t> counts = {});
  /// All or nothing with a ledger, which is asked for all of them before a descriptor is
  /// touched; without one, as unpin_many().
  BatchResult unpin_all(std::span<const std::uint32_t> pfns, unsigned shard,
                        std::span<std::uint32_t> freed = {},
                        std::span<const std::uint32_t> counts = {});
  // Page by page, with what became of each.
  BatchResult try_pin_each(std::span<const std::uint32_t> pfns, unsigned shard,
                           std::span<const std::uint32_t> counts, std::span<std::int32_t> errors);
  BatchResult unpin_each(std::span<const std::uint32_t> pfns, unsigned shard,
                         std::span<std::uint32_t> freed, std::span<const std::uint32_t> counts,
                         std::span<std::int32_t> errors);

  /// What `_refcount` may hold after a pin, or a reference that is handed out. Without a
  /// ledger no more than a word can: who crosses the sign is kept, as in the kernel.
  std::uint32_t most_refs() const {
    return options_.ledger == nullptr ? ~0U
                                      : static_cast<std::uint32_t>(kRefcountMax) - spare_refs_;
  }
  /// References that are left to others than those who are handed them: mappings, caches,
  /// whoever looks at a page for a moment.
  void set_spare_refs(std::uint32_t refs) { spare_refs_ = refs; }

  /// The page's mappings for mapcount-overlay where PinOps has no real_mappings.
  void record_mappings(Pfn head, std::uint32_t mappings);

  /// Who answers for the rooms above, where they are made after the pins.
  /// Before the first pin.
  void set_ops(const PinOps& ops) { options_.ops = ops; }

  const SchemeSpec& scheme() const { return scheme_; }
  const PinKernel& kernel() const { return *kernel_; }
  const PinFrame& frame() const { return frame_; }
  Ledger* ledger() const { return options_.ledger; }
  /// Makes the memory of outside counts, of huge pages if asked; kNoMem: there is none.
  Errc populate_outside(bool huge_pages);
  /// Forgets outside counts, recorded mappings and the ledger; the memmap's own
  /// reset does the rest.
  void reset();

 private:
  Pins() = default;
  void leave_behind();
  Errc reserve_outside(unsigned shards);
  /// The kernel's to decide alone: it looks at the pfn itself.
  bool is_plain(std::uint32_t n) const { return n == 1 && options_.ledger == nullptr; }
  Errc check_count(Pfn pfn, std::uint32_t n) const;
  Pfn head_of(Pfn pfn) const;
  enum class PinWay : std::uint8_t { kSpeculative, kReferenced };
  Errc pin_checked(PinWay way, Pfn pfn, std::uint32_t n, unsigned shard);
  Result<bool> unpin_checked(Pfn pfn, std::uint32_t n, unsigned shard);
  Errc pin_recorded(PinWay way, Pfn pfn, std::uint32_t n, unsigned shard);
  Errc pin_promised(PinWay way, Pfn pfn, std::uint32_t n, unsigned shard);
  Errc record(Pfn head, std::uint32_t n, unsigned shard);
  void undo(Pfn pfn, std::uint32_t n, unsigned shard);

  // Parts of the batches.
  std::size_t record_run(std::span<const std::uint32_t> heads, unsigned shard);
  template <class Step>
  BatchResult pin_in_runs(PinWay way, std::span<const std::uint32_t> pfns, unsigned shard,
                          bool stop_at_failure, Step step);
  BatchResult pin_unpin_in_runs(PinWay way, std::span<const std::uint32_t> pfns, unsigned shard);
  void unpin_heads(std::span<const std::uint32_t> heads, std::size_t first, unsigned shard,
                   std::span<std::uint32_t> freed, BatchResult& result);
  std::size_t withdraw(std::span<const std::uint32_t> pfns, std::span<const std::uint32_t> counts,
                       unsigned shard, BatchResult& result);
  void give_back(std::span<const std::uint32_t> pfns, std::span<const std::uint32_t> counts,
                 unsigned shard);
  void unpin_one_of(std::size_t i, Result<bool> last, std::span<const std::uint32_t> pfns,
                    std::span<std::uint32_t> freed, BatchResult& result);

  SchemeSpec scheme_, placed_;
  PinStates states_;
  PinOptions options_;
  PinFrame frame_;
  const PinKernel* kernel_ = nullptr;
  std::uint32_t spare_refs_ = 0;
  Mapping outside_;               // side table, or recorded mappings
  std::vector<Mapping> sharded_;  // one a shard, so no line is shared
  std::vector<ShardedCount*> rows_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
