// Four levels of page tables, each of which takes a page; its entries and its split
// lock lie in the TableStore.
//
//  1. An entry is changed under its table's lock, and by PteSlot alone (pte_slot.h).
//  2. Fast GUP reads entries without any lock, and checks them again after it
//     has the page.
//  3. Tables are freed only after a grace period, so a reader without locks
//     never walks into a reused table.
//  4. An entry leads to a table only if this class has put it there. Descriptors of
//     tables are written and never believed: what differs is Damage.
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/errc.h"
#include "base/lock.h"
#include "mm/pte_slot.h"
#include "mm/table_store.h"
#include "page/page.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

class Cpu;
class Machine;

class PageTable {
 public:
  explicit PageTable(Machine& machine) : machine_(machine) {}
  Errc create(Cpu& cpu);
  /// Frees all tables. No entry may be left.
  void destroy(Cpu& cpu);

  /// The entry of `address`; empty if a table is missing or the pmd is huge.
  PteSlot find(std::uint64_t address) const;
  /// The same with the pmd entry that led there, as it was.
  PteSlot find(std::uint64_t address, Pte& pmd) const;
  /// Makes missing tables. kNoMem; kBusy: the pmd is huge.
  Result<PteSlot> alloc(Cpu& cpu, std::uint64_t address);
  /// The pmd entry; empty if a table above it is missing.
  PteSlot find_pmd(std::uint64_t address) const;
  /// The entry of `address` in the table that the pmd entry leads to; empty if to none.
  PteSlot find_in(PteSlot pmd, std::uint64_t address) const;
  /// Where another table may begin after the one of `pmd`, which is find_pmd(address): a
  /// gigabyte without a table of pmd entries is passed over as one.
  static std::uint64_t next_table(PteSlot pmd, std::uint64_t address) {
    return pmd ? (address | (kPmdBytes - 1)) + 1 : next_gigabyte(address);
  }
  Result<PteSlot> alloc_pmd(Cpu& cpu, std::uint64_t address);
  /// A fresh empty table for pmd splits and huge faults' deposits.
  Result<Pfn> alloc_table(Cpu& cpu);
  void free_table(Cpu& cpu, Pfn pfn);
  PteSlot slot_in(Pfn table, std::uint64_t index) const;
  /// Of a table that no walk reaches yet: without a lock.
  PteSlot slot_of_spare(Pfn table, std::uint64_t index) const {
    return {slot_in(table, index), nullptr};
  }

  // A huge leaf keeps a table in reserve, so that splitting it cannot fail. The pmd's
  // lock is held; v6.12 hangs the reserve on the pmd table's `pmd_huge_pte` too.
  void deposit(PteSlot pmd, Pfn table) const;
  /// kCorrupt: there is none, as under a leaf that a damaged descriptor led to.
  Result<Pfn> withdraw(PteSlot pmd) const;
  /// The pmd entry leads to this table from now on.
  static void populate(PteSlot pmd, Pfn table);
  /// Moves a whole table, or a huge leaf with its reserve, to an empty pmd entry.
  /// `change` is given the entry. False: the target is not empty.
  template <class Change>
  bool move_pmd(PteSlot from, PteSlot to, Change&& change) const;

  /// Frees the tables whose whole range lies in [floor, ceiling) and is empty.
  void free_range(Cpu& cpu, std::uint64_t floor, std::uint64_t ceiling);
  std::uint64_t tables() const { return tables_.load(); }
  /// For the audit, with nothing running: calls fn(pfn of a table) for each table,
  /// reserves included, and entry(address, slot) for each leaf.
  template <class Table, class Entry>
  void visit(Table&& table, Entry&& entry) const;
  /// For the audit: fn(pmd table, huge leaves in it for which `splits`, tables in
  /// reserve).
  template <class Splits, class Fn>
  void visit_deposits(Splits&& splits, Fn&& fn) const;

  /// Calls fn(address, slot) for each entry of [start, end) whose table exists,
  /// with the table's lock held.
  /// Huge leaves are passed over. `after`: between tables and behind the last, without a lock.
  template <class Fn, class After>
  void for_each_pte(std::uint64_t start, std::uint64_t end, Fn&& fn, After&& after) const;
  template <class Fn>
  void for_each_pte(std::uint64_t start, std::uint64_t end, Fn&& fn) const {
    for_each_pte(start, end, fn, [] {});
  }
  /// Calls fn(start, end, pmd) for each part of [start, end) that a huge leaf maps,
  /// without a lock: fn takes the pmd's and looks again.
  template <class Fn>
  void for_each_huge(std::uint64_t start, std::uint64_t end, Fn&& fn) const;

