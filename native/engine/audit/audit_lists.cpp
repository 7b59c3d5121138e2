#include "engine/audit/audit_lists.h"

#include <algorithm>

#include "base/fault.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

constexpr const char* kRing = "a list is a closed ring of pages with PG_lru";

class ListWalk {
 public:
  ListWalk(Box& box, AuditSink& sink) : box_(box), sink_(sink) {}

  std::uint64_t walk_all() {
    Zone& zone = box_.zone();
    Guard guard(zone.lru_lock());
    for (unsigned i = 0; i < kLruKinds; ++i) walk(static_cast<LruKind>(i));
    return met_;
  }

  /// Who has PG_lru and is on no list: looked for only when the numbers differ.
  void find_lost() {
    std::vector<std::uint64_t> met;
    {
      Zone& zone = box_.zone();
      Guard guard(zone.lru_lock());
      for (unsigned i = 0; i < kLruKinds; ++i) {
        (void)zone.for_each(static_cast<LruKind>(i), [&](Page page) {
          if (met.size() < met_) met.push_back(box_.memmap().pfn_of(page).value);
        });
      }
    }
    std::sort(met.begin(), met.end());
    box_.memmap().for_each_touched([&](Pfn first, Pfn end) {
      for (Pfn pfn = first; pfn < end; pfn = pfn + 1) {
        if (!says_lru(box_.memmap().page(pfn))) continue;
        if (std::binary_search(met.begin(), met.end(), pfn.value)) continue;
        sink_.add(Invariant::kLruLinked, AuditPlace::page(pfn), "lru", 1, 0,
                  "a page with PG_lru is on a list");
      }
    });
  }

 private:
  void walk(LruKind kind) {
    Zone& zone = box_.zone();
    const Memmap& memmap = box_.memmap();
    std::uint64_t length = 0;
    Pfn last{0};
    const Errc end = zone.for_each(kind, [&](Page page) {
      last = memmap.pfn_of(page);
      if (!page.test(Flag::kLru)) row(AuditPlace::page(last), "lru", 1, 0);
      const LruKind asked = Zone::kind_of(page);
      if (asked != kind)
        row(AuditPlace::page(last), "list", static_cast<unsigned>(asked),
            static_cast<unsigned>(kind));
      ++length;
    });
    met_ += length;
    if (end == Errc::kOk || planted(Mistake::kBlindLruLists)) return;
    const AuditPlace list = AuditPlace::of_list(kLruKindNames[static_cast<unsigned>(kind)]);
    if (length == 0) return row(list, "anchor", zone.length(kind), 0);
    // The walk stops where a link is not answered by its neighbour's.
    const std::uint64_t next = memmap.page(last).lru_next();
    const auto neighbour = memmap.addresses().page_of_lru(next, memmap.capacity());
    if (neighbour)
      row(AuditPlace::page(*neighbour), "lru.prev", memmap.addresses().of_lru(last),
          memmap.page(*neighbour).lru_prev());
    else if (next == zone.anchor_address(kind))
      row(list, "length", zone.length(kind), length);
    else
      row(AuditPlace::page(last), "lru.next", zone.anchor_address(kind), next);
  }

  void row(AuditPlace place, const char* field, std::uint64_t expected, std::uint64_t found) {
    sink_.add(Invariant::kLruLinked, place, field, expected, found, kRing);
  }

  Box& box_;
  AuditSink& sink_;
  std::uint64_t met_ = 0;
};

}  // namespace

bool says_lru(Page page) { return page.test(Flag::kLru) && !is_tail(page); }

void check_lists(Box& box, std::uint64_t with_lru, AuditSink& sink) {
  ListWalk walk(box, sink);
  if (walk.walk_all() != with_lru) walk.find_lost();
}

}  // namespace pagebox::inline PAGEBOX_ENV
