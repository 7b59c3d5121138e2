// Who holds what, page by page: how each page was set up, and, unless the box
// was made without a ledger, the references and pins that were handed out. The
// audit derives from it what every descriptor must hold. Reserved and untouched
// like the descriptors; indexed by the pfn of the head.
#pragma once

#include <cstdint>

#include "base/atomic.h"
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
  kFree,      // given back to the allocator
};

/// How a page was set up. Written by whoever owns the page, before it is published.
struct PageRecord {
  PageState state = PageState::kNever;
  PageType type = PageType::kFree;
  std::uint8_t order = 0;
  bool on_lru = false;           // belongs on a list while nobody has isolated it
  std::uint32_t mapcount = 0;    // real mappings
};

class Ledger {
 public:
  Ledger() = default;
  /// Reserves entries for `capacity` pages.
  static Errc create(std::uint64_t capacity, bool counts, Ledger& out);

  /// False: references and pins are not counted, only setups are recorded.
  bool counts() const { return counts_; }

  PageRecord record(Pfn head) const;
  void set_record(Pfn head, const PageRecord& record);
  PageState state(Pfn head) const;

  std::uint32_t pins(Pfn head) const;
  std::uint32_t refs(Pfn head) const;
  bool isolated(Pfn head) const;

  void add_pins(Pfn head, std::uint32_t n);
  void add_refs(Pfn head, std::uint32_t n);
  /// False, and nothing changes: fewer than n are held.
  bool try_sub_pins(Pfn head, std::uint32_t n);
  bool try_sub_refs(Pfn head, std::uint32_t n);
  /// False: it is so already.
  bool try_set_isolated(Pfn head, bool isolated);

  /// Forgets the entries of pfns [first, end).
  void reset(Pfn first, Pfn end);

 private:
  struct Entry {
    std::uint32_t pins, refs, mapcount;
    std::uint8_t state, type, order, lru;  // lru: kOnLru | kIsolated
  };
  static_assert(sizeof(Entry) == 16);
  static constexpr std::uint8_t kOnLru = 1, kIsolated = 2;

  Entry& entry(Pfn head) const { return reinterpret_cast<Entry*>(mapping_.data())[head.value]; }

  Mapping mapping_;
  bool counts_ = false;
};

}  // namespace pagebox::inline PAGEBOX_ENV
