#include "mm/folio_state.h"

#include <algorithm>

#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {

AnonVma* folio_anon_vma(Machine& machine, Page folio) {
  const std::uint64_t word = folio.mapping();
  if ((word & kMappingFlags) != kMappingAnon) return nullptr;
  const auto index =
      machine.memmap.addresses().object_at(ObjectKind::kAnonVma, word & ~kMappingFlags);
  return index ? machine.anon_vmas.at(*index) : nullptr;
}

AddressSpace* folio_file(Machine& machine, Page folio) {
  const std::uint64_t word = folio.mapping();
  if (word == 0 || (word & kMappingFlags) != 0) return nullptr;
  const auto index = machine.memmap.addresses().object_at(ObjectKind::kAddressSpace, word);
  return index ? machine.files.at(*index) : nullptr;
}

void folio_set_anon(Machine& machine, Page folio, AnonVma& anon_vma, std::uint64_t index) {
  // The index first: who sees the anon bit may walk the rmap.
  folio.set_index(index);
  folio.set_mapping(machine.memmap.addresses().of_object(ObjectKind::kAnonVma, anon_vma.index) |
                    kMappingAnon);
}

void folio_set_file(Machine& machine, Page folio, AddressSpace& file, std::uint64_t index) {
  folio.set_index(index);
  folio.set_mapping(machine.memmap.addresses().of_object(ObjectKind::kAddressSpace, file.index));
}

FolioWait folio_prepare_wait(Page folio) {
  folio.set(Flag::kWaiters);
  // Both bits lie in the low half of the flags word.
  return {folio, atomics::load(folio.low_flags())};
}

bool folio_wait_unlocked(const FolioWait& wait) {
  const auto has = [&wait](Flag flag) {
    return (wait.seen >> wait.folio.shape().flag_bit[static_cast<unsigned>(flag)] & 1) != 0;
  };
  // Without the second bit it was unlocked and locked anew since it was set, and
  // who unlocks it next will wake nobody.
  if (!has(Flag::kLocked) || !has(Flag::kWaiters)) return true;
  return Retry("a folio to be unlocked", wait.folio.at())
      .wait_while(wait.folio.low_flags(), wait.seen);
}

void folio_lock(Page folio) {
  while (!folio_trylock(folio))
    if (!folio_wait_unlocked(folio_prepare_wait(folio))) return;
}

bool folio_was_freed(Page folio) {
  if (folio.refcount() > 0 || !folio_trylock(folio)) return false;
  const bool freed = folio.refcount() <= 0;
  folio_unlock(folio);
  return freed;
}

bool folio_mark_dirty(Machine& machine, Page folio) {
  // Without a file nobody cleans it but who writes it to swap, after its entries are
  // gone: a bit that is set need not be set again (as v6.12's noop_dirty_folio).
  if (folio_file(machine, folio) == nullptr)
    return !folio.test(Flag::kDirty) && !folio.test_and_set(Flag::kDirty);
  // Readahead shares its bit with reclaim; a page written again is neither.
  folio.clear(Flag::kReclaim);
  return !folio.test_and_set(Flag::kDirty);
}

}  // namespace pagebox::inline PAGEBOX_ENV
