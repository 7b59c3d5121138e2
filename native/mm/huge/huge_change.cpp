// What system calls do to a huge leaf, or a part of it.
#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

bool can_change_pmd_writable(const Vma& vma, Pte pmd) {
  if (pmd.prot_none() || pte_needs_soft_dirty_wp(vma, pmd)) return false;
  const Page folio = huge_normal_folio(vma.mm->machine, pmd);
  return folio && folio_test_anon(folio) && page_anon_exclusive(folio);
}

}  // namespace

void zap_huge(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end, PteSlot pmd) {
  if (end - start != kPmdBytes) return split_huge_pmd(cpu, vma, start);
  Machine& machine = cpu.machine;
  Page folio;
  {
    Guard guard(*pmd.lock);
    if (!is_huge_leaf(pmd.get())) return;
    folio = huge_normal_folio(machine, pmd.get());
    (void)pmd.clear_and_flush();
    if (folio) folio_remove_rmap_pmd(cpu, folio, vma);
    if (const auto reserve = vma.mm->page_table.withdraw(pmd))
      vma.mm->page_table.free_table(cpu, reserve.value);
  }
  if (!folio) return;
  lru_add_drain(cpu);
  free_swap_cache(cpu, folio);
  folio_put(cpu, folio);
}

void change_huge_protection(Cpu& cpu, Vma& vma, std::uint64_t start, std::uint64_t end, PteSlot pmd,
                            bool try_writable) {
  if (end - start != kPmdBytes) return split_huge_pmd(cpu, vma, start);
  Guard guard(*pmd.lock);
  if (!is_huge_leaf(pmd.get())) return;
  // Cleared meanwhile, so that fast GUP never sees half a change.
  const Pte old = pmd.invalidate();
  Pte pte = old.modify(vma.page_prot);
  if (try_writable && !pte.write() && can_change_pmd_writable(vma, pte))
    pte = pte.with(Pte::kWrite);
  pmd.restore(pte);
}

Errc copy_huge_pmd(Cpu& cpu, Vma& to, Vma& from, std::uint64_t address, PteSlot pmd) {
  Machine& machine = cpu.machine;
  PageTable& tables = to.mm->page_table;
  if (!to.is_anonymous()) return Errc::kOk;  // can be faulted in again
  const auto table = tables.alloc_table(cpu);
  if (!table) return table.error;
  const auto child = tables.alloc_pmd(cpu, address);
  Errc error = child.error;
  if (child) {
    Guard child_guard(*child.value.lock);
    Guard parent_guard(*pmd.lock);
    const Pte pte = pmd.get();
    error = is_huge_leaf(pte) ? Errc::kOk : Errc::kAgain;
    if (const Page folio = error == Errc::kOk ? huge_normal_folio(machine, pte) : Page()) {
      machine.get(folio);  // first: who asks for pins by references counts it
      error = folio_try_dup_anon_rmap_pmd(folio, from);
      if (error != Errc::kOk) folio.ref_sub(1);  // not the last: the entry has one
    }
    if (error == Errc::kOk) {
      tables.deposit(child.value, table.value);
      pmd.write_protect();
      child.value.map(pte.wrprotect().mkold().without(Pte::kUffdWp));
      return Errc::kOk;
    }
  }
  tables.free_table(cpu, table.value);
  if (error != Errc::kBusy) return error;
  // Maybe pinned: page by page, so that the child gets copies now.
  split_huge_pmd(cpu, from, address);
  return Errc::kAgain;
}

}  // namespace pagebox::inline PAGEBOX_ENV
