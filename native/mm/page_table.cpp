#include "mm/page_table.h"

#include "base/block_move.h"
#include "base/fault.h"
#include "mm/machine.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr unsigned kLevelShift[] = {kPgdShift, kPudShift, kPmdShift, kPageShift};
constexpr std::uint64_t kTableBits =
    Pte::kPresent | Pte::kWrite | Pte::kUser | Pte::kAccessed | Pte::kDirty;

constexpr unsigned kAllocTries = 64;  // pages that descriptors falsely call free

/// What `pmd_huge_pte` shows of a reserve (pfn + 1).
std::uint64_t reserve_address(const Machine& machine, std::uint64_t reserve) {
  return reserve == 0 ? 0 : machine.memmap.addresses().of_page({reserve - 1});
}

std::uint64_t index_at(std::uint64_t address, unsigned level) {
  return address >> kLevelShift[level] & (kPtesPerTable - 1);
}

constexpr const char* kWhyLost =
    "a page table that is freed gets its rcu_head in words 1 and 2: somebody else had written "
    "there, and lost it";
constexpr const char* kWhyRcu =
    "a page table that waits for RCU to free it has its rcu_head in words 1 and 2: somebody "
    "else wrote there. The page was freed by what RCU itself keeps";

/// What the descriptor of a waiting table shows, against what was written there.
void check_rcu_head(Machine& machine, const TableRecord& record, Pfn pfn, Page page) {
  const std::uint64_t next = page.rcu_next(), code = page.rcu_func();
  constexpr auto kCode = static_cast<std::uint64_t>(RcuCallback::kFreeTable);
  if (next != record.shown_next)
    machine.damage.add({pfn, "word 1 (rcu_head.next)", record.shown_next, next, kWhyRcu});
  if (code != kCode) machine.damage.add({pfn, "word 2 (rcu_head.func)", kCode, code, kWhyRcu});
}

void free_table_after_grace(RcuHead* head) {
  auto& record = static_cast<TableRecord&>(*head);
  Machine& machine = *record.machine;
  const Pfn pfn = machine.tables.pfn_of(record);
  const Page page = machine.page(pfn);
  check_rcu_head(machine, record, pfn, page);
  machine.tables.unqueue(pfn);
  record.shown_next = 0;
  record.in_use.store(0);
  const auto type = static_cast<std::int32_t>(page.shape().table_type);
  if (const std::int32_t found = page.mapcount_raw(); found != type) {
    // It may be somebody else's by now: a page too few is better than one with two owners.
    machine.damage.add({pfn, "page_type", page.shape().table_type,
                        static_cast<std::uint32_t>(found),
                        "a page table says what it is until it is freed: this page is given to "
                        "nobody any more"});
    return;
  }
  if (const std::int32_t held = page.refcount(); held < 1) {
    machine.damage.add({pfn, "_refcount", 1, static_cast<std::uint32_t>(held),
                        "somebody dropped the reference that a page table itself holds"});
    page.set_refcount(1);
  }
  page.set_mapcount_raw(-1);
  folio_put(machine.cpu(0), page);
}

}  // namespace

Errc PageTable::create(Cpu& cpu) {
  const auto root = alloc_table(cpu);
  if (!root) return root.error;
  root_ = root.value;
  created_ = true;
  return Errc::kOk;
}

TableStore& PageTable::store() const { return machine_.tables; }

Result<Pfn> PageTable::alloc_table(Cpu& cpu) {
  for (unsigned tries = 0; tries < kAllocTries; ++tries) {
    const auto folio = machine_.alloc_folio(cpu, 0, FailSite::kTable);
    if (!folio) return folio.error;
    const Page page = folio.value;
    const Pfn pfn = machine_.pfn_of(page);
    TableRecord& record = store().record(pfn);
    if (record.in_use.load() != 0) {
      // Its descriptor was made to look free. It stays the other table's, and off the lists.
      machine_.damage.add({pfn, "free list", 0, 1, "a page table in use was handed out again"});
      continue;
    }
    record.reserve = 0;
    record.in_use.store(1);
    const Shape& shape = page.shape();
    page.set_rcu_head(0, 0);
    if (shape.ptl != 0) atomics::store(page.u32(shape.ptl), 0U, atomics::kRelease);
    show_reserve(pfn);
    page.set_mapcount_raw(static_cast<std::int32_t>(shape.table_type));
    clear_block(store().entries(pfn), kPtesPerTable);
    tables_.add(1);
    return pfn;
  }
  return Errc::kCorrupt;
}

