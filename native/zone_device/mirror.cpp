// Opening, closing, invalidation, and copying through the device's table.
#include "zone_device/mirror.h"
#include "mm/file/files.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::span<std::byte> page_of(std::span<std::byte> bytes, std::uint64_t page) {
  return bytes.subspan(page * kPageBytes, kPageBytes);
}

}  // namespace

std::unique_ptr<Mirror> Mirror::create(MirrorDevice& device, Mm& mm) {
  std::unique_ptr<Mirror> mirror(new Mirror(device, mm));
  mirror->file_ = create_driver_file(device.machine(), *mirror);
  if (mirror->file_ == nullptr) return nullptr;
  mirror->insert();
  return mirror;
}

void Mirror::close(Cpu& cpu) { put_file(cpu, *file_); }

void Mirror::hold() { get_file(*file_); }

void Mirror::release(Cpu& cpu) {
  const std::unique_ptr<Mirror> self = device_.take(*this);
  remove();
  device_.evict(cpu);
}

void Mirror::invalidate(Cpu&, const NotifierRange& range, std::uint64_t seq) {
  // Our own migration drops and enters what it moves itself.
  if (range.event == NotifyEvent::kMigrate && range.owner == &device_) return;
  Guard guard(lock_);
  set_seq(seq);
  table_.erase_range(range.start, range.end);
}

void Mirror::drop(std::uint64_t address) {
  Guard guard(lock_);
  table_.erase(address);
}

void Mirror::drop_moved(const MigrateVma& migrate) {
  Guard guard(lock_);
  for (std::uint64_t i = 0; i < migrate.dst.size(); ++i)
    if (migrate.dst[i].valid()) table_.erase(migrate.start + i * kPageBytes);
}

std::uint64_t Mirror::copy_out(std::uint64_t start, std::uint64_t pages, std::span<std::byte> out) {
  Guard guard(lock_);
  for (std::uint64_t i = 0; i < pages; ++i) {
    const MirrorEntry* entry = table_.find(start + i * kPageBytes);
    if (entry == nullptr) return i;
    if (!out.empty()) device_.machine().frames.read(entry->pfn, page_of(out, i).data());
  }
  return pages;
}

std::uint64_t Mirror::copy_in(std::uint64_t start, std::uint64_t pages,
                              std::span<const std::byte> from) {
  Guard guard(lock_);
  for (std::uint64_t i = 0; i < pages; ++i) {
    const MirrorEntry* entry = table_.find(start + i * kPageBytes);
    if (entry == nullptr || entry->access != MirrorAccess::kWrite) return i;
    device_.machine().frames.write(entry->pfn, from.data() + i * kPageBytes);
  }
  return pages;
}

}  // namespace pagebox::inline PAGEBOX_ENV
