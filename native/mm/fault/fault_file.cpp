// A fault on an empty entry of a file mapping: read, copy on write, or shared
// write. Reads map the pages around as well, if the file has them in memory.
#include <algorithm>

#include "base/fault.h"
#include "mm/fault/fault.h"
#include "mm/file/page_cache.h"
#include "mm/folio_state.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"
#include "page/folio.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kFaultAroundPages = 16;

/// The file's page, locked, with a reference.
FaultResult get_file_page(Fault& fault, Page& out) {
  AddressSpace& file = *fault.vma.file;
  const std::uint64_t index = fault.vma.pgoff_of(fault.address);
  if (index >= file.size_pages()) return FaultResult::kSigbus;
  const auto folio = file.is_shmem() ? shmem_get_folio(fault.cpu, file, index, ShmemGet::kCache)
                                     : disk_get_folio(fault.cpu, file, index);
  if (!folio) return folio.error == Errc::kNoMem ? FaultResult::kOom : FaultResult::kSigbus;
  out = folio.value;
  return FaultResult::kOk;
}

/// Puts the page into the entry if that is still empty; takes a reference then.
/// True: it is mapped now.
bool set_file_pte(Fault& fault, Page folio, PteSlot slot, bool write) {
  if (!slot.get().none() && !planted(Mistake::kFileFaultUnchecked)) return false;
  Machine& machine = fault.machine();
  Pte entry = Pte::of(machine.pfn_of(folio), fault.vma.page_prot);
  if (write) entry = maybe_mkwrite(entry.mkdirty(), fault.vma);
  machine.get(folio);
  folio_add_file_rmap(fault.cpu, folio, fault.vma);
  slot.map(entry);
  return true;
}

/// True: the faulting address is mapped now.
bool fault_around(Fault& fault) {
  Machine& machine = fault.machine();
  const Vma& vma = fault.vma;
  AddressSpace& file = *vma.file;
  // An aligned window of addresses, clipped to the mapping and the page table.
  const std::uint64_t window = kFaultAroundPages * kPageBytes;
  const std::uint64_t aligned = fault.address & ~(window - 1);
  const std::uint64_t start = std::max<std::uint64_t>(aligned, vma.start);
  const std::uint64_t end = std::min<std::uint64_t>(aligned + window, vma.end);
  bool mapped = false;
  for (std::uint64_t address = start; address < end; address += kPageBytes) {
    const std::uint64_t index = vma.pgoff_of(address);
    if (index >= file.size_pages()) break;
    const Page folio = filemap_get_folio(machine, file, index);
    if (!folio) continue;
    // PG_readahead shares its bit with PG_reclaim: the marker is to be noticed by
    // a fault of its own.
    // What lives in a device comes back for a fault of its own, too.
    if (!folio.test(Flag::kReclaim) && folio.test(Flag::kUptodate) &&
        !machine.is_device_private(machine.pfn_of(folio)) && folio_trylock(folio)) {
      if (folio_is_at(machine, file, index, folio)) {
        PteSlot slot = fault.slot;
        slot.advance(
            (static_cast<std::int64_t>(address) - static_cast<std::int64_t>(fault.address)) /
            static_cast<std::int64_t>(kPageBytes));
        Guard guard(*slot.lock);
        const bool set = set_file_pte(fault, folio, slot, false);
        if (set && address == fault.address) mapped = true;
      }
      folio_unlock(folio);
    } else if (planted(Mistake::kFaultAroundKeeps)) {
      continue;
    }
    folio_put(fault.cpu, folio);
  }
  return mapped;
}

FaultResult do_read_fault(Fault& fault) {
  if (fault_around(fault)) {
    fault.cpu.note(Reached::kFileAround);
    return FaultResult::kOk;
  }
  Page folio;
  if (const FaultResult result = get_file_page(fault, folio); result != FaultResult::kOk)
    return result;
  {
    Guard guard(*fault.slot.lock);
    set_file_pte(fault, folio, fault.slot, false);
  }
  fault.cpu.note(Reached::kFileRead);
  folio_unlock(folio);
  folio_put(fault.cpu, folio);
  return FaultResult::kOk;
}

FaultResult do_cow_fault(Fault& fault) {
  Page folio;
  if (const FaultResult result = get_file_page(fault, folio); result != FaultResult::kOk)
    return result;
  const FaultResult result = map_private_copy(fault, fault.machine().pfn_of(folio));
  folio_unlock(folio);
  folio_put(fault.cpu, folio);
  return result;
}

FaultResult do_shared_fault(Fault& fault) {
  Cpu& cpu = fault.cpu;
  Machine& machine = cpu.machine;
  Page folio;
  if (const FaultResult result = get_file_page(fault, folio); result != FaultResult::kOk)
    return result;
  // Dirty before the entry can be written (page_mkwrite), or with it: all under
  // the folio lock, which writeback needs too.
  {
    Guard guard(*fault.slot.lock);
    set_file_pte(fault, folio, fault.slot, true);
  }
  cpu.note(Reached::kFileShared);
  folio_mark_dirty(machine, folio);
  folio_unlock(folio);
  folio_put(cpu, folio);
  return FaultResult::kOk;
}

}  // namespace

FaultResult map_private_copy(Fault& fault, Pfn source) {
  Cpu& cpu = fault.cpu;
  Machine& machine = cpu.machine;
  if (anon_vma_prepare(cpu, fault.vma) != Errc::kOk) return FaultResult::kOom;
  const auto fresh = machine.alloc_folio(cpu);
  if (!fresh) return FaultResult::kOom;
  const Page copy = fresh.value;
  if (cpu.fails(FailSite::kCopy)) {
    folio_put(cpu, copy);
    return FaultResult::kSigbus;
  }
  machine.frames.copy(machine.pfn_of(copy), source);
  copy.set(Flag::kUptodate);
  Guard guard(*fault.slot.lock);
  const bool first = fault.slot.get().none();
  cpu.note(first ? Reached::kFileCopy : Reached::kLost);
  if (!first) {
    folio_put(cpu, copy);
    return FaultResult::kOk;
  }
  folio_add_new_anon_rmap(cpu, copy, fault.vma, fault.address, true);
  folio_add_lru_vma(cpu, copy, fault.vma);
  fault.slot.map(
      maybe_mkwrite(Pte::of(machine.pfn_of(copy), fault.vma.page_prot).mkdirty(), fault.vma));
  return FaultResult::kOk;
}

FaultResult do_file_fault(Fault& fault) {
  AddressSpace& file = *fault.vma.file;
  if (file.kind == FileKind::kDriver) return file.driver->fault(fault);
  if (!fault.write()) return do_read_fault(fault);
  if ((fault.vma.flags & kVmShared) == 0) return do_cow_fault(fault);
  return do_shared_fault(fault);
}

}  // namespace pagebox::inline PAGEBOX_ENV
