#include "engine/audit/audit_mm.h"

#include <algorithm>
#include <map>

#include "base/fault.h"
#include "engine/audit/audit_hugetlb.h"
#include "engine/audit/audit_tables.h"
#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/gup/pin_question.h"
#include "mm/huge/huge.h"
#include "mm/huge/hugetlb.h"
#include "page/folio.h"
#include "zone_device/dev_pagemap.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// What the walk finds about one page.
struct Account {
  std::uint32_t mappings = 0, leaves = 0, other_entries = 0, caches = 0, batches = 0, gets = 0,
                pins = 0, isolations = 0;
  bool table = false;

  std::string describe() const {
    std::string out = std::to_string(mappings) + " mappings";
    const auto add = [&](std::uint32_t n, const char* what) {
      if (n > 0) out += ", " + std::to_string(n) + " " + what;
    };
    add(leaves, "pmd mappings");
    add(other_entries, "entries without a mapping");
    add(caches, "caches and buffers");
    add(batches, "LRU batches");
    add(gets, "references");
    add(pins, "pins");
    add(isolations, "isolations");
    if (table) out += ", page table";
    return out;
  }
};

class Walk {
 public:
  Walk(Machine& machine, const MmAuditInput& input, AuditSink& sink)
      : machine_(machine), input_(input), sink_(sink) {}

  void run() {
    for (std::size_t i = 0; i < input_.mms.size(); ++i) {
      process_ = process_of(input_, i);
      walk_mm(*input_.mms[i]);
    }
    for (std::uint64_t i = 0; i < machine_.files.size(); ++i) walk_file(*machine_.files.at(i));
    for (unsigned i = 0; i < machine_.cpus(); ++i) walk_batches(machine_.cpu(i));
    for (const HeldReference& held : input_.held) {
      if (held.isolated)
        account(held.pfn).isolations += held.count;
      else if (!held.pinned)
        account(held.pfn).gets += held.count;
      else if (held.by_pfn || !machine_.is_zero_pfn(held.pfn))  // GUP's pin of it counts nothing
        account(held.pfn).pins += held.count;
    }
    account(machine_.pfn_of(machine_.zero_page())).gets += 1;
    if (const Page huge = machine_.huge_zero_page()) account(machine_.pfn_of(huge)).gets += 1;
    check_swap();
    check_pages();
    check_pins();
    check_deferred();
    audit_hugetlb(machine_, hugetlb_promised_, sink_);
    audit_tables(machine_, input_.mms, sink_);
  }

 private:
  /// Mapped by a driver's mmap: neither anonymous nor a file's.
  static bool is_drivers(Page page) { return page.mapping() == 0; }
  Account& account(Pfn pfn) {
    return accounts_[machine_.pfn_of(compound_head(machine_.memmap, machine_.page(pfn)))];
  }
  template <class Why>
  void row(Invariant invariant, AuditPlace place, std::string_view field, std::uint64_t expected,
           std::uint64_t found, Why&& why) {
    sink_.add(invariant, place, field, expected, found, std::forward<Why>(why));
  }
  static AuditPlace page_at(Pfn pfn) { return AuditPlace::page(pfn); }
  /// In the address space that is walked.
  AuditPlace address_at(std::uint64_t address) const {
    return AuditPlace::address(process_, address);
  }

  void walk_mm(Mm& mm) {
    std::uint64_t last = 0;
    for (const auto& vma : mm.vmas) {
      if (vma->start < last || vma->start >= vma->end)
        row(Invariant::kVmasOrdered, address_at(vma->start), "vma", last, vma->start,
            "begins where the one before it ends, or later, and has an end");
      last = vma->end;
      hugetlb_promised_ += hugetlb_promises(*vma);
      if (vma->file != nullptr && std::ranges::count(vma->file->i_mmap, vma.get()) != 1)
        row(Invariant::kFileMappingsListed, address_at(vma->start), "i_mmap", 1,
            static_cast<std::uint64_t>(std::ranges::count(vma->file->i_mmap, vma.get())),
            "times that the mapping's file has it");
      mm.page_table.for_each_pte(vma->start, vma->end, [&](std::uint64_t address, PteSlot slot) {
        walk_entry(*vma, address, slot.get());
      });
      mm.page_table.for_each_huge(vma->start, vma->end,
                                  [&](std::uint64_t from, std::uint64_t to, PteSlot pmd) {
                                    walk_leaf(*vma, from, to, pmd.get());
                                  });
    }
    mm.page_table.visit([&](Pfn pfn) { account(pfn).table = true; },
                        [&](std::uint64_t address, PteSlot) {
                          if (mm.find_vma(address) == nullptr)
                            row(Invariant::kEntriesInVmas, address_at(address), "pte", 0, 1,
                                "an entry outside every mapping");
                        });
    const auto splits = [&](Pte leaf) { return !folio_test_hugetlb(machine_.page(leaf.pfn())); };
    mm.page_table.visit_deposits(
        splits, [&](Pfn table, std::uint64_t leaves, std::uint64_t deposits) {
          if (leaves != deposits)
            row(Invariant::kDepositForEachLeaf, page_at(table), "pmd_huge_pte", leaves, deposits,
                "tables in reserve for the huge leaves of a pmd table");
        });
  }

