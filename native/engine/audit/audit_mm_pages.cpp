#include "engine/audit/audit_mm_pages.h"

#include <utility>
#include <vector>

#include "base/fault.h"
#include "mm/folio_state.h"
#include "mm/gup/pin_question.h"
#include "mm/huge/huge.h"
#include "mm/huge/hugetlb.h"
#include "page/folio.h"
#include "zone_device/dev_pagemap.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

class PageChecks {
 public:
  PageChecks(Machine& machine, const MmAuditInput& input, const PageAccounts& found,
             AuditSink& sink)
      : machine_(machine), input_(input), found_(found), sink_(sink) {}

  void run() {
    check_pages();
    check_pins();
    check_deferred();
  }

 private:
  template <class Why>
  void row(Invariant invariant, AuditPlace place, std::string_view field, std::uint64_t expected,
           std::uint64_t found, Why&& why) {
    sink_.add(invariant, place, field, expected, found, std::forward<Why>(why));
  }
  static AuditPlace page_at(Pfn pfn) { return AuditPlace::page(pfn); }

  void check_pages() {
    machine_.memmap.for_each_touched([&](Pfn first, Pfn end) {
      for (Pfn pfn = first; pfn < end; pfn.value += 1) check_page(pfn);
    });
  }

  /// References with those of a device's page that are nobody's.
  std::int64_t idle_refs(Pfn pfn, std::int64_t used) const {
    const DevPagemap* pagemap = DevPagemap::of(machine_, pfn);
    return pagemap == nullptr ? used : used + pagemap->own_refs(pfn);
  }

  void check_page(Pfn pfn) {
    const Page page = machine_.page(pfn);
    if (is_tail(page)) return;
    if (input_.is_foreign != nullptr && input_.is_foreign(input_.context, pfn)) return;
    const auto at = found_.pages.find(pfn);
    const PageAccount who = at == found_.pages.end() ? PageAccount{} : at->second;
    const std::int64_t expected = idle_refs(
        pfn, static_cast<std::int64_t>(who.mappings) + who.leaves + who.other_entries + who.caches +
                 who.batches + who.gets + who.isolations + (who.table ? 1 : 0) +
                 static_cast<std::int64_t>(who.pins) * machine_.pins.refs_per_pin(page));
    const bool accounted =
        input_.held_is_partial ? page.refcount() >= expected : page.refcount() == expected;
    if (!accounted && !planted(Mistake::kBlindRefcount))
      row(Invariant::kRefcountAccounted, page_at(pfn), "_refcount",
          static_cast<std::uint64_t>(expected), static_cast<std::uint64_t>(page.refcount()),
          [&] { return who.describe(); });
    if (who.table || expected == 0) return;
    check_at_rest(pfn, page);
    if (folio_test_large(page)) {
      check_huge(pfn, page, who);
    } else {
      check_mapped_page(pfn, page, page, who.mappings, 0, counts_pins() ? who.pins : 0);
    }
    check_count(pfn, who);
    check_lru(pfn, page, who);
  }

  /// Of a page that somebody holds; a free one is reset when it is handed out.
  void check_at_rest(Pfn pfn, Page page) {
    if (planted(Mistake::kBlindLocked)) return;
    if (page.test(Flag::kLocked))
      row(Invariant::kUnlockedAtRest, page_at(pfn), "locked", 0, 1,
          "locked, and no operation runs that would unlock it");
    if (page.test(Flag::kWriteback))
      row(Invariant::kUnlockedAtRest, page_at(pfn), "writeback", 0, 1,
          "said to be written to storage, and no operation runs that does it");
  }

  /// The scheme's own count, where it has one.
  void check_count(Pfn pfn, const PageAccount& who) {
    const PinCount counted = machine_.pins.pins(pfn);
    const SchemeSpec& scheme = machine_.pins.scheme();
    const bool exact = scheme.answer == PinAnswer::kExact ||
                       (scheme.at_limit == AtLimit::kSaturate && counted.exact);
    if (exact && counts(pfn) && !input_.held_is_partial && counted.pins != who.pins &&
        !planted(Mistake::kBlindPincount))
      row(Invariant::kPincountExact, page_at(pfn), "pins", who.pins, counted.pins,
          "pins that are held");
    if (who.pins > 0 && !machine_.pins.maybe_pinned(pfn))
      row(Invariant::kMaybePinnedSound, page_at(pfn), "maybe_pinned", 1, 0,
          [&] { return std::to_string(who.pins) + " pins are held"; });
  }
  /// Words of a page that the scheme does not pin are not its count, and a driver's
  /// mappings have no reverse map to tell them from pins.
  bool counts(Pfn pfn) {
    const Page page = machine_.page(pfn);
    const bool by_rmap = machine_.pins.scheme().place == CountPlace::kMapcount;
    return pins_have_room(machine_, page) && !(by_rmap && is_of_driver(page));
  }

  /// Pins raise `_mapcount`.
  bool counts_pins() const { return machine_.pins.scheme().place == CountPlace::kMapcount; }

  /// `page` alone has `entries` of its own, its folio `leaves`; `pins` count among its
  /// mappings.
  void check_mapped_page(Pfn pfn, Page folio, Page page, std::uint32_t entries,
                         std::uint32_t leaves, std::uint32_t pins = 0) {
    const auto mapped = static_cast<std::uint32_t>(page_mapcount(page));
    // Without a ledger there may be more pins than are known, in the count of a head.
    const bool open = input_.held_is_partial && counts_pins() && page == folio;
    const bool agrees = open ? mapped >= entries + pins : mapped == entries + pins;
    if (!agrees && !machine_.is_zero_pfn(pfn))
      row(Invariant::kMapcountAccounted, page_at(pfn), "_mapcount", entries + pins, mapped,
          [&] { return std::to_string(entries) + " entries"; });
    // While leaves alone map a huge page the head's bit speaks for all of it.
    const std::uint32_t mappings = entries + leaves;
    if (folio_test_anon(folio) && page_anon_exclusive(page) && mappings > 1 &&
        !planted(Mistake::kBlindExclusive))
      row(Invariant::kExclusiveOnce, page_at(pfn), "anon_exclusive", 1, mappings,
          "exclusive, yet mapped again");
  }