void PageTable::free_table(Cpu&, Pfn pfn) {
  tables_.sub(1);
  TableRecord& record = store().record(pfn);
  const Page page = machine_.page(pfn);
  record.machine = &machine_;
  // rcu_head lies in words 1 and 2, as in the kernel's ptdesc: the page that was queued
  // before, and what is to be done. Shown for who reads the descriptor.
  const std::uint64_t before = store().queue(pfn);
  const std::uint64_t had_next = page.rcu_next(), had_func = page.rcu_func();
  const Shape& shape = page.shape();
  const auto left_at = [&](std::uint16_t offset) {
    return shape.pmd_huge_pte == offset ? reserve_address(machine_, record.reserve) : 0;
  };
  if (const std::uint64_t left = left_at(shape.rcu_next()); had_next != left)
    machine_.damage.add({pfn, "word 1 (rcu_head.next)", left, had_next, kWhyLost});
  if (const std::uint64_t left = left_at(shape.rcu_func()); had_func != left)
    machine_.damage.add({pfn, "word 2 (rcu_head.func)", left, had_func, kWhyLost});
  record.shown_next =
      before == 0 ? 0 : machine_.memmap.addresses().of_page({before - 1}) + shape.rcu_next();
  page.set_rcu_head(record.shown_next, static_cast<std::uint64_t>(RcuCallback::kFreeTable));
  if (machine_.has(Quirk::kTableFreedAtOnce)) return free_table_after_grace(&record);
  machine_.rcu.call_rcu(&record, free_table_after_grace);
}

PteSlot PageTable::slot_in(Pfn table, std::uint64_t index) const {
  return {store().entries(table) + index, &store().record(table).lock};
}

void PageTable::show_reserve(Pfn table) const {
  const Page page = machine_.page(table);
  const Shape& shape = page.shape();
  if (shape.pmd_huge_pte != 0)
    page.set_word_at(shape.pmd_huge_pte, reserve_address(machine_, store().record(table).reserve));
}

void PageTable::deposit(PteSlot pmd, Pfn table) const {
  const Pfn owner = store().pfn_of(*pmd.lock);
  TableRecord &of_owner = store().record(owner), &fresh = store().record(table);
  fresh.reserve = of_owner.reserve.get();
  of_owner.reserve = table.value + 1;
  show_reserve(table);
  show_reserve(owner);
}

Result<Pfn> PageTable::withdraw(PteSlot pmd) const {
  const Pfn owner = store().pfn_of(*pmd.lock);
  TableRecord& of_owner = store().record(owner);
  if (of_owner.reserve == 0) return Errc::kCorrupt;
  const Pfn table{of_owner.reserve - 1};
  TableRecord& taken = store().record(table);
  of_owner.reserve = taken.reserve.get();
  taken.reserve = 0;
  show_reserve(owner);
  show_reserve(table);
  return table;
}

void PageTable::populate(PteSlot pmd, Pfn table) { pmd.map(Pte::of(table, kTableBits)); }

PteSlot PageTable::descend(std::uint64_t address, unsigned levels) const {
  const TableStore& tables = machine_.tables;
  Pfn table = root_;
  unsigned shift = kPgdShift;
  for (unsigned level = 0; level < levels; ++level, shift -= kPmdShift - kPageShift) {
    const Pte entry{
        atomics::load(tables.entries(table) + (address >> shift & (kPtesPerTable - 1)))};
    if ((entry.value & (Pte::kPresent | Pte::kHuge)) != Pte::kPresent) return {};
    table = entry.pfn();
  }
  return slot_in(table, index_at(address, levels));
}