  void walk_leaf(const Vma& vma, std::uint64_t from, std::uint64_t to, Pte pmd) {
    const Page folio = huge_normal_folio(machine_, pmd);
    if (!folio) return;
    account(pmd.pfn()).leaves += 1;
    if (folio_test_hugetlb(folio) != vma.is_hugetlb())
      row(Invariant::kHugetlbWhereAsked, page_at(pmd.pfn()), "page_type", vma.is_hugetlb() ? 1 : 0,
          folio_test_hugetlb(folio) ? 1 : 0, "a page of the pool belongs where one was asked for");
    else if (vma.is_hugetlb() && hugetlb_promised(vma, from))
      row(Invariant::kHugetlbCounted, address_at(from), "promised", 0, 1,
          "there already, and still promised");
    if (to - from != kPmdBytes || !folio_test_pmd_mappable(folio))
      row(Invariant::kLeafMapsWhole, address_at(from), "pmd", kPmdBytes, to - from,
          [&] { return "bytes of page " + std::to_string(pmd.pfn().value); });
    else
      check_rmap(vma, from, folio);
  }

  void walk_entry(const Vma& vma, std::uint64_t address, Pte pte) {
    if (pte.none()) return;
    if (pte.present()) {
      if (const Page page = vm_normal_page(machine_, pte)) {
        account(pte.pfn()).mappings += 1;
        page_mappings_[pte.pfn()] += 1;
        check_rmap(vma, address, page);
        if (machine_.is_device_private(pte.pfn()))
          row(Invariant::kPrivateUnreachable, address_at(address), "pte", 0, 1,
              [&] { return "present, and leads to page " + std::to_string(pte.pfn().value); });
      }
      return;
    }
    const SwapEntry entry = pte.entry();
    if (entry.is_swap())
      swap_users_[entry.offset] += 1;
    else if (entry.is_device_private())
      walk_device_entry(vma, address, entry);
    else if (entry.is_device_exclusive())
      account(entry.pfn()).other_entries += 1;
    else if (entry.is_migration() && !planted(Mistake::kBlindMigration))
      row(Invariant::kMigrationFinished, address_at(address), "pte", 0, 1,
          [&] { return "of page " + std::to_string(entry.pfn().value); });
  }

  void walk_device_entry(const Vma& vma, std::uint64_t address, SwapEntry entry) {
    const Page page = machine_.page(entry.pfn());
    account(entry.pfn()).mappings += 1;
    check_rmap(vma, address, page);
    if (!folio_test_anon(page) && entry.is_writable_device() && !page.test(Flag::kDirty))
      row(Invariant::kDeviceWriteDirty, page_at(entry.pfn()), "dirty", 1, 0,
          "a device may write this page of a file, and nothing would write it back");
  }

  void check_rmap(const Vma& vma, std::uint64_t address, Page page) {
    if (is_drivers(page)) return;
    const Page folio = compound_head(machine_.memmap, page);
    const std::uint64_t index =
        folio_index(folio) + (machine_.pfn_of(page) - machine_.pfn_of(folio));
    bool reachable = false;
    if (folio_test_anon(folio)) {
      const AnonVma* anon_vma = folio_anon_vma(machine_, folio);
      reachable = anon_vma != nullptr && std::ranges::count(anon_vma->tree, &vma) == 1;
    } else if (const AddressSpace* file = folio_file(machine_, folio)) {
      reachable = file == vma.file;
    }
    if (!reachable || !vma.contains_pgoff(index) || vma.address_of(index) != address)
      row(Invariant::kRmapComplete, page_at(machine_.pfn_of(page)), "mapping", address, index,
          "a walk through the page does not find its mapping");
  }

