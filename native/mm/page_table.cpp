#include "mm/page_table.h"

#include <cstring>

#include "base/check.h"
#include "mm/machine.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr unsigned kLevelShift[] = {kPgdShift, kPudShift, kPmdShift, kPageShift};
constexpr std::uint64_t kTableBits =
    Pte::kPresent | Pte::kWrite | Pte::kUser | Pte::kAccessed | Pte::kDirty;

std::uint64_t index_at(std::uint64_t address, unsigned level) {
  return address >> kLevelShift[level] & (kPtesPerTable - 1);
}

void free_table_after_grace(RcuHead* head) {
  std::byte* at = reinterpret_cast<std::byte*>(head) - sizeof(std::uint64_t);
  Machine* machine = nullptr;
  std::memcpy(&machine, at + 4 * sizeof(std::uint64_t), sizeof machine);
  const Page page(at, &machine->memmap.shape());
  page.set_mapcount_raw(-1);
  machine->put(machine->cpu(0), page);
}

}  // namespace

Errc PageTable::create(Cpu& cpu) {
  const auto root = alloc_table(cpu);
  if (!root) return root.error;
  root_ = root.value;
  created_ = true;
  return Errc::kOk;
}

Result<Pfn> PageTable::alloc_table(Cpu& cpu) {
  const auto folio = machine_.alloc_folio(cpu);
  if (!folio) return folio.error;
  const Page page = folio.value;
  page.set_word(5, 0);  // the split lock, free
  if (const std::uint16_t reserve = page.shape().pmd_huge_pte; reserve != 0)
    page.set_word(reserve / page.shape().word_bytes, 0);
  if (const std::uint32_t type = page.shape().table_type; type != 0)
    page.set_mapcount_raw(static_cast<std::int32_t>(type));
  const Pfn pfn = machine_.pfn_of(page);
  machine_.frames.clear(pfn);
  tables_.fetch_add(1);
  return pfn;
}

void PageTable::free_table(Cpu&, Pfn pfn) {
  tables_.fetch_sub(1);
  const Page page = machine_.page(pfn);
  // rcu_head lies in words 1 and 2, as in the kernel's ptdesc; word 4 (pt_mm,
  // dead by now) tells the callback whose page it is.
  page.set_word(4, reinterpret_cast<std::uint64_t>(&machine_));
  machine_.rcu.call_rcu(reinterpret_cast<RcuHead*>(page.at() + page.shape().word(1)),
                        free_table_after_grace);
}

PteSlot PageTable::slot_in(Pfn table, std::uint64_t index) const {
  const Page page = machine_.page(table);
  auto* lock = reinterpret_cast<TableLock*>(page.at() + page.shape().word(5));
  return {reinterpret_cast<std::uint64_t*>(machine_.frames.at_ram(table)) + index, lock};
}

Page PageTable::page_of(PteSlot slot) const {
  const Shape& shape = machine_.memmap.shape();
  return {reinterpret_cast<std::byte*>(slot.lock) - shape.word(5), &shape};
}

Pfn PageTable::pfn_of(Page page) const { return machine_.pfn_of(page); }

Page PageTable::next_deposit(Page page) const {
  const Shape& shape = page.shape();
  const std::uint64_t address = page.word(shape.pmd_huge_pte / shape.word_bytes);
  const auto pfn = machine_.memmap.addresses().page_at(address, machine_.memmap.capacity());
  return pfn && address != 0 ? machine_.page(*pfn) : Page();
}

void PageTable::deposit(PteSlot pmd, Pfn table) const {
  const Page owner = page_of(pmd), page = machine_.page(table);
  const unsigned word = owner.shape().pmd_huge_pte / owner.shape().word_bytes;
  page.set_word(word, owner.word(word));
  owner.set_word(word, machine_.memmap.addresses().of_page(table));
}

Pfn PageTable::withdraw(PteSlot pmd) const {
  const Page owner = page_of(pmd), table = next_deposit(owner);
  PAGEBOX_CHECK(table);  // there is one for each huge leaf
  const unsigned word = owner.shape().pmd_huge_pte / owner.shape().word_bytes;
  owner.set_word(word, table.word(word));
  table.set_word(word, 0);
  return machine_.pfn_of(table);
}

void PageTable::populate(PteSlot pmd, Pfn table) { pmd.set(Pte::of(table, kTableBits)); }

PteSlot PageTable::descend(std::uint64_t address, unsigned levels) const {
  const FrameMap& frames = machine_.frames;
  Pfn table = root_;
  unsigned shift = kPgdShift;
  for (unsigned level = 0; level < levels; ++level, shift -= kPmdShift - kPageShift) {
    const auto* entries = reinterpret_cast<const std::uint64_t*>(frames.at_ram(table));
    const Pte entry{atomics::load(entries + (address >> shift & (kPtesPerTable - 1)))};
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
      if (entry.none()) {
        entry = Pte::of(fresh.value, kTableBits);
        slot.set(entry);
      } else {
        free_table(cpu, fresh.value);  // somebody was first
      }
    }
    if (!entry.has(Pte::kPresent) || entry.huge()) return Errc::kBusy;
    table = entry.pfn();
  }
  return slot_in(table, index_at(address, levels));
}

PteSlot PageTable::find(std::uint64_t address) const { return descend(address, 3); }
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
  for (; address + kPmdBytes <= ceiling; address += kPmdBytes) {
    const PteSlot pmd = find_pmd(address);
    if (!pmd) {
      address |= (1ULL << kPudShift) - kPmdBytes;  // nothing in this gigabyte
      continue;
    }
    Pte entry;
    {
      Guard guard(*pmd.lock);
      entry = pmd.get();
      if (entry.has(Pte::kPresent) && !entry.huge()) pmd.set({});
    }
    if (entry.has(Pte::kPresent) && !entry.huge()) free_table(cpu, entry.pfn());
  }
}

void PageTable::destroy(Cpu& cpu) {
  if (!created_) return;
  const auto free_below = [&](auto&& self, Pfn table, unsigned level) -> void {
    for (std::uint64_t i = 0; level < 3 && i < kPtesPerTable; ++i) {
      const Pte entry = slot_in(table, i).get();
      if (entry.has(Pte::kPresent) && !entry.huge()) self(self, entry.pfn(), level + 1);
    }
    free_table(cpu, table);
  };
  free_below(free_below, root_, 0);
  created_ = false;
}

}  // namespace pagebox::inline PAGEBOX_ENV
