// The queue of huge pages that are to be split when memory is short: those whose
// pages are no longer all mapped, and (v6.12) fresh ones, which may turn out to be
// mostly zeroes. Linked through `_deferred_list` of page[2].
#pragma once

#include <cstdint>
#include <vector>

#include "base/errc.h"
#include "base/lock.h"
#include "base/plain.h"
#include "page/list.h"
#include "page/memmap.h"

namespace pagebox::inline PAGEBOX_ENV {

class DeferredSplit {
 public:
  explicit DeferredSplit(Memmap& memmap);

  /// Queues the folio, if it is not yet. `partially_mapped` sets PG_partially_mapped.
  /// A folio in the swap cache is being reclaimed already, and left alone.
  void add(Page folio, bool partially_mapped);
  /// Before the folio is freed or split. No effect on one that is not queued.
  void remove(Page folio);
  std::uint64_t length() const;

  /// The heads, first in first. kCorrupt: a link that leads to no folio.
  Errc heads(std::vector<Pfn>& out) const;

  /// Freezes the folio's count at `expected` and takes it off the queue, so that
  /// nobody finds a frozen folio here. False: other references, nothing changed.
  bool freeze_and_remove(Page folio, std::int32_t expected);

 private:
  std::uint64_t address_of(Page folio) const;
  /// The words of a link: of the folio's page[2], or of the anchor.
  std::uint64_t next(std::uint64_t at) const;
  std::uint64_t prev(std::uint64_t at) const;
  void set_next(std::uint64_t at, std::uint64_t value);
  void set_prev(std::uint64_t at, std::uint64_t value);
  Page second_tail(std::uint64_t at) const;
  void remove_locked(Page folio);

  Memmap& memmap_;
  mutable SpinLock lock_;
  ListAnchor anchor_;
  std::uint64_t anchor_address_;
  Plain<std::uint64_t> length_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
