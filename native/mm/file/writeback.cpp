#include "mm/file/writeback.h"

#include <algorithm>
#include <array>

#include "base/fault.h"
#include "mm/file/page_cache.h"
#include "mm/folio_state.h"
#include "mm/gup/pin_question.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"

namespace pagebox::inline PAGEBOX_ENV {

void writepage(Cpu& cpu, AddressSpace& file, std::uint64_t index, Page folio) {
  Machine& machine = cpu.machine;
  // Entries first, the flag second: a write through an entry after this faults
  // and makes the page dirty again.
  if (folio_mkclean(cpu, folio) > 0) folio_mark_dirty(machine, folio);
  // Behind the entries, too: fast GUP has raised the count by now, or finds its entry
  // write-protected. A device goes on storing, so this is one more snapshot only.
  const bool stays_dirty = machine.has(MachineOption::kWritebackAsksPins) &&
                           folio_maybe_dma_pinned(machine, folio, PinQuestion::kWriteback);
  if (stays_dirty ? !folio.test(Flag::kDirty) : !folio.test_and_clear(Flag::kDirty)) return;
  folio.set(Flag::kWriteback);
  const Errc error = file.disk->write_page(index, machine.frames.at(machine.pfn_of(folio)));
  if (error != Errc::kOk) file.set_write_error(error);
  folio.clear(Flag::kWriteback);
}

namespace {

/// No RAM to bring the page back to: its contents go to the disk from where they are.
/// It stays dirty, for the device may write on.
void write_from_device(Cpu& cpu, AddressSpace& file, std::uint64_t index) {
  Machine& machine = cpu.machine;
  const Page folio = filemap_get_folio(machine, file, index);
  if (!folio) return;
  folio_lock(folio);
  if (folio_is_at(machine, file, index, folio) && folio.test(Flag::kDirty)) {
    alignas(8) std::array<std::byte, kPageBytes> bytes;
    machine.frames.read(machine.pfn_of(folio), bytes.data());
    const Errc error = file.disk->write_page(index, bytes.data());
    if (error != Errc::kOk) file.set_write_error(error);
  }
  folio_unlock(folio);
  folio_put(cpu, folio);
}

}  // namespace

void filemap_write_and_wait(Cpu& cpu, AddressSpace& file, std::uint64_t first,
                            std::uint64_t pages) {
  if (file.disk == nullptr) return;
  Machine& machine = cpu.machine;
  const std::uint64_t end = std::min(first + pages, file.size_pages());
  bool written = false;
  for (std::uint64_t index = first; index < end; ++index) {
    index = filemap_next_slot(file, index, end);
    if (index == end) break;
    Page folio = filemap_get_folio(machine, file, index);
    if (!folio) continue;
    if (folio.test(Flag::kDirty) && machine.is_device_private(machine.pfn_of(folio))) {
      folio_put(cpu, folio);
      const auto back = filemap_get_ram_folio(cpu, file, index);
      if (!back) write_from_device(cpu, file, index);
      folio = back.value;
      if (!folio) continue;
    }
    if (folio.test(Flag::kDirty)) {
      folio_lock(folio);
      if (folio_is_at(machine, file, index, folio) && folio.test(Flag::kDirty))
        writepage(cpu, file, index, folio);
      else if (planted(Mistake::kWritebackKeepsPage))
        machine.get(folio);
      folio_unlock(folio);
      written = true;
    }
    folio_put(cpu, folio);
  }
  if (written) lru_add_drain(cpu);  // folio_batch_release
}

}  // namespace pagebox::inline PAGEBOX_ENV