  void walk_file(AddressSpace& file) {
    for (std::uint64_t index = file.next_slot(0); index != AddressSpace::kNoSlot;
         index = file.next_slot(index + 1)) {
      const CacheEntry entry = file.entry(index);
      if (entry.is_swap()) swap_users_[entry.slot()] += 1;
      if (!entry.is_page()) continue;
      const Page folio = machine_.page(entry.pfn());
      account(entry.pfn()).caches += 1 + (folio.test(Flag::kPrivate) ? 1 : 0);
      if (folio_file(machine_, folio) != &file || folio_index(folio) != index)
        row(Invariant::kCacheLinked, page_at(entry.pfn()), "mapping", index, folio_index(folio),
            "the cached page does not point back");
    }
  }

  void walk_batches(Cpu& cpu) {
    const auto count = [&](const FolioBatch& batch, bool adds) {
      for (const Pfn pfn : batch.held()) {
        account(pfn).batches += 1;
        if (adds) in_add_batch_[pfn] = true;
      }
    };
    for (unsigned i = 0; i < kLruMoves; ++i)
      count(cpu.batches.moves[i], static_cast<LruMove>(i) == LruMove::kAdd);
    count(cpu.batches.mlock, true);
  }

  void check_swap() {
    for (std::uint64_t slot = 0; slot < machine_.swap.slots(); ++slot) {
      const auto used = swap_users_.find(slot);
      const std::uint64_t expected = used == swap_users_.end() ? 0 : used->second;
      const std::uint64_t found = machine_.swap.raw(slot) & ~Swap::kHasCache;
      if (expected != found && !planted(Mistake::kBlindSwap))
        row(Invariant::kSwapCounted, AuditPlace::swap_slot(slot), "swap_map", expected, found,
            "entries and files that hold it");
      const std::uint64_t cached = machine_.swap.cached(slot);
      if (cached == 0) continue;
      const Page folio = machine_.page({cached - 1});
      account({cached - 1}).caches += 1;
      const Page head = compound_head(machine_.memmap, folio);
      const std::uint64_t names = folio_swap_slot(head) + folio_page_index(head, folio);
      if (!folio_test_swapcache(head) || names != slot)
        row(Invariant::kSwapCacheLinked, page_at({cached - 1}), "private", slot, names,
            "the page in the swap cache does not name its slot");
    }
  }

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
    const auto at = accounts_.find(pfn);
    const Account who = at == accounts_.end() ? Account{} : at->second;
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
  void check_count(Pfn pfn, const Account& who) {
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
    return pins_have_room(machine_, page) && !(by_rmap && is_drivers(page));
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

  void check_huge(Pfn pfn, Page folio, const Account& who) {
    if (machine_.is_huge_zero(folio)) return;
    std::uint64_t pages_mapped = 0;
    for (std::uint64_t i = 0; i < folio_nr_pages(folio); ++i) {
      const auto at = page_mappings_.find(pfn + i);
      const std::uint32_t entries = at == page_mappings_.end() ? 0 : at->second;
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
    if (folio_test_partially_mapped(folio)) partially_mapped_[pfn] = true;
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
    for (const auto& [pfn, flag] : partially_mapped_)
      row(Invariant::kDeferredLinked, page_at(pfn), "_deferred_list", 1, 0,
          "partially mapped, yet not queued");
  }

  void check_lru(Pfn pfn, Page page, const Account& who) {
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
    if (!owned || is_drivers(page) || in_add_batch_.contains(pfn) || who.isolations > 0 ||
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
  AuditSink& sink_;
  std::uint64_t process_ = 0;  // whose address space is walked
  std::map<Pfn, Account> accounts_;
  std::map<Pfn, bool> in_add_batch_;
  std::map<Pfn, std::uint32_t> page_mappings_;  // entries of this very page
  std::map<Pfn, bool> partially_mapped_;
  std::map<std::uint64_t, std::uint64_t> swap_users_;
  std::uint64_t hugetlb_promised_ = 0;
};

}  // namespace

void audit_mm(Machine& machine, const MmAuditInput& input, AuditSink& sink) {
  Walk(machine, input, sink).run();
}

}  // namespace pagebox::inline PAGEBOX_ENV