 private:
  /// Where another table of pmd entries may begin.
  static std::uint64_t next_gigabyte(std::uint64_t address) {
    return (address | ((1ULL << kPudShift) - 1)) + 1;
  }
  TableStore& store() const;
  /// Shows the first table in reserve behind `table` in its descriptor.
  void show_reserve(Pfn table) const;
  PteSlot descend(std::uint64_t address, unsigned levels) const;
  Result<PteSlot> descend_alloc(Cpu& cpu, std::uint64_t address, unsigned levels);

  Machine& machine_;
  Pfn root_;
  bool created_ = false;
  Atomic<std::uint64_t> tables_;
};

template <class Table, class Entry>
void PageTable::visit(Table&& table, Entry&& entry) const {
  const auto below = [&](auto&& self, Pfn pfn, unsigned level, std::uint64_t first) -> void {
    table(pfn);
    if (level == 2)
      for (std::uint64_t at = store().record(pfn).reserve; at != 0;
           at = store().record({at - 1}).reserve)
        table(Pfn{at - 1});
    for (std::uint64_t i = 0; i < kPtesPerTable; ++i) {
      const PteSlot slot = slot_in(pfn, i);
      const Pte pte = slot.get();
      if (pte.none()) continue;
      const std::uint64_t address = first | i << (kPageShift + 9 * (3 - level));
      if (level == 3 || pte.huge())
        entry(address, slot);
      else
        self(self, pte.pfn(), level + 1, address);
    }
  };
  if (created_) below(below, root_, 0, 0);
}

template <class Splits, class Fn>
void PageTable::visit_deposits(Splits&& splits, Fn&& fn) const {
  const auto below = [&](auto&& self, Pfn pfn, unsigned level) -> void {
    std::uint64_t leaves = 0, tables = 0;
    for (std::uint64_t i = 0; i < kPtesPerTable; ++i) {
      const Pte pte = slot_in(pfn, i).get();
      if (pte.none()) continue;
      if (level == 2)
        leaves += pte.huge() && splits(pte) ? 1 : 0;
      else
        self(self, pte.pfn(), level + 1);
    }
    if (level != 2) return;
    for (std::uint64_t at = store().record(pfn).reserve; at != 0;
         at = store().record({at - 1}).reserve)
      ++tables;
    fn(pfn, leaves, tables);
  };
  if (created_) below(below, root_, 0);
}

template <class Change>
bool PageTable::move_pmd(PteSlot from, PteSlot to, Change&& change) const {
  Guard guard(*from.lock);
  const bool nested = to.lock != from.lock;
  if (nested) to.lock->lock();
  const bool empty = to.get().none();
  if (empty) {
    const Pte pte = from.clear_and_flush();
    if (pte.huge() && nested)
      if (const auto reserve = withdraw(from)) deposit(to, reserve.value);
    to.map(change(pte));
  }
  if (nested) to.lock->unlock();
  return empty;
}

template <class Fn>
void PageTable::for_each_huge(std::uint64_t start, std::uint64_t end, Fn&& fn) const {
  for (std::uint64_t address = start; address < end;) {
    const PteSlot pmd = find_pmd(address);
    const std::uint64_t next = next_table(pmd, address);
    const std::uint64_t stop = next < end ? next : end;
    if (pmd && pmd.get().present() && pmd.get().huge()) fn(address, stop, pmd);
    address = stop;
  }
}

template <class Fn, class After>
void PageTable::for_each_pte(std::uint64_t start, std::uint64_t end, Fn&& fn, After&& after) const {
  for (std::uint64_t address = start; address < end;) {
    const PteSlot pmd = find_pmd(address);
    const std::uint64_t next = next_table(pmd, address);
    const std::uint64_t stop = next < end ? next : end;
    if (PteSlot slot = find_in(pmd, address)) {
      Guard guard(*slot.lock);
      for (; address < stop; address += kPageBytes, slot.advance()) fn(address, slot);
    }
    after();
    address = stop;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
