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

FolioWait::FolioWait(Page folio) : folio_(folio) {
  folio.set(Flag::kWaiters);
  // The low half of the flags word: both bits lie in it.
  seen_ = atomics::load(folio.u32(0));
}

void FolioWait::sleep() const {
  const auto has = [&](Flag flag) {
    return (seen_ >> folio_.shape().flag_bit[static_cast<unsigned>(flag)] & 1) != 0;
  };
  // Without our mark (an unlock took it, and somebody locked again) nobody would wake us.
  if (has(Flag::kLocked) && has(Flag::kWaiters)) wait_on(folio_.u32(0), seen_);
}

void folio_lock(Page folio) {
  while (!folio_trylock(folio)) FolioWait(folio).sleep();
}

void folio_unlock(Page folio) {
  folio.clear(Flag::kLocked);
  if (folio.test_and_clear(Flag::kWaiters)) wake(folio.u32(0));
}

bool folio_mark_dirty(Machine& machine, Page folio) {
  if (const AddressSpace* file = folio_file(machine, folio); file != nullptr) {
    // Readahead shares its bit with reclaim; a page written again is neither.
    folio.clear(Flag::kReclaim);
  }
  return !folio.test_and_set(Flag::kDirty);
}

}  // namespace pagebox::inline PAGEBOX_ENV