Result<PteSlot> PageTable::descend_alloc(Cpu& cpu, std::uint64_t address, unsigned levels) {
  // Nearly always the tables are there.
  if (const PteSlot slot = descend(address, levels)) return slot;
  Pfn table = root_;
  for (unsigned level = 0; level < levels; ++level) {
    const PteSlot slot = slot_in(table, index_at(address, level));
    Pte entry = slot.get();
    if (entry.none()) {
      const auto fresh = alloc_table(cpu);
      if (!fresh) return fresh.error;
      Guard guard(*slot.lock);
      entry = slot.get();
      if (entry.none() || planted(Mistake::kTableUnchecked)) {
        entry = Pte::of(fresh.value, kTableBits);
        slot.map(entry);
      } else if (!planted(Mistake::kLostTableKept)) {
        free_table(cpu, fresh.value);  // somebody was first
      }
    }
    if (!entry.has(Pte::kPresent) || entry.huge()) return Errc::kBusy;
    table = entry.pfn();
  }
  return slot_in(table, index_at(address, levels));
}

PteSlot PageTable::find(std::uint64_t address) const { return descend(address, 3); }
PteSlot PageTable::find_in(PteSlot pmd, std::uint64_t address) const {
  if (!pmd) return {};
  const Pte entry = pmd.get();
  if ((entry.value & (Pte::kPresent | Pte::kHuge)) != Pte::kPresent) return {};
  return slot_in(entry.pfn(), index_at(address, 3));
}
PteSlot PageTable::find(std::uint64_t address, Pte& pmd) const {
  const PteSlot at = descend(address, 2);
  pmd = at ? at.get() : Pte{};
  if ((pmd.value & (Pte::kPresent | Pte::kHuge)) != Pte::kPresent) return {};
  return slot_in(pmd.pfn(), index_at(address, 3));
}
PteSlot PageTable::find_pmd(std::uint64_t address) const { return descend(address, 2); }
Result<PteSlot> PageTable::alloc(Cpu& cpu, std::uint64_t address) {
  return descend_alloc(cpu, address, 3);
}
Result<PteSlot> PageTable::alloc_pmd(Cpu& cpu, std::uint64_t address) {
  return descend_alloc(cpu, address, 2);
}

void PageTable::free_range(Cpu& cpu, std::uint64_t floor, std::uint64_t ceiling) {
  // Only the last level: the tables above are few and go with the address space.
  std::uint64_t address = (floor + kPmdBytes - 1) & ~(kPmdBytes - 1);
  while (address + kPmdBytes <= ceiling) {
    PteSlot pmd = find_pmd(address);
    const std::uint64_t end = next_gigabyte(address);
    if (!pmd) {
      address = end;
      continue;
    }
    for (; address < end && address + kPmdBytes <= ceiling; address += kPmdBytes, pmd.advance()) {
      // Nobody makes tables meanwhile, so that an empty entry stays one.
      Pte entry = pmd.get();
      if (!entry.has(Pte::kPresent)) continue;
      {
        Guard guard(*pmd.lock);
        entry = pmd.get();
        if (entry.has(Pte::kPresent) && !entry.huge()) pmd.drop();
      }
      if (entry.has(Pte::kPresent) && !entry.huge()) free_table(cpu, entry.pfn());
    }
  }
}

void PageTable::destroy(Cpu& cpu) {
  if (!created_) return;
  // Few are left. The last one is found when none is but those on the way to it.
  std::uint64_t left = tables();
  const auto free_below = [&](auto&& self, Pfn table, unsigned level) -> void {
    for (std::uint64_t i = 0; level < 3 && i < kPtesPerTable && left > level + 1; ++i) {
      const Pte entry = slot_in(table, i).get();
      if (entry.has(Pte::kPresent) && !entry.huge()) self(self, entry.pfn(), level + 1);
    }
    free_table(cpu, table);
    --left;
  };
  free_below(free_below, root_, 0);
  created_ = false;
}

}  // namespace pagebox::inline PAGEBOX_ENV