  void check_huge(Pfn pfn, Page folio, const PageAccount& who) {
    if (machine_.is_huge_zero(folio)) return;
    std::uint64_t pages_mapped = 0;
    for (std::uint64_t i = 0; i < folio_nr_pages(folio); ++i) {
      const auto at = found_.mappings.find(pfn + i);
      const std::uint32_t entries = at == found_.mappings.end() ? 0 : at->second;
      pages_mapped += entries > 0 ? 1 : 0;
      check_mapped_page(pfn + i, folio, folio_page(folio, i), entries, who.leaves,
                        i == 0 && counts_pins() ? who.pins : 0);
    }
    const auto check = [&](const char* field, std::uint64_t expected, std::uint64_t found,
                           const char* what) {
      if (expected != found)
        row(Invariant::kHugeCountsAgree, page_at(pfn), field, expected, found,
            [&] { return std::string(what) + ": " + who.describe(); });
    };
    check("_entire_mapcount", who.leaves, static_cast<std::uint32_t>(folio_entire_mapcount(folio)),
          "entire mapcount");
    // Where no field has their sum it is that of all pages, and the head's are raised by pins.
    const bool summed = counts_pins() && folio.shape().large_mapcount == 0;
    if (!summed || !input_.held_is_partial)
      check("_large_mapcount", who.leaves + who.mappings + (summed ? who.pins : 0),
            static_cast<std::uint32_t>(folio_mapcount(folio)), "mappings of any part");
    if (const std::uint16_t at = folio.shape().nr_pages_mapped; at != 0)
      check("_nr_pages_mapped",
            pages_mapped + (who.leaves > 0 && !folio_test_hugetlb(folio) ? kEntirelyMapped : 0),
            atomics::load(folio_page(folio, 1).u32(at)), "pages mapped");
    if (folio_test_partially_mapped(folio)) partially_mapped_.insert(pfn);
  }

  void check_deferred() {
    std::vector<Pfn> heads;
    if (machine_.deferred_split.heads(heads) != Errc::kOk)
      row(Invariant::kDeferredLinked, AuditPlace::of_list("deferred_split"), "_deferred_list", 0, 1,
          "the queue is no closed ring");
    for (const Pfn pfn : heads) {
      const Page folio = machine_.page(pfn);
      if (!folio_test_large(folio) || folio.refcount() <= 0)
        row(Invariant::kDeferredLinked, page_at(pfn), "_deferred_list", 1, 0,
            "queued, yet no huge page in use");
      partially_mapped_.erase(pfn);
    }
    for (const Pfn pfn : partially_mapped_)
      row(Invariant::kDeferredLinked, page_at(pfn), "_deferred_list", 1, 0,
          "partially mapped, yet not queued");
  }

  void check_lru(Pfn pfn, Page page, const PageAccount& who) {
    if (machine_.is_zone_device(pfn) || machine_.is_zero_pfn(pfn)) return;
    if (folio_test_hugetlb(page)) {
      if (page.test(Flag::kLru))
        row(Invariant::kLruMembership, page_at(pfn), "lru", 0, 1,
            "a page of the pool is on no LRU");
      return;
    }
    const bool isolated =
        machine_.pins.scheme().isolates() && (who.pins > 0 || machine_.pins.sticks(pfn));
    if (isolated && page.test(Flag::kLru))
      row(Invariant::kLruMembership, page_at(pfn), "lru", 0, 1,
          "listed, while its pins have its words");
    // A page with contents belongs on a list, or is on its way there, or a pin will
    // put it there; what was truncated or evicted lives off the lists.
    const bool owned = who.mappings > 0 || who.leaves > 0 || who.caches > 0;
    if (!owned || is_of_driver(page) || found_.in_add_batch.contains(pfn) || who.isolations > 0 ||
        input_.held_is_partial)
      return;
    if (isolated ? !machine_.pins.returns_to_lru(pfn) : !page.test(Flag::kLru))
      row(Invariant::kLruMembership, page_at(pfn), "lru", 1, 0, "on no list and in no batch");
  }

  void check_pins() {
    for (const HeldReference& reference : input_.held)
      if (reference.pinned && !reference.by_pfn && machine_.is_device_private(reference.pfn))
        row(Invariant::kPrivateUnreachable, page_at(reference.pfn), "pins", 0, 1,
            "pinned, where no CPU can reach it");
    std::uint64_t held = 0;
    for (const HeldReference& reference : input_.held)
      if (reference.pinned && !reference.by_pfn && !machine_.is_zero_pfn(reference.pfn))
        held += reference.count;
    if (const std::uint64_t counted = machine_.foll_pins(); counted != held)
      row(Invariant::kPinsBalanced, AuditPlace::nowhere(), "nr_foll_pin", held, counted,
          "nr_foll_pin_acquired less nr_foll_pin_released");
  }

  Machine& machine_;
  const MmAuditInput& input_;
  const PageAccounts& found_;
  AuditSink& sink_;
  std::set<Pfn> partially_mapped_;
};

}  // namespace

void audit_mm_pages(Machine& machine, const MmAuditInput& input, const PageAccounts& found,
                    AuditSink& sink) {
  PageChecks(machine, input, found, sink).run();
}

}  // namespace pagebox::inline PAGEBOX_ENV
