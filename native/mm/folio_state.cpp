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

bool folio_maybe_dma_pinned(Machine& machine, Page page) {
  if (!machine.pins.maybe_pinned(machine.pfn_of(page))) return false;
  const Page folio = compound_head(machine.memmap, page);
  if (!folio_test_large(folio) || machine.pins.scheme().answer != PinAnswer::kFuzzy) return true;
  const auto bias = static_cast<std::int64_t>(machine.pins.refs_per_pin(folio));
  if (bias < 2) return true;  // not by references, for this folio
  // A huge page has one reference an entry and one a slot of the swap cache: more than
  // the bias, though nobody pins it. Half a bias is left for what comes and goes while
  // the counts are read, and the fewer mappings are believed, so no pin is overlooked.
  const std::int64_t before = folio_mapcount(folio);
  const std::int64_t references = folio.refcount();
  const std::int64_t mappings = std::min<std::int64_t>(before, folio_mapcount(folio));
  const std::int64_t cache =
      folio_test_swapcache(folio) ? static_cast<std::int64_t>(folio_nr_pages(folio)) : 0;
  return references - mappings - cache >= bias / 2;
}

}  // namespace pagebox::inline PAGEBOX_ENV
