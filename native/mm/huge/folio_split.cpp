// A huge folio becomes single pages. Every entry turns into a migration entry first,
// so the count shows who else holds the folio; frozen at what the caller and the swap
// cache explain, it comes apart, and the entries come back, each to its own page.
#include "base/fault.h"
#include "mm/folio_state.h"
#include "mm/huge/huge.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::int32_t cache_refs(Page folio) {
  return folio_test_swapcache(folio) ? static_cast<std::int32_t>(folio_nr_pages(folio)) : 0;
}

/// What a tail has in common with its head.
void give_flags(Page tail, Page head) {
  constexpr Flag kShared[] = {Flag::kReferenced, Flag::kSwapBacked,  kFlagSwapCache,
                              Flag::kMlocked,    Flag::kUptodate,    Flag::kActive,
                              Flag::kWorkingset, Flag::kUnevictable, Flag::kDirty};
  for (unsigned i = 0; i < kFlags; ++i) {
    const Flag flag = static_cast<Flag>(i);
    if (flag != Flag::kHwpoison) tail.clear(flag);
  }
  for (const Flag flag : kShared)
    if (head.test(flag)) tail.set(flag);
  tail.set(Flag::kLocked);
}

/// The head is frozen, so nobody can reach a tail through it; each tail is unfrozen
/// when it is whole.
void come_apart(Cpu& cpu, Page head, bool isolated) {
  Machine& machine = cpu.machine;
  const std::uint64_t pages = folio_nr_pages(head), mapping = head.mapping(), index = head.index();
  const bool cached = folio_test_swapcache(head);
  const std::uint64_t swap_slot = cached ? folio_true_swap_slot(machine, head).value : 0;
  destroy_compound(machine.memmap, machine.pfn_of(head));
  for (std::uint64_t i = 1; i < pages; ++i) {
    const Page tail = folio_page(head, i);
    give_flags(tail, head);
    tail.set_index(index + i);
    tail.set_mapping(mapping);
    if (cached) tail.set_private_word(swap_slot + i);
  }
  Guard guard(machine.zone.lru_lock());
  const bool on_lru = head.test(Flag::kLru);
  for (std::uint64_t i = 1; i < pages; ++i) {
    const Page tail = folio_page(head, i);
    tail.unfreeze(1 + (cached ? 1 : 0) + (isolated ? 1 : 0));
    if (on_lru && !isolated && !planted(Mistake::kSplitTailsUnlisted))
      (void)machine.zone.add(tail, Zone::kind_of(tail));
  }
  head.unfreeze(1 + (cached ? 1 : 0));
}

}  // namespace

bool can_split_folio(Machine& machine, Page folio, std::int32_t caller_refs) {
  return folio_mapcount(machine, folio) ==
         count_sum(folio.refcount(), -cache_refs(folio) - caller_refs);
}

Errc split_folio(Cpu& cpu, Page folio, std::vector<Pfn>* isolated) {
  Machine& machine = cpu.machine;
  if (!folio_test_large(folio) || machine.is_huge_zero(folio) || folio.test(Flag::kWriteback))
    return Errc::kBusy;
  AnonVma* anon_vma = folio_anon_vma(machine, folio);
  if (anon_vma == nullptr || !try_get_anon_vma(*anon_vma)) return Errc::kBusy;
  const std::uint64_t pages = folio_nr_pages(folio);
  Errc error = Errc::kAgain;
  {
    // For writing: no mapping comes or goes between unmapping and remapping.
    Guard guard(anon_vma->lock());
    if (can_split_folio(machine, folio, 1)) {
      freeze_mappings(cpu, *anon_vma, folio);
      if (machine.deferred_split.freeze_and_remove(folio, 1 + cache_refs(folio))) {
        come_apart(cpu, folio, isolated != nullptr);
        error = Errc::kOk;
      }
      const std::uint64_t folios = error == Errc::kOk ? pages : 1;
      for (std::uint64_t i = 0; i < folios; ++i)
        restore_frozen_mappings(cpu, *anon_vma, folio_page(folio, i), error == Errc::kOk);
    }
  }
  put_anon_vma(machine, *anon_vma);
  if (error != Errc::kOk) return error;
  for (std::uint64_t i = 1; i < pages; ++i) {
    const Page tail = folio_page(folio, i);
    folio_unlock(tail);
    free_swap_cache(cpu, tail);
    folio_put(cpu, tail);
    if (isolated != nullptr) isolated->push_back(machine.pfn_of(tail));
  }
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
