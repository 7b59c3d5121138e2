#include "zone_device/p2pdma.h"

#include "mm/file/files.h"
#include "mm/rmap/rmap.h"

namespace pagebox::inline PAGEBOX_ENV {

P2pdma::P2pdma(Machine& machine, const P2pdmaOptions& options)
    : machine_(machine),
      options_(options),
      range_(machine, DeviceMemory::kP2pdma, options.first, options.pages, options.index, this,
             *this) {}

Errc P2pdma::create(Cpu& cpu, const P2pdmaOptions& options, std::unique_ptr<P2pdma>& out) {
  Machine& machine = cpu.machine;
  std::unique_ptr<P2pdma> device(new P2pdma(machine, options));
  if (const Errc error = device->range_.add_frames(); error != Errc::kOk) return error;
  if (const Errc error = device->range_.pagemap.add(); error != Errc::kOk) return error;
  device->file_ = create_driver_file(machine, *device);
  if (device->file_ == nullptr) return Errc::kNoMem;
  device->free_ = device->range_.all_free();
  out = std::move(device);
  return Errc::kOk;
}

P2pdma::~P2pdma() {
  if (file_ != nullptr) put_file(machine_.cpu(0), *file_);
}

Result<Page> P2pdma::alloc_page(Cpu& cpu) {
  Pfn pfn;
  const auto taken = [&] {
    Guard guard(lock_);
    return range_.take_free(cpu, free_, std::span(&pfn, 1));
  }();
  if (!taken) return taken.error;
  if (taken.value == 0) return Errc::kNoMem;
  machine_.frames.clear(pfn);
  return machine_.page(pfn);
}

void P2pdma::page_free(Cpu&, Page page) {
  Guard guard(lock_);
  free_.push_back(machine_.pfn_of(page));
}

std::uint64_t P2pdma::free_pages() const {
  Guard guard(lock_);
  return free_.size();
}

/// vm_insert_page: the mapping's reference is the page's only one.
Errc P2pdma::insert_pages(Cpu& cpu, Vma& vma) {
  for (std::uint64_t address = vma.start; address < vma.end; address += kPageBytes) {
    const auto table = vma.mm->page_table.alloc(cpu, address);
    if (!table) return table.error;
    const auto page = alloc_page(cpu);
    if (!page) return page.error;
    Guard guard(*table.value.lock);
    folio_add_file_rmap(cpu, page.value, vma);
    table.value.map(Pte::of(machine_.pfn_of(page.value), vma.page_prot));
  }
  return Errc::kOk;
}

Errc P2pdma::mmap(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint64_t pages, std::uint64_t prot,
                  bool shared) {
  if (!shared) return Errc::kInval;
  MmapRequest request;
  request.address = address;
  request.pages = pages;
  request.prot = prot;
  request.shared = true;
  request.file = file_;
  request.extra_flags = kVmMixedMap;
  request.populate = [](Cpu& acting, Vma& vma) {
    return static_cast<P2pdma*>(vma.file->driver)->insert_pages(acting, vma);
  };
  return do_mmap(cpu, mm, request);
}

Errc P2pdma::remove(Cpu&) {
  range_.pagemap.kill();
  // A mapping that gave its pages back still names this driver.
  if (file_->users.load() > 1) return Errc::kBusy;
  return range_.pagemap.try_remove();
}

}  // namespace pagebox::inline PAGEBOX_ENV
