// Body of rmap_walk (rmap.h).
#pragma once

#include <cstddef>

#include "mm/folio_state.h"
#include "mm/rmap.h"

namespace pagebox::inline PAGEBOX_ENV {

template <class Fn>
void rmap_walk(Machine& machine, Page folio, Fn&& fn) {
  const std::uint64_t index = folio_index(folio);
  const auto walk = [&](const std::vector<Vma*>& mappings) {
    for (std::size_t i = 0; i < mappings.size(); ++i) {
      Vma& vma = *mappings[i];
      if (vma.contains_pgoff(index) && !fn(vma, vma.address_of(index))) return;
    }
  };
  if (folio_test_anon(folio)) {
    AnonVma* anon_vma = folio_anon_vma(machine, folio);
    if (anon_vma == nullptr || !try_get_anon_vma(*anon_vma)) return;
    {
      SharedGuard guard(anon_vma->lock());
      walk(anon_vma->tree);
    }
    put_anon_vma(machine, *anon_vma);
  } else if (AddressSpace* file = folio_file(machine, folio)) {
    SharedGuard guard(file->i_mmap_lock);
    walk(file->i_mmap);
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
