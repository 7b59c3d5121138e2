#include "engine/audit/audit_mm.h"

#include <algorithm>
#include <map>

#include "base/fault.h"
#include "engine/audit/audit_hugetlb.h"
#include "engine/audit/audit_mm_pages.h"
#include "engine/audit/audit_tables.h"
#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "mm/huge/hugetlb.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

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
    audit_mm_pages(machine_, input_, found_, sink_);
    audit_hugetlb(machine_, hugetlb_promised_, sink_);
    audit_tables(machine_, input_.mms, sink_);
  }

 private:
  PageAccount& account(Pfn pfn) {
    return found_.pages[machine_.pfn_of(compound_head(machine_.memmap, machine_.page(pfn)))];
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
        found_.mappings[pte.pfn()] += 1;
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
    if (is_of_driver(page)) return;
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
        if (adds) found_.in_add_batch.insert(pfn);
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

  Machine& machine_;
  const MmAuditInput& input_;
  AuditSink& sink_;
  std::uint64_t process_ = 0;  // whose address space is walked
  PageAccounts found_;
  std::map<std::uint64_t, std::uint64_t> swap_users_;
  std::uint64_t hugetlb_promised_ = 0;
};

}  // namespace

void audit_mm(Machine& machine, const MmAuditInput& input, AuditSink& sink) {
  Walk(machine, input, sink).run();
}

}  // namespace pagebox::inline PAGEBOX_ENV
