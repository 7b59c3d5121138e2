#include "mm/writeback.h"

#include <algorithm>

#include "mm/folio_state.h"
#include "mm/page_cache.h"
#include "mm/rmap.h"

namespace pagebox::inline PAGEBOX_ENV {

void writepage(Cpu& cpu, AddressSpace& file, Page folio) {
  Machine& machine = cpu.machine;
  // Entries first, the flag second: a write through an entry after this faults
  // and makes the page dirty again.
  if (folio_mkclean(cpu, folio) > 0) folio_mark_dirty(machine, folio);
  if (!folio.test_and_clear(Flag::kDirty)) return;
  folio.set(Flag::kWriteback);
  const Errc error =
      file.disk->write_page(folio_index(folio), machine.frames.at(machine.pfn_of(folio)));
  if (error != Errc::kOk) file.set_write_error(error);
  folio.clear(Flag::kWriteback);
}

void filemap_write_and_wait(Cpu& cpu, AddressSpace& file, std::uint64_t first,
                            std::uint64_t pages) {
  if (file.disk == nullptr) return;
  Machine& machine = cpu.machine;
  const std::uint64_t end = std::min(first + pages, file.size_pages());
  bool written = false;
  for (std::uint64_t index = first; index < end; ++index) {
    const Page folio = filemap_get_folio(machine, file, index);
    if (!folio) continue;
    if (folio.test(Flag::kDirty)) {
      folio_lock(folio);
      if (folio_file(machine, folio) == &file && folio.test(Flag::kDirty))
        writepage(cpu, file, folio);
      folio_unlock(folio);
      written = true;
    }
    machine.put(cpu, folio);
  }
  if (written) lru_add_drain(cpu);  // folio_batch_release
}

}  // namespace pagebox::inline PAGEBOX_ENV
