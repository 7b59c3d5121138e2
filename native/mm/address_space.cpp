#include "mm/address_space.h"

#include <algorithm>

namespace pagebox::inline PAGEBOX_ENV {

void AddressSpace::i_mmap_insert(Vma& vma) {
  const auto behind_equals =
      std::upper_bound(i_mmap.begin(), i_mmap.end(), vma.pgoff.get(),
                       [](std::uint64_t pgoff, const Vma* other) { return pgoff < other->pgoff; });
  i_mmap.insert(behind_equals, &vma);
}

void AddressSpace::i_mmap_insert_after(Vma& vma, const Vma& parent) {
  const auto at = std::find(i_mmap.begin(), i_mmap.end(), &parent);
  i_mmap.insert(at == i_mmap.end() ? at : at + 1, &vma);
}

void AddressSpace::i_mmap_remove(Vma& vma) { i_mmap.erase_value(&vma); }

void AddressSpace::recycle() {
  disk.reset();
  driver = nullptr;
  cache_mark_.write();
  cache_.clear();
  i_mmap.clear();
  size_pages_.store(0);
  write_error_.store(0);
}

}  // namespace pagebox::inline PAGEBOX_ENV
