#include "mm/folio_state.h"

#include <algorithm>

#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {

AnonVma* folio_anon_vma(Machine& machine, Page folio) {
  const std::uint64_t word = folio.word(3);
  if ((word & kMappingFlags) != kMappingAnon) return nullptr;
  const auto index =
      machine.memmap.addresses().object_at(ObjectKind::kAnonVma, word & ~kMappingFlags);
  return index ? machine.anon_vmas.at(*index) : nullptr;
}

AddressSpace* folio_file(Machine& machine, Page folio) {
  const std::uint64_t word = folio.word(3);
  if (word == 0 || (word & kMappingFlags) != 0) return nullptr;
  const auto index = machine.memmap.addresses().object_at(ObjectKind::kAddressSpace, word);
  return index ? machine.files.at(*index) : nullptr;
}

void folio_set_anon(Machine& machine, Page folio, AnonVma& anon_vma, std::uint64_t index) {
  // The index first: who sees the anon bit may walk the rmap.
  folio.set_word(4, index);
  folio.set_word(
      3, machine.memmap.addresses().of_object(ObjectKind::kAnonVma, anon_vma.index) | kMappingAnon);
}

void folio_set_file(Machine& machine, Page folio, AddressSpace& file, std::uint64_t index) {
  folio.set_word(4, index);
  folio.set_word(3, machine.memmap.addresses().of_object(ObjectKind::kAddressSpace, file.index));
}

bool folio_trylock(Page folio) { return !folio.test_and_set(Flag::kLocked); }

FolioWait folio_prepare_wait(Page folio) {
  folio.set(Flag::kWaiters);
  // Both bits lie in the low half of the flags word.
  return {folio, atomics::load(folio.u32(0))};
}

void folio_wait_unlocked(const FolioWait& wait) {
  const auto has = [&wait](Flag flag) {
    return (wait.seen >> wait.folio.shape().flag_bit[static_cast<unsigned>(flag)] & 1) != 0;
  };
  // Without the second bit it was unlocked and locked anew since it was set, and
  // who unlocks it next will wake nobody.
  if (has(Flag::kLocked) && has(Flag::kWaiters)) wait_on(wait.folio.u32(0), wait.seen);
}

void folio_lock(Page folio) {
  while (!folio_trylock(folio)) folio_wait_unlocked(folio_prepare_wait(folio));
}

void folio_unlock(Page folio) {
  // Who sets PG_waiters after this finds the lock free, and clears it as its owner.
  const std::uint64_t waiters = folio.mask_of(Flag::kWaiters);
  const std::uint64_t before = folio.clear_bits(folio.mask_of(Flag::kLocked) | waiters);
  if ((before & waiters) != 0) wake(folio.u32(0));
}

bool folio_mark_dirty(Machine& machine, Page folio) {
  if (const AddressSpace* file = folio_file(machine, folio); file != nullptr) {
    // Readahead shares its bit with reclaim; a page written again is neither.
    folio.clear(Flag::kReclaim);
  }
  return !folio.test_and_set(Flag::kDirty);
}

}  // namespace pagebox::inline PAGEBOX_ENV
