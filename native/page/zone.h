// LRU lists threaded through the descriptors' own words, one set of
// lists and one lock a zone (the lruvec of v6.12's classic LRU, without memcg).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/errc.h"
#include "base/lock.h"
#include "page/list.h"
#include "page/memmap.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class LruKind : std::uint8_t {
  kInactiveAnon,
  kActiveAnon,
  kInactiveFile,
  kActiveFile,
  kUnevictable
};
inline constexpr unsigned kLruKinds = 5;
/// As /proc/meminfo has them.
inline constexpr std::array<std::string_view, kLruKinds> kLruKindNames = {
    "inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable"};

class Zone {
 public:
  Zone(Memmap& memmap, unsigned index);

  SpinLock& lru_lock() { return lru_lock_; }
  unsigned index() const { return index_; }

  /// Which list the page's flags ask for.
  static LruKind kind_of(Page page);

  // Callers of the next three hold lru_lock.
  /// Links at the head and sets PG_lru. kCorrupt: PG_lru is set already, or a
  /// neighbour's word is no list pointer; nothing is changed.
  Errc add(Page page, LruKind kind);
  /// The same at the tail, where reclaim looks first.
  Errc add_tail(Page page, LruKind kind);
  /// As add() of one after the other, but the list's head is visited once. What is on a list
  /// already is left out; the span then holds the others.
  Errc add_each(std::span<Page> pages, LruKind kind);
  /// Unlinks, leaves list poison, clears PG_lru. kCorrupt: not linked as its
  /// flags and its neighbours say; nothing is changed.
  Errc remove(Page page);
  /// remove() of several, until the lock is given up: lengths are read and written once.
  class Removals;
  std::uint64_t length(LruKind kind) const { return of(kind).length; }
  /// The page at the tail of a list; an empty page: none. kCorrupt as for_each.
  Result<Page> last(LruKind kind) const { return list(kind).last(); }

  /// Takes the page off its list, for its owner to keep: true if it was on one.
  /// Takes no reference; the caller holds one. Takes lru_lock.
  Result<bool> isolate(Page page);
  /// Puts an isolated page back on the list its flags ask for. Takes lru_lock.
  Errc putback(Page page);

  /// Walks a list from head to tail. Caller holds lru_lock. Stops with kCorrupt
  /// at the first word that is no list pointer of this zone. `fn(Page)` may not
  /// change the list.
  template <class Fn>
  Errc for_each(LruKind kind, Fn&& fn) const;

  /// Where the descriptors find the anchor of a list.
  std::uint64_t anchor_address(LruKind kind) const { return list(kind).address(); }
  Memmap& memmap() const { return memmap_; }
  /// Empties every list, without looking at the pages.
  void reset();

 private:
  struct LruList {
    ListAnchor anchor;
    Plain<std::uint64_t> length;
  };
  PageList list(LruKind kind) const {
    const auto i = static_cast<unsigned>(kind);
    return {memmap_, lists_[i].anchor, lru_anchor_index(index_, i), memmap_.shape().lru};
  }
  Errc link(Page page, LruKind kind, Errc (PageList::*where)(Page));
  LruList& of(LruKind kind) const { return lists_[static_cast<unsigned>(kind)]; }

  Memmap& memmap_;
  unsigned index_;
  alignas(64) SpinLock lru_lock_;
  // Under the lock, and those of anonymous pages on its line: who adds a few touches no other.
  mutable std::array<LruList, kLruKinds> lists_;
};

class Zone::Removals {
 public:
  explicit Removals(Zone& zone) : zone_(zone) {}
  ~Removals() { settle(); }
  Removals(const Removals&) = delete;
  Removals& operator=(const Removals&) = delete;

  Errc remove(Page page);
  /// remove() of each, up to the first that cannot be: how many. Neighbours leave as one.
  std::size_t remove_each(std::span<const Page> pages);
  /// Pages that are on lists, as remove() of one after the other; what cannot be is left out. They
  /// have no reference: PG_lru stays, for the allocator to clear with the other flags.
  void remove_dead(std::span<const Page> pages);
  /// Before the lock is given up, if this lives on; it may go on under the next one.
  void settle();

 private:
  /// So many of the first are on one list.
  static std::size_t same_list(std::span<const Page> pages);
  /// Of the first pages, which are on one list: how many were taken off it.
  std::size_t unlink(std::span<const Page> pages, LruKind kind);

  Zone& zone_;
  std::array<std::uint64_t, kLruKinds> lengths_{};
  std::uint32_t known_ = 0;  // of these, a bit each
};

}  // namespace pagebox::inline PAGEBOX_ENV

#include "page/zone_inl.h"
