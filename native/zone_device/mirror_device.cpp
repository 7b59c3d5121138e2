#include "zone_device/mirror_device.h"

#include <algorithm>

#include "mm/folio_state.h"
#include "zone_device/migrate_destinations.h"
#include "zone_device/mirror.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr unsigned kReleasePasses = 64;
constexpr std::size_t kNobody = ~std::size_t{0};

}  // namespace

Errc MirrorDevice::create(Machine& machine, const MirrorDeviceOptions& options,
                          std::unique_ptr<MirrorDevice>& out) {
  const DeviceMemory memory = options.memory;
  if (memory != DeviceMemory::kPrivate && memory != DeviceMemory::kCoherent &&
      memory != DeviceMemory::kPublic)
    return Errc::kInval;
  std::unique_ptr<MirrorDevice> device(new MirrorDevice(machine, options));
  if (const Errc error = device->range_.add_frames(); error != Errc::kOk) return error;
  out = std::move(device);
  return Errc::kOk;
}

MirrorDevice::~MirrorDevice() = default;

Errc MirrorDevice::add_memory() {
  const Errc error = range_.pagemap.add();
  if (error != Errc::kOk) return error;
  for (std::uint64_t i = 0; options_.used_before && !fresh_ && i < options_.pages; ++i)
    machine_.page(options_.first + i).set(Flag::kSwapBacked);
  fresh_ = true;
  free_ = range_.all_free();
  return Errc::kOk;
}

std::size_t MirrorDevice::alloc_pages(Cpu& cpu, const Mirror& user, std::span<Pfn> out) {
  if (cpu.control != nullptr)
    out = out.first(cpu.control->grants(FailSite::kDevicePage, out.size()));
  {
    Guard guard(memory_lock_);
    if (leaving_ || (!range_.pagemap.is_live() && add_memory() != Errc::kOk)) return 0;
    const auto taken = range_.take_free(cpu, free_, out);
    out = out.first(taken ? taken.value : 0);
    in_use_.store(in_use_.load() + out.size(), atomics::kRelease);
  }
  const Shape& shape = machine_.memmap.shape();
  if (shape.driver_data != 0) {
    const std::uint64_t address =
        machine_.memmap.addresses().of_object(ObjectKind::kDriverData, user.slot());
    for (const Pfn pfn : out) machine_.page(pfn).set_word_at(shape.driver_data, address);
  }
  return out.size();
}

void MirrorDevice::page_free(Cpu& cpu, Page page) {
  const Pfn pfn = machine_.pfn_of(page);
  pages_free(cpu, range_.pagemap, std::span(&pfn, 1));
}

void MirrorDevice::pages_free(Cpu&, const DevPagemap&, std::span<const Pfn> pages) {
  Guard guard(memory_lock_);
  free_.append(pages.begin(), pages.end());
  in_use_.store(in_use_.load() - pages.size(), atomics::kRelease);
}

Mirror* MirrorDevice::open(Mm& mm) {
  std::unique_ptr<Mirror> fresh = Mirror::create(*this, mm);
  if (fresh == nullptr) return nullptr;
  Mirror* mirror = fresh.get();
  Guard guard(mirrors_lock_);
  std::size_t slot = 0;
  while (slot < mirrors_.size() && mirrors_[slot] != nullptr) ++slot;
  if (slot == mirrors_.size()) mirrors_.push_back(nullptr);
  mirror->set_slot(slot);
  mirrors_.edit(slot) = std::move(fresh);
  return mirror;
}

bool MirrorDevice::is_open() const {
  Guard guard(mirrors_lock_);
  for (const auto& mirror : mirrors_)
    if (mirror != nullptr) return true;
  return false;
}

void MirrorDevice::abandon() { range_.pagemap.abandon(); }

std::unique_ptr<Mirror> MirrorDevice::take(Mirror& mirror) {
  Guard guard(mirrors_lock_);
  return std::move(mirrors_.edit(mirror.slot()));
}

std::size_t MirrorDevice::migrator_of(Page page) const {
  const Shape& shape = page.shape();
  if (shape.driver_data == 0) return kNobody;
  const auto slot = machine_.memmap.addresses().object_at(ObjectKind::kDriverData,
                                                          page.word_at(shape.driver_data));
  return slot ? *slot : kNobody;
}

void MirrorDevice::drop_mappings(const Mm& mm, std::uint64_t address, std::size_t migrator) {
  Guard guard(mirrors_lock_);
  for (std::size_t slot = 0; slot < mirrors_.size(); ++slot) {
    Mirror* mirror = mirrors_[slot].get();
    if (mirror != nullptr && (slot == migrator || mirror->watches(mm))) mirror->drop(address);
  }
}

