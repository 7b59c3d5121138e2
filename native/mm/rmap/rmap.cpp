// Mapping counts, and who a page belongs to.
#include "mm/rmap/rmap.h"

#include "base/fault.h"
#include "mm/folio_state.h"
#include "mm/gup/pin_question.h"
#include "mm/huge/huge.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

void set_anon(Machine& machine, Page folio, Vma& vma, std::uint64_t address, bool exclusive) {
  AnonVma* anon_vma = vma.anon_vma.load();
  // A page that others may map too: the root's tree holds all of the family.
  if (!exclusive) anon_vma = anon_vma->root;
  folio_set_anon(machine, folio, *anon_vma, vma.pgoff_of(address));
}

/// Of a locked page of anonymous memory the caller may be the only one to change the
/// count: the first mapping comes with the lock (migration, swap), others are copies
/// of one that is there (fork). Pins that count as mappings come without.
bool sole_mapping_is_ours(const Machine& machine, Page page) {
  return !pins_count_as_mappings(machine) && folio_test_anon(page) && !page.is_tail() &&
         !folio_test_large(page);
}

}  // namespace

void folio_add_new_anon_rmap(Cpu& cpu, Page folio, Vma& vma, std::uint64_t address,
                             bool exclusive) {
  // At once, and the first mapping without a locked instruction: nobody has met the page yet.
  const std::uint64_t flags =
      folio.mask_of(Flag::kSwapBacked) | (exclusive ? folio.mask_of(kFlagAnonExclusive) : 0);
  // Mostly it was handed out with them.
  if ((folio.flags() & flags) != flags) folio.set_bits(flags);
  set_anon(cpu.machine, folio, vma, address, exclusive);
  if (folio_test_large(folio))
    folio_add_pmd_mapping(folio);
  else if (pins_count_as_mappings(cpu.machine))
    folio_add_pte_mapping(cpu.machine, folio, folio);
  else
    folio.set_mapcount_raw(0);
}

void folio_add_anon_rmap(Cpu& cpu, Page page, Vma& vma, std::uint64_t, bool exclusive) {
  const Page folio = compound_head(cpu.machine.memmap, page);
  folio_add_pte_mapping(cpu.machine, folio, page);
  if (exclusive) page.set(kFlagAnonExclusive);
  // Whether a huge one is mapped here as a whole is not known: reclaim sees to it.
  if (!folio_test_large(folio)) mlock_vma_folio(cpu, folio, vma);
}

void folio_add_file_rmap(Cpu& cpu, Page page, Vma& vma) {
  page.mapcount_raw_add(1);
  mlock_vma_folio(cpu, compound_head(cpu.machine.memmap, page), vma);
}

void folio_remove_rmap_locked(Cpu& cpu, Page folio, Vma& vma) {
  if (!sole_mapping_is_ours(cpu.machine, folio) || folio.mapcount_raw() != 0)
    return folio_remove_rmap(cpu, folio, vma);
  folio.set_mapcount_raw(-1);
  munlock_vma_folio(cpu, folio, vma);
}

void folio_add_anon_rmap_locked(Cpu& cpu, Page page, Vma& vma, std::uint64_t address,
                                bool exclusive) {
  if (!sole_mapping_is_ours(cpu.machine, page) || page.mapcount_raw() != -1)
    return folio_add_anon_rmap(cpu, page, vma, address, exclusive);
  page.set_mapcount_raw(0);
  if (exclusive) page.set(kFlagAnonExclusive);
  mlock_vma_folio(cpu, page, vma);
}

void folio_remove_rmap(Cpu& cpu, Page page, Vma& vma) {
  const Page folio = compound_head(cpu.machine.memmap, page);
  if (folio_remove_pte_mapping(cpu.machine, folio, page))
    folio_queue_partially_mapped(cpu.machine, folio);
  munlock_vma_folio(cpu, folio, vma);
}

bool folio_needs_cow_for_dma(const Vma& vma, Page folio) {
  return vma.mm->has_pinned.load() != 0 && !vma.mm->machine.has(Quirk::kForkSharesPinned) &&
         folio_maybe_dma_pinned(vma.mm->machine, folio, PinQuestion::kFork);
}

Errc folio_try_dup_anon_rmap(Page page, const Vma& source) {
  Machine& machine = source.mm->machine;
  const Page folio = compound_head(machine.memmap, page);
  // Nobody can pin a device-private page: what looks like a pin is not one.
  const bool maybe_pinned =
      !machine.is_device_private(machine.pfn_of(folio)) && folio_needs_cow_for_dma(source, folio);
  if (page_anon_exclusive(page)) {
    if (maybe_pinned) return Errc::kBusy;
    if (!planted(Mistake::kForkKeepsExclusive)) page.clear(kFlagAnonExclusive);
  }
  folio_add_pte_mapping(machine, folio, page);
  return Errc::kOk;
}

void folio_dup_file_rmap(Page page) { page.mapcount_raw_add(1); }

Errc folio_try_share_anon_rmap(Machine& machine, Page page) {
  const Page folio = compound_head(machine.memmap, page);
  if (!machine.is_device_private(machine.pfn_of(folio))) {
    // Pairs with fast GUP, which takes the pin first and then looks whether the
    // entry is still there: one of the two sees the other. The exchange that emptied
    // the entry is the barrier between.
    if (folio_maybe_dma_pinned(machine, folio, PinQuestion::kShareExclusive)) return Errc::kBusy;
  }
  page.clear(kFlagAnonExclusive);
  return Errc::kOk;
}

void folio_move_anon_rmap(Machine& machine, Page folio, Vma& vma) {
  folio.set_mapping(
      machine.memmap.addresses().of_object(ObjectKind::kAnonVma, vma.anon_vma.load()->index) |
      kMappingAnon);
}

}  // namespace pagebox::inline PAGEBOX_ENV
