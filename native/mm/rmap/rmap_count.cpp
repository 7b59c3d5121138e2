// How many entries map a page, counted by the reverse map: what mapcount-overlay
// needs to tell its pins from mappings.
//
// Asked under page-table locks and inside of walks, so it waits for nothing:
// entries are read as fast GUP reads them, and a list of mappings that somebody
// is changing is not counted at all. Fewer mappings read as more pins, which is
// the side on which the scheme may err.
#include <algorithm>
#include <optional>
#include <vector>

#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/rmap/rmap.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

template <class Lock>
class TryShared {
 public:
  explicit TryShared(Lock& lock) : lock_(lock), held_(lock.try_lock_shared()) {}
  ~TryShared() {
    if (held_) lock_.unlock_shared();
  }
  TryShared(const TryShared&) = delete;
  TryShared& operator=(const TryShared&) = delete;
  explicit operator bool() const { return held_; }

 private:
  Lock& lock_;
  const bool held_;
};

/// Whether this entry is one that `_mapcount` counts.
bool counts(Machine& machine, Pte pte, Page page) {
  if (pte.present()) return vm_normal_page(machine, pte) == page;
  return pte.is_entry() && pte.entry().is_device_private() &&
         machine.page(pte.entry().pfn()) == page;
}

std::uint32_t count_in(Machine& machine, Page page, const std::vector<Vma*>& mappings) {
  const std::uint64_t index = folio_index(page);
  // While a vma is cut or merged two of them may lead to one entry.
  std::vector<PteSlot> entries;
  for (const Vma* vma : mappings) {
    if (!vma->contains_pgoff(index)) continue;
    const PteSlot slot = vma->mm->page_table.find(vma->address_of(index));
    if (slot && counts(machine, slot.get(), page) &&
        std::ranges::none_of(entries, [&](PteSlot each) { return each.same_as(slot); }))
      entries.push_back(slot);
  }
  return static_cast<std::uint32_t>(entries.size());
}

}  // namespace

std::optional<std::uint32_t> rmap_count(Machine& machine, Page page) {
  if (folio_test_anon(page)) {
    AnonVma* anon_vma = folio_anon_vma(machine, page);
    if (anon_vma == nullptr || !try_get_anon_vma(*anon_vma)) return 0;
    std::optional<std::uint32_t> count;
    {
      const TryShared guard(anon_vma->lock());
      if (guard) count = count_in(machine, page, anon_vma->tree);
    }
    put_anon_vma(machine, *anon_vma);
    return count;
  }
  AddressSpace* file = folio_file(machine, page);
  if (file == nullptr) return 0;
  const TryShared guard(file->i_mmap_lock);
  if (!guard) return std::nullopt;
  return count_in(machine, page, file->i_mmap);
}

std::int32_t page_mapcount(Machine& machine, Page page, std::int32_t emptied) {
  const std::int32_t raw = page_mapcount(page);
  // Where pins do not count as mappings, or nothing is there to tell apart.
  if (!pins_count_as_mappings(machine) || raw <= emptied) return raw;
  const auto found = rmap_count(machine, page);
  if (!found) return raw;
  const std::int32_t real = static_cast<std::int32_t>(*found) + emptied;
  return real < raw ? real : raw;
}

std::int32_t large_folio_mapcount(Machine& machine, Page folio) {
  // Pins count in the head's own `_mapcount`; `_large_mapcount` knows nothing of them.
  const std::uint32_t* own = machine.head_entries(folio);
  if (own == nullptr || folio.shape().large_mapcount != 0) return folio_mapcount(folio);
  const std::uint32_t pins_and_entries = static_cast<std::uint32_t>(page_mapcount(folio));
  return count_sum(folio_mapcount(folio),
                   static_cast<std::int32_t>(atomics::load(own) - pins_and_entries));
}

}  // namespace pagebox::inline PAGEBOX_ENV
