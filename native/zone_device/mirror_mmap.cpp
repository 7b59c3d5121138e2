// The device's own mmap.
#include "mm/rmap/rmap.h"
#include "mm/swap/release.h"
#include "zone_device/mirror.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// vm_insert_page: the mapping's reference is the page's only one.
Errc insert_page(Cpu& cpu, Vma& vma, std::uint64_t address) {
  Machine& machine = cpu.machine;
  const auto fresh = machine.alloc_folio(cpu);
  if (!fresh) return fresh.error;
  const Pfn pfn = machine.pfn_of(fresh.value);
  machine.frames.clear(pfn);
  const auto table = vma.mm->page_table.alloc(cpu, address);
  if (!table) {
    folio_put(cpu, fresh.value);
    return table.error;
  }
  Guard guard(*table.value.lock);
  folio_add_file_rmap(cpu, fresh.value, vma);
  table.value.map(Pte::of(pfn, vma.page_prot));
  return Errc::kOk;
}

}  // namespace

Errc Mirror::mmap(Cpu& cpu, std::uint64_t address, std::uint64_t pages, std::uint64_t prot) {
  MmapRequest request;
  request.address = address;
  request.pages = pages;
  request.prot = prot;
  request.file = file_;
  request.extra_flags = kVmMixedMap;
  request.populate = [](Cpu& acting, Vma& vma) {
    for (std::uint64_t at = vma.start; at < vma.end; at += kPageBytes)
      if (const Errc error = insert_page(acting, vma, at); error != Errc::kOk) return error;
    return Errc::kOk;
  };
  return do_mmap(cpu, mm(), request);
}

}  // namespace pagebox::inline PAGEBOX_ENV
