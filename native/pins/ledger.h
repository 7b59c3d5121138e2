// The exact record of who pinned what, beside the descriptors: what the audit
// compares them with, and what refuses a wrong unpin.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/env.h"
#include "base/errc.h"
#include "base/lock.h"
#include "base/mapping.h"
#include "base/plain.h"
#include "page/page.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

/// One holder's pins of one folio. Holders are logical threads or whatever else
/// the caller numbers.
struct LedgerEntry {
  Pfn head;
  std::uint32_t holder = 0;
  std::uint32_t pins = 0;
  bool operator==(const LedgerEntry&) const = default;
};

/// Kept by head, since any sub-page's pin may be released through another.
class Ledger {
 public:
  Ledger();

  /// A table by pfn for the first holder of each head, which is nearly always the only one;
  /// without it all entries are looked for. It costs nothing until it is touched. kNoMem.
  /// Before the first pin.
  Errc reserve(std::uint64_t capacity);

  /// kOutOfMemory: no room for the entry. kPinLimit: more than 2^32 - 1 pins.
  Errc add(std::uint32_t holder, Pfn head, std::uint32_t n);
  /// kNotPinned, and nothing changes, unless that holder has n pins.
  Errc remove(std::uint32_t holder, Pfn head, std::uint32_t n);
  /// Hands n pins to another holder, as when a completion releases them.
  Errc move(std::uint32_t from, std::uint32_t to, Pfn head, std::uint32_t n);

  using Heads = std::span<const std::uint32_t>;
  /// One pin of each, in order, up to the first that cannot be: how many. `error`: why not
  /// all; else it stays. Each lock is taken once for many of them.
  std::size_t add_many(std::uint32_t holder, Heads heads, Errc& error);
  std::size_t remove_many(std::uint32_t holder, Heads heads, Errc& error);

  /// Room for `refs` references more of `page`, which is `head`'s: kPinLimit if they would
  /// lead beyond `most`, with all that was promised and did not land yet. Who gets it
  /// calls settle() with the same once the descriptor has them, or never will.
  Errc promise(Pfn head, Page page, std::uint64_t refs, std::uint64_t most);
  void settle(Pfn head, std::uint64_t refs);

  std::uint64_t pins(Pfn head) const;
  std::uint32_t pins_of(std::uint32_t holder, Pfn head) const;
  std::uint64_t total() const;
  /// All entries, by pfn, then holder.
  std::vector<LedgerEntry> entries() const;
  void clear();

 private:
  /// Of the table: pins == 0 is empty.
  struct Direct {
    std::uint32_t holder, pins;
  };
  struct Promise {
    Pfn head;
    std::uint64_t refs = 0;
  };
  // A stripe owns every 64th block of 64 pages, and all that is known of them: neighbours
  // share a lock. What is not in the table lies in `slots`: open addressing.
  struct Stripe {
    mutable SpinLock lock;
    [[no_unique_address]] PlainMark mark;  // of what follows, and of its part of the table
    std::unique_ptr<LedgerEntry[]> slots;  // pins == 0: empty
    std::size_t size = 0, used = 0;        // size: a power of two, or 0
    std::vector<std::uint64_t> blocks;     // whose part of the table was ever used
    std::vector<Promise> promises;         // one a thread that pins right now, at most
  };
  static constexpr unsigned kBlockShift = 6;
#ifdef PAGEBOX_MODEL
  static constexpr std::size_t kStripes = 4;  // as many as its small machines have blocks
#else
  static constexpr std::size_t kStripes = 64;
#endif
  /// Entries behind one round of locks, which are nearly all where pages are random.
  static constexpr std::size_t kRound = 1024;
  class Locked;

  static std::size_t stripe_index(std::uint64_t head) {
    return head >> kBlockShift & (kStripes - 1);
  }
  Stripe& stripe(Pfn head) const { return stripes_[stripe_index(head.value)]; }
  // With the stripe's lock held.
  Errc add_locked(Stripe& stripe, std::uint32_t holder, Pfn head, std::uint32_t n);
  Errc remove_locked(Stripe& stripe, std::uint32_t holder, Pfn head, std::uint32_t n);
  Errc add_beside(Stripe& stripe, std::uint32_t holder, Pfn head, std::uint32_t n);
  Errc use_block(Stripe& stripe, std::uint64_t block);
  template <class Step>
  std::size_t each(Heads heads, Errc& error, Step step);

  static std::size_t find(const Stripe& stripe, Pfn head, std::uint32_t holder);
  static bool has(const Stripe& stripe, Pfn head, std::uint32_t holder);
  static Errc grow(Stripe& stripe);
  static void erase(Stripe& stripe, std::size_t slot);

  std::unique_ptr<Stripe[]> stripes_;
  Mapping table_, used_;        // Direct by pfn; a byte a block
  Direct* direct_ = nullptr;    // under the stripe's lock
  std::byte* block_ = nullptr;  // under the stripe's lock
  std::uint64_t capacity_ = 0;  // of the table
};

}  // namespace pagebox::inline PAGEBOX_ENV
