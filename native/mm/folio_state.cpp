#include "mm/folio_state.h"

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

void folio_lock(Page folio) {
  while (!folio_trylock(folio)) {
    folio.set(Flag::kWaiters);
    // The low half of the flags word: both bits lie in it.
    const std::uint32_t seen = atomics::load(folio.u32(0));
    const int bit = folio.shape().flag_bit[static_cast<unsigned>(Flag::kLocked)];
    if ((seen >> bit & 1) != 0) wait_on(folio.u32(0), seen);
  }
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

bool folio_maybe_dma_pinned(Machine& machine, Page folio) {
  return machine.pins.maybe_pinned(machine.pfn_of(folio));
}

}  // namespace pagebox::inline PAGEBOX_ENV
