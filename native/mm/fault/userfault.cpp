#include "mm/fault/userfault.h"

#include "mm/fault/fault.h"
#include "mm/file/page_cache.h"
#include "mm/folio_state.h"
#include "mm/range.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// The folio is locked, with a reference of the caller's.
Errc map_cached(Cpu& cpu, Vma& vma, std::uint64_t address, Page folio) {
  Machine& machine = cpu.machine;
  if (!folio_is_at(machine, *vma.file, vma.pgoff_of(address), folio) ||
      !folio.test(Flag::kUptodate))
    return Errc::kFault;
  const auto table = vma.mm->page_table.alloc(cpu, address);
  if (!table) return table.error;
  const PteSlot slot = table.value;
  Guard guard(*slot.lock);
  if (!slot.get().none()) return Errc::kExist;
  Pte entry = Pte::of(machine.pfn_of(folio), vma.page_prot).mkdirty();
  if ((vma.flags & kVmShared) != 0) entry = maybe_mkwrite(entry, vma);
  machine.get(folio);
  folio_add_file_rmap(cpu, folio, vma);
  slot.map(entry);
  return Errc::kOk;
}

Errc continue_page(Cpu& cpu, Mm& mm, std::uint64_t address) {
  Vma* vma = mm.find_vma(address);
  if (vma == nullptr) return Errc::kNoEnt;
  if (vma->file == nullptr || !vma->file->is_shmem()) return Errc::kInval;
  const Page folio = filemap_get_folio(cpu.machine, *vma->file, vma->pgoff_of(address));
  if (!folio) return Errc::kFault;
  folio_lock(folio);
  const Errc error = map_cached(cpu, *vma, address, folio);
  folio_unlock(folio);
  folio_put(cpu, folio);
  return error;
}

}  // namespace

FilledPages uffd_continue(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t pages) {
  if (!valid_range(start, pages)) return {0, Errc::kInval};
  SharedGuard guard(mm.mmap_lock);
  for (std::uint64_t i = 0; i < pages; ++i)
    if (const Errc error = continue_page(cpu, mm, start + i * kPageBytes); error != Errc::kOk)
      return {i, error};
  return {pages, Errc::kOk};
}

}  // namespace pagebox::inline PAGEBOX_ENV
