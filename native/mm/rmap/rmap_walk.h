// Body of rmap_walk (rmap.h).
#pragma once

#include <cstddef>

#include "mm/folio_state.h"
#include "mm/rmap/rmap.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Calls fn(mappings) with the lock of the list of those that may hold the folio; not at
/// all if there is no such list.
template <class Fn>
void with_mappings(Machine& machine, Page folio, Fn&& fn) {
  if (folio_test_anon(folio)) {
    AnonVma* anon_vma = folio_anon_vma(machine, folio);
    if (anon_vma == nullptr || !try_get_anon_vma(*anon_vma)) return;
    {
      SharedGuard guard(anon_vma->lock());
      fn(anon_vma->tree);
    }
    put_anon_vma(machine, *anon_vma);
  } else if (AddressSpace* file = folio_file(machine, folio)) {
    SharedGuard guard(file->i_mmap_lock);
    fn(file->i_mmap);
  }
}

template <class Fn>
void for_each_mapping(const std::vector<Vma*>& mappings, Page folio, Fn&& fn) {
  const std::uint64_t index = folio_index(folio), pages = folio_nr_pages(folio);
  for (std::size_t i = 0; i < mappings.size(); ++i) {
    Vma& vma = *mappings[i];
    if (vma.pgoff >= index + pages || vma.pgoff + vma.pages() <= index) continue;
    if (!fn(vma, index > vma.pgoff.get() ? vma.address_of(index) : vma.start.get())) return;
  }
}

template <class Fn>
void rmap_walk(Machine& machine, Page folio, Fn&& fn) {
  if (const AnonVma* anon_vma = folio_anon_vma(machine, folio))
    if (const MappedGuard guard(machine, folio, *anon_vma); guard)
      return for_each_mapping(anon_vma->tree, folio, fn);
  with_mappings(machine, folio,
                [&](const std::vector<Vma*>& mappings) { for_each_mapping(mappings, folio, fn); });
}

template <class Fn>
void rmap_walk_locked(const AnonVma& locked, Page folio, Fn&& fn) {
  for_each_mapping(locked.tree, folio, fn);
}

template <class Fn>
bool for_each_page_of_mapping(const Vma& vma, std::uint64_t address, Page folio, Fn&& fn) {
  const std::uint64_t pages = folio_nr_pages(folio);
  for (std::uint64_t i = vma.pgoff_of(address) - folio_index(folio); i < pages && address < vma.end;
       ++i, address += kPageBytes)
    if (const PteSlot slot = vma.mm->page_table.find(address)) {
      Guard guard(*slot.lock);
      if (!fn(folio_page(folio, i), address, slot)) return false;
    }
  return true;
}

}  // namespace pagebox::inline PAGEBOX_ENV
