#include "zone_device/dax_file.h"

#include "base/fault.h"
#include "mm/fault/fault.h"
#include "mm/folio_state.h"
#include "mm/zap.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kToTheEnd = ~0ULL >> 1;

}  // namespace

Errc DaxFile::mmap(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint64_t pages, std::uint64_t prot,
                   bool shared, std::uint64_t pgoff, std::uint64_t handle) {
  if (!shared && device_.kind() == DaxKind::kDevdax) return Errc::kInval;
  MmapRequest request;
  request.address = address;
  request.pages = pages;
  request.prot = prot;
  request.shared = shared;
  request.file = &space_;
  request.pgoff = pgoff;
  request.file_handle = handle;
  request.extra_flags = kVmMixedMap;
  return do_mmap(cpu, mm, request);
}

FaultResult DaxFile::fault(Fault& fault) {
  SharedGuard guard(invalidate_lock_);
  const std::uint64_t index = fault.vma.pgoff_of(fault.address);
  if (index >= blocks_.size()) return FaultResult::kSigbus;
  const Pfn pfn = blocks_[index];
  if (fault.write() && (fault.vma.flags & kVmShared) == 0) return map_private_copy(fault, pfn);
  Pte entry = Pte::of(pfn, fault.vma.page_prot)
                  .with(device_.has_descriptors() ? Pte::kDevmap : Pte::kSpecial);
  if (fault.write()) entry = maybe_mkwrite(entry.mkdirty(), fault.vma);
  Guard lock(*fault.slot.lock);
  if (fault.slot.get().none()) fault.slot.map(entry);
  return FaultResult::kOk;
}

std::optional<Pfn> DaxFile::busy_block(std::uint64_t first) const {
  if (!device_.waits_for_dma()) return std::nullopt;
  for (std::uint64_t i = first; i < blocks_.size(); ++i)
    if (device_.machine().page(blocks_[i]).refcount() >
        device_.pagemap().own_refs(blocks_[i]) + (planted(Mistake::kDaxOtherEra) ? 1 : 0))
      return blocks_[i];
  return std::nullopt;
}

std::optional<Pfn> DaxFile::layout_busy_page(Cpu& cpu, std::uint64_t first) {
  Guard guard(invalidate_lock_);
  unmap_mapping_pages(cpu, space_, first, kToTheEnd, false);
  return busy_block(first);
}

Errc DaxFile::truncate(Cpu& cpu, std::uint64_t pages, OnBusy on_busy) {
  if (device_.kind() == DaxKind::kDevdax) return Errc::kInval;
  if (device_.is_removed()) return Errc::kNoDev;
  for (;;) {
    Pfn busy;
    {
      Guard guard(invalidate_lock_);
      if (pages >= blocks_.size()) return grow(pages);
      // Unmap, then look: a pinner has raised the count by now, or will find its
      // entry gone. No fault maps anything meanwhile.
      const bool was_idle = planted(Mistake::kDaxLooksFirst) && !busy_block(pages);
      unmap_mapping_pages(cpu, space_, pages, kToTheEnd, false);
      const std::optional<Pfn> found = was_idle ? std::nullopt : busy_block(pages);
      if (!found) {
        unmap_mapping_pages(cpu, space_, pages, kToTheEnd, true);
        shrink(pages);
        return Errc::kOk;
      }
      busy = *found;
    }
    if (on_busy == OnBusy::kRefuse) return Errc::kBusy;
    if (!device_.pagemap().wait_idle(device_.machine().page(busy))) return Errc::kBusy;
  }
}

Errc DaxFile::grow(std::uint64_t pages) {
  const std::uint64_t had = blocks_.size();
  std::vector<Pfn> fresh;
  if (const Errc error = device_.alloc_blocks(pages - had, fresh); error != Errc::kOk) return error;
  for (const Pfn pfn : fresh) device_.machine().frames.clear(pfn);
  blocks_.append(fresh.begin(), fresh.end());
  associate(had);
  space_.set_size_pages(pages);
  return Errc::kOk;
}

void DaxFile::shrink(std::uint64_t pages) {
  dissociate(pages);
  const std::vector<Pfn>& blocks = blocks_;
  device_.free_blocks(std::span(blocks).subspan(pages));
  blocks_.resize(pages);
  space_.set_size_pages(pages);
}

void DaxFile::associate(std::uint64_t first) {
  if (!device_.has_descriptors()) return;
  Machine& machine = device_.machine();
  for (std::uint64_t i = first; i < blocks_.size(); ++i)
    folio_set_file(machine, machine.page(blocks_[i]), space_, i);
}

void DaxFile::dissociate(std::uint64_t first) {
  if (!device_.has_descriptors()) return;
  for (std::uint64_t i = first; i < blocks_.size(); ++i) {
    const Page page = device_.machine().page(blocks_[i]);
    page.set_mapping(0);
    page.set_index(0);
    device_.pagemap().put_back_pgmap(page);
  }
}

Errc DaxFile::read_page(std::uint64_t index, std::byte* out) {
  SharedGuard guard(invalidate_lock_);
  if (index >= blocks_.size()) return Errc::kRange;
  device_.machine().frames.read(blocks_[index], out);
  return Errc::kOk;
}

Errc DaxFile::write_page(std::uint64_t index, const std::byte* from) {
  SharedGuard guard(invalidate_lock_);
  if (index >= blocks_.size()) return Errc::kRange;
  device_.machine().frames.write(blocks_[index], from);
  return Errc::kOk;
}

IoResult DaxFile::read(std::uint64_t first, std::span<std::byte> out) {
  IoResult io;
  while (io.bytes < out.size() &&
         read_page(first + io.bytes / kPageBytes, out.data() + io.bytes) == Errc::kOk)
    io.bytes += kPageBytes;
  return io;
}

IoResult DaxFile::write(Cpu& cpu, std::uint64_t first, std::span<const std::byte> from) {
  if (device_.is_removed()) return {0, Errc::kNoDev};
  const std::uint64_t end = first + from.size() / kPageBytes;
  if (end > pages()) {
    const bool grows = device_.kind() != DaxKind::kDevdax;
    const Errc error = grows ? truncate(cpu, end, OnBusy::kRefuse) : Errc::kNoSpc;
    if (error != Errc::kOk) return {0, error};
  }
  IoResult io;
  for (; io.bytes < from.size(); io.bytes += kPageBytes) {
    io.error = write_page(first + io.bytes / kPageBytes, from.data() + io.bytes);
    if (io.error != Errc::kOk) break;
  }
  return io;
}

std::uint64_t DaxFile::pages() {
  SharedGuard guard(invalidate_lock_);
  return blocks_.size();
}

Result<Pfn> DaxFile::block(std::uint64_t index) {
  SharedGuard guard(invalidate_lock_);
  if (index >= blocks_.size()) return Errc::kRange;
  return blocks_[index];
}

void DaxFile::release(Cpu&) { device_.drop(*this); }

void DaxFile::forget() {
  blocks_.clear();
  space_.set_size_pages(0);
}

}  // namespace pagebox::inline PAGEBOX_ENV
