// What the box knows of each page beside its descriptor: how it was set up, the
// references handed out, and whether someone holds it off its list. Together
// with the ledger of pins (pins/ledger.h) the audit derives from it what every
// descriptor must hold. Reserved and untouched like the descriptors; indexed by
// the pfn of the head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/env.h"
#include "base/errc.h"
#include "base/mapping.h"
#include "page/page_type.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class PageState : std::uint8_t {
  kNever,     // all-zero descriptor
  kInUse,     // set up, or populated by its first pin
  kReleased,  // its own references are gone; lives until the others are
  kFree,
};

/// How a page was set up. Written by whoever owns the page, before it is published.
struct PageRecord {
  PageState state = PageState::kNever;
  PageType type = PageType::kFree;
  std::uint8_t order = 0;
  bool populated = false;      // by its first pin: allocated and no more
  bool on_lru = false;         // belongs on a list while nobody holds it off
  std::uint32_t mapcount = 0;  // real mappings
  std::uint32_t own_refs = 0;  // of mappings, page cache and owner, as set up
};

class Accounts {
 public:
  static constexpr std::uint64_t kEntryBytes = 16;  // of each page

  /// Reserves entries for `capacity` pages.
  static Errc create(std::uint64_t capacity, Accounts& out);

  PageRecord record(Pfn head) const;
  void set_record(Pfn head, const PageRecord& record);
  PageState state(Pfn head) const;
  // Of the record what operations decide by, and not the audit alone: steps like any other, and
  // so is their change.
  std::uint32_t mapcount(Pfn head) const;
  std::uint32_t own_refs(Pfn head) const;

  /// References from get() that were not put yet.
  std::uint32_t refs(Pfn head) const;
  void add_refs(Pfn head, std::uint32_t n);
  /// False, and nothing changes: fewer than n are held.
  bool try_sub_refs(Pfn head, std::uint32_t n);

  bool isolated(Pfn head) const;
  /// False: it is so already.
  bool try_set_isolated(Pfn head, bool isolated);

  /// For names of places.
  std::optional<Pfn> page_at(const std::byte* at) const {
    if (at < mapping_.data() || at >= mapping_.data() + mapping_.size_bytes()) return std::nullopt;
    return Pfn{static_cast<std::uint64_t>(at - mapping_.data()) / kEntryBytes};
  }

  /// Forgets the entries of pfns [first, end).
  void reset(Pfn first, Pfn end);

 private:
  struct Entry {
    std::uint32_t refs, own_refs, mapcount;
    std::uint8_t state, type, order, bits;
  };
  static_assert(sizeof(Entry) == kEntryBytes);
  static constexpr std::uint8_t kOnLru = 1, kIsolated = 2, kPopulated = 4;

  Entry& entry(Pfn head) const { return reinterpret_cast<Entry*>(mapping_.data())[head.value]; }

  Mapping mapping_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