bool MirrorDevice::copy_to_system(Cpu& cpu, MigrateVma& migrate, Mirror* user) {
  const auto moves = [this](MigratePfn from) {
    return from.migrate() && from.valid() && machine_.is_zone_device(from.pfn());
  };
  give_destinations(migrate.src, migrate.dst, moves,
                    [&](std::span<Pfn> out) { return machine_.alloc_locked_pages(cpu, out); });
  const bool copied = drop_failed_copies(cpu, migrate.src, migrate.dst) == 0;
  for (std::uint64_t i = 0; i < migrate.src.size(); ++i) {
    const MigratePfn from = migrate.src[i];
    if (!migrate.dst[i].valid()) continue;
    if (from.write()) migrate.dst[i].set(MigratePfn::kWrite);
    // Exactly this page: no invalidation is sent to whoever asked for it.
    if (user == nullptr)
      drop_mappings(*migrate.vma->mm, migrate.start + i * kPageBytes,
                    migrator_of(machine_.page(from.pfn())));
  }
  if (user != nullptr) user->drop_moved(migrate);
  copy_to_destinations(machine_, migrate.src, migrate.dst);
  return copied;
}

FaultResult MirrorDevice::migrate_to_ram(Cpu& cpu, Vma& vma, std::uint64_t address, Page page) {
  MigratePfn src, dst;
  MigrateVma migrate;
  migrate.vma = &vma;
  migrate.start = address;
  migrate.end = address + kPageBytes;
  migrate.src = std::span(&src, 1);
  migrate.dst = std::span(&dst, 1);
  migrate.pgmap_owner = this;
  migrate.flags = select();
  migrate.fault_page = page;
  if (migrate_vma_setup(cpu, migrate) != Errc::kOk) return FaultResult::kSigbus;
  cpu.pass(StopPoint::kDeviceCollected);
  const bool copied = copy_to_system(cpu, migrate, nullptr);
  const bool no_memory = src.migrate() && !dst.valid();
  cpu.pass(StopPoint::kDeviceCopied);
  migrate_vma_pages(cpu, migrate);
  cpu.pass(StopPoint::kDeviceMoved);
  migrate_vma_finalize(cpu, migrate);
  // Once more where it has moved, as the recorded driver does: a device that entered the page by
  // now faults again (concurrent-A, dev:st|dr).
  if (src.migrate() && dst.valid()) drop_mappings(*vma.mm, address, kNobody);
  if (!copied) return FaultResult::kSigbus;
  return no_memory ? FaultResult::kOom : FaultResult::kOk;
}

void MirrorDevice::evict(Cpu& cpu, std::uint64_t most) {
  // Another may take the memory away as soon as its last page is free.
  if (in_use_.load() == 0 || !range_.pagemap.try_get(cpu)) return;
  std::vector<MigratePfn> src(options_.pages), dst(options_.pages);
  migrate_device_range(cpu, src, range_.pagemap, most);
  // Where there is no memory, pages stay where they are.
  give_destinations(
      src, dst, [](MigratePfn from) { return from.valid() && from.migrate(); },
      [&](std::span<Pfn> out) { return machine_.alloc_locked_pages(cpu, out); });
  (void)drop_failed_copies(cpu, src, dst);
  copy_to_destinations(machine_, src, dst);
  migrate_device_pages(cpu, src, dst);
  migrate_device_finalize(cpu, src, dst);
  range_.pagemap.put(cpu);
}

std::vector<PageHolder> MirrorDevice::holders() const {
  Guard guard(memory_lock_);
  return leaving_ ? std::vector<PageHolder>() : range_.pagemap.holders();
}

Errc MirrorDevice::release(Cpu& cpu) {
  {
    Guard guard(memory_lock_);
    if (leaving_) return Errc::kBusy;
    if (!range_.pagemap.is_live()) return Errc::kOk;
    leaving_ = true;
  }
  // Pages that are locked or in another CPU's batch are only busy for a moment.
  // A bounded number of passes.
  SpinWait wait;
  for (unsigned pass = 0; in_use_.load() > 0 && pass < kReleasePasses; ++pass) {
    if (pass > 0) {
      lru_add_drain_all(cpu);
      wait.pause();
    }
    evict(cpu);
  }
  // A driver takes its memory away when nobody keeps the pagemap any more.
  const bool is_kept = in_use_.load() > 0 && range_.pagemap.pages_keep_it();
  const bool empty = !is_kept && range_.pagemap.is_idle();
  Errc error = empty ? Errc::kOk : Errc::kBusy;
  if (empty) {
    range_.pagemap.kill();
    error = range_.pagemap.remove();
  }
  Guard guard(memory_lock_);
  if (error == Errc::kOk) free_.clear();
  leaving_ = false;
  return error;
}

}  // namespace pagebox::inline PAGEBOX_ENV
