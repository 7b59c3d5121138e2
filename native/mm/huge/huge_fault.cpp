// Faults on pmd entries: a huge page for empty memory, write access to a leaf.
#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Reads of empty memory: everybody's zeroes.
std::optional<FaultResult> map_huge_zero(Cpu& cpu, Vma& vma, std::uint64_t start) {
  Machine& machine = cpu.machine;
  const Page zero = machine.get_huge_zero_page();
  if (!zero) return {};
  PageTable& tables = vma.mm->page_table;
  const auto table = tables.alloc_table(cpu);
  if (!table) return FaultResult::kOom;
  const auto pmd = tables.alloc_pmd(cpu, start);
  if (pmd) {
    Guard guard(*pmd.value.lock);
    if (pmd.value.get().none()) {
      tables.deposit(pmd.value, table.value);
      pmd.value.map(Pte::of(machine.pfn_of(zero), vma.page_prot | Pte::kHuge));
      return FaultResult::kOk;
    }
  }
  tables.free_table(cpu, table.value);
  return pmd ? FaultResult::kOk : FaultResult::kOom;
}

/// Empty: no huge page to be had; small ones will do.
std::optional<FaultResult> map_fresh(Cpu& cpu, Vma& vma, std::uint64_t start) {
  Machine& machine = cpu.machine;
  const auto fresh = machine.alloc_folio(cpu, kHugeOrder);
  if (!fresh) return {};
  const Page folio = fresh.value;
  const Pfn pfn = machine.pfn_of(folio);
  machine.frames.clear(pfn, kPagesPerPmd);
  folio.set(Flag::kUptodate);
  PageTable& tables = vma.mm->page_table;
  const auto table = tables.alloc_table(cpu);
  const auto pmd = tables.alloc_pmd(cpu, start);
  if (table && pmd) {
    Guard guard(*pmd.value.lock);
    if (pmd.value.get().none()) {
      folio_add_new_anon_rmap(cpu, folio, vma, start, true);
      folio_add_lru_vma(cpu, folio, vma);
      tables.deposit(pmd.value, table.value);
      pmd.value.map(maybe_mkwrite(Pte::of(pfn, vma.page_prot | Pte::kHuge).mkdirty(), vma));
      machine.deferred_split.add(folio, false);  // it may turn out to be mostly zeroes
      return FaultResult::kOk;
    }
  }
  if (table) tables.free_table(cpu, table.value);
  folio_put(cpu, folio);
  return table && pmd ? FaultResult::kOk : FaultResult::kOom;
}

std::optional<FaultResult> fault_empty(Cpu& cpu, Vma& vma, std::uint64_t address, bool write) {
  const std::uint64_t start = pmd_start(address);
  if (start < vma.start || start + kPmdBytes > vma.end) return {};
  if (anon_vma_prepare(cpu, vma) != Errc::kOk) return FaultResult::kOom;
  return write ? map_fresh(cpu, vma, start) : map_huge_zero(cpu, vma, start);
}

/// The pmd's and the folio's lock are held: nobody else maps it or holds a reference,
/// so the page may become ours.
bool take_over(Cpu& cpu, Page folio, Vma& vma) {
  const auto cached = [&] {
    return folio_test_swapcache(folio) ? static_cast<std::int32_t>(folio_nr_pages(folio)) : 0;
  };
  if (folio.refcount() > 1 + cached()) return false;
  if (folio_test_swapcache(folio)) (void)folio_free_swap(cpu, folio);
  if (folio.refcount() != 1) return false;
  folio_move_anon_rmap(cpu.machine, folio, vma);
  folio.set(kFlagAnonExclusive);
  return true;
}

std::optional<FaultResult> wp_huge(Cpu& cpu, Vma& vma, std::uint64_t address, PteSlot pmd, Pte orig,
                                   bool unshare, bool& broke_cow) {
  Machine& machine = cpu.machine;
  const Page folio = huge_normal_folio(machine, orig);
  if (folio) {
    pmd.lock->lock();
    const auto changed = [&] { return pmd.get() != orig; };
    if (changed()) {
      pmd.lock->unlock();
      return FaultResult::kOk;
    }
    bool ours = page_anon_exclusive(folio);
    if (!ours) {
      if (!folio_trylock(folio)) {
        machine.get(folio);
        pmd.lock->unlock();
        folio_lock(folio);
        pmd.lock->lock();
        if (changed()) {
          pmd.lock->unlock();
          folio_unlock(folio);
          folio_put(cpu, folio);
          return FaultResult::kOk;
        }
        folio_put(cpu, folio);  // the entry has one
      }
      ours = page_anon_exclusive(folio) || take_over(cpu, folio, vma);
      folio_unlock(folio);
    }
    if (ours && !unshare)
      pmd.make_writable(maybe_mkwrite(orig.with(Pte::kAccessed).mkdirty(), vma));
    broke_cow = ours && !unshare;
    pmd.lock->unlock();
    if (ours) return FaultResult::kOk;
  }
  // Copied page by page, as they are written.
  split_huge_pmd(cpu, vma, address);
  return {};
}

}  // namespace

bool vma_wants_huge(const Vma& vma) {
  return vma.mm->machine.options().transparent_huge_pages && vma.is_anonymous() &&
         (vma.flags & (kVmHugepage | kVmNoHugepage)) == kVmHugepage;
}

Page huge_normal_folio(Machine& machine, Pte pmd) {
  const Page folio = machine.page(pmd.pfn());
  return machine.is_huge_zero(folio) ? Page() : folio;
}

void touch_pmd(PteSlot pmd, bool write) {
  const std::uint64_t bits =
      Pte::kAccessed | (write ? Pte::kDirty | Pte::kSoftDirty : std::uint64_t{0});
  if (!pmd.get().has(bits)) pmd.mark(bits);
}

std::optional<FaultResult> huge_fault(Cpu& cpu, Vma& vma, std::uint64_t address,
                                      std::uint32_t flags, bool& broke_cow) {
  if (!cpu.machine.options().transparent_huge_pages) return {};
  const bool write = (flags & kFaultWrite) != 0, unshare = (flags & kFaultUnshare) != 0;
  const PteSlot pmd = vma.mm->page_table.find_pmd(address);
  const Pte orig = pmd ? pmd.get() : Pte{};
  if (orig.none()) {
    if (!vma_wants_huge(vma)) return {};
    return fault_empty(cpu, vma, address, write);
  }
  if (!is_huge_leaf(orig)) return {};
  if ((write || unshare) && !orig.write())
    return wp_huge(cpu, vma, address, pmd, orig, unshare, broke_cow);
  Guard guard(*pmd.lock);
  if (pmd.get() == orig) touch_pmd(pmd, write);
  return FaultResult::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
