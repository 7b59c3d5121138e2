// The exact record of who pinned what, beside the descriptors: what the audit
// compares them with, and what refuses a wrong unpin.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/env.h"
#include "base/errc.h"
#include "base/lock.h"
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

class Ledger {
 public:
  Ledger();

  /// Kept by head, since any sub-page's pin may be released through another.
  /// kOutOfMemory: no room for the entry. kPinLimit: more than 2^32 - 1 pins.
  Errc add(std::uint32_t holder, Pfn head, std::uint32_t n);
  /// kNotPinned, and nothing changes, unless that holder has n pins.
  Errc remove(std::uint32_t holder, Pfn head, std::uint32_t n);
  /// Hands n pins to another holder, as when a completion releases them.
  Errc move(std::uint32_t from, std::uint32_t to, Pfn head, std::uint32_t n);

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
  // Open addressing, one table a stripe; the stripe is chosen by pfn, so that
  // one folio's entries are together.
  struct Promise {
    Pfn head;
    std::uint64_t refs = 0;
  };
  struct Stripe {
    mutable SpinLock lock;
    std::unique_ptr<LedgerEntry[]> slots;  // pins == 0: empty
    std::size_t size = 0, used = 0;        // size: a power of two, or 0
    std::vector<Promise> promises;         // one a thread that pins right now, at most
  };
  static constexpr std::size_t kStripes = 64;

  Stripe& stripe(Pfn head) const;
  static std::size_t find(const Stripe& stripe, Pfn head, std::uint32_t holder);
  static Errc grow(Stripe& stripe);
  static void erase(Stripe& stripe, std::size_t slot);

  std::unique_ptr<Stripe[]> stripes_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
