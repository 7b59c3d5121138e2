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
  {
    Guard guard(lock_);
    if (leaves_pages_) return;
  }
  device_.evict(cpu);
}

void Mirror::leave_pages() {
  Guard guard(lock_);
  leaves_pages_ = true;
}

void Mirror::invalidate(Cpu&, const NotifierRange& range, std::uint64_t seq) {
  Guard guard(lock_);
  set_seq(seq);
  // Our own migration drops and enters what it moves itself; who is just reading the page
  // table hears of it all the same.
  if (range.event == NotifyEvent::kMigrate && range.owner == &device_) return;
  ++foreign_;
  table_.erase_range(range.start, range.end);
}

bool Mirror::stands(const Arrival& arrival) const {
  const PteSlot slot = mm().page_table.find(arrival.address);
  if (!slot) return false;
  Guard guard(*slot.lock);
  const Pte pte = slot.get();
  Pfn found{~std::uint64_t{0}};
  if (pte.present())
    found = pte.pfn();
  else if (!pte.none() && pte.entry().has_page())
    found = pte.entry().pfn();
  return found == arrival.entry.pfn || found == arrival.replaces;
}

std::uint64_t Mirror::enter_arrivals(std::span<const Arrival> arrivals) {
  for (Retry retry("a device's page table to stand still");;) {
    const std::uint64_t seq = read_begin();
    {
      Guard guard(lock_);
      // Unchanged since: what stands now is only taken away by who has not been heard yet,
      // and who will find it in the table.
      if (!read_retry(seq)) {
        std::uint64_t entered = 0;
        for (const Arrival& each : arrivals) {
          if (!stands(each)) continue;
          table_.set(each.address, each.entry);
          ++entered;
        }
        return entered;
      }
    }
    if (!retry.pause()) return 0;
  }
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
  if (out.empty()) return table_.run_from(start, pages);
  for (std::uint64_t i = 0; i < pages; ++i) {
    const MirrorEntry* entry = table_.find(start + i * kPageBytes);
    if (entry == nullptr) return i;
    device_.machine().frames.read(entry->pfn, page_of(out, i).data());
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
