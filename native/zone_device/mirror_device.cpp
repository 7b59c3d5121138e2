#include "zone_device/mirror_device.h"

#include "mm/folio_state.h"
#include "zone_device/mirror.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr unsigned kReleasePasses = 64;

/// In a row: a locked instruction between two pages would wait for the first.
void copy_pages(const Machine& machine, std::span<const MigratePfn> src,
                std::span<const MigratePfn> dst) {
  for (std::uint64_t i = 0; i < src.size(); ++i)
    if (dst[i].valid()) machine.frames.copy(dst[i].pfn(), src[i].pfn());
}

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

Result<Page> MirrorDevice::alloc_page(Cpu& cpu, const Mirror& user) {
  const auto pfn = take_free(cpu);
  if (!pfn) return pfn.error;
  const Page page = machine_.page(pfn.value);
  const Shape& shape = page.shape();
  if (shape.driver_data != 0)
    page.set_word(shape.driver_data / shape.word_bytes,
                  machine_.memmap.addresses().of_object(ObjectKind::kDriverData, user.slot()));
  return page;
}

Result<Pfn> MirrorDevice::take_free(Cpu& cpu) {
  Guard guard(memory_lock_);
  if (leaving_) return Errc::kNoDev;
  if (!range_.pagemap.is_live())
    if (const Errc error = add_memory(); error != Errc::kOk) return error;
  const auto pfn = range_.take_free(cpu, free_);
  if (pfn) in_use_.store(in_use_.load() + 1);
  return pfn;
}

void MirrorDevice::page_free(Cpu&, Page page) {
  Guard guard(memory_lock_);
  free_.push_back(machine_.pfn_of(page));
  in_use_.store(in_use_.load() - 1);
}

Mirror* MirrorDevice::open(Mm& mm) {
  std::unique_ptr<Mirror> fresh = Mirror::create(*this, mm);
  if (fresh == nullptr) return nullptr;
  Mirror* mirror = fresh.get();
  Guard guard(mirrors_lock_);
  std::size_t slot = 0;
  while (slot < mirrors_.size() && mirrors_[slot] != nullptr) ++slot;
  if (slot == mirrors_.size()) mirrors_.emplace_back();
  mirror->set_slot(slot);
  mirrors_[slot] = std::move(fresh);
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
  return std::move(mirrors_[mirror.slot()]);
}

void MirrorDevice::drop_mappings(Page page, const Mm& mm, std::uint64_t address) {
  const Shape& shape = page.shape();
  Guard guard(mirrors_lock_);
  std::size_t migrator = mirrors_.size();
  if (shape.driver_data != 0)
    if (const auto slot = machine_.memmap.addresses().object_at(
            ObjectKind::kDriverData, page.word(shape.driver_data / shape.word_bytes)))
      migrator = *slot;
  for (std::size_t slot = 0; slot < mirrors_.size(); ++slot) {
    Mirror* mirror = mirrors_[slot].get();
    if (mirror != nullptr && (slot == migrator || mirror->watches(mm))) mirror->drop(address);
  }
}

void MirrorDevice::copy_to_system(Cpu& cpu, MigrateVma& migrate, Mirror* user) {
  for (std::uint64_t i = 0; i < migrate.src.size(); ++i) {
    const MigratePfn from = migrate.src[i];
    if (!from.migrate() || !from.valid() || !machine_.is_zone_device(from.pfn())) continue;
    const auto fresh = machine_.alloc_folio(cpu);
    if (!fresh) continue;
    folio_lock(fresh.value);
    const std::uint64_t address = migrate.start + i * kPageBytes;
    // Exactly this page: no invalidation is sent to whoever asked for it.
    if (user != nullptr)
      user->drop(address);
    else
      drop_mappings(machine_.page(from.pfn()), *migrate.vma->mm, address);
    MigratePfn to = MigratePfn::of(machine_.pfn_of(fresh.value));
    if (from.write()) to.set(MigratePfn::kWrite);
    migrate.dst[i] = to;
  }
  copy_pages(machine_, migrate.src, migrate.dst);
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
  copy_to_system(cpu, migrate, nullptr);
  const bool no_memory = src.migrate() && !dst.valid();
  migrate_vma_pages(cpu, migrate);
  migrate_vma_finalize(cpu, migrate);
  return no_memory ? FaultResult::kOom : FaultResult::kOk;
}

void MirrorDevice::evict(Cpu& cpu) {
  // Another may take the memory away as soon as its last page is free.
  if (in_use_.load() == 0 || !range_.pagemap.try_get(cpu)) return;
  std::vector<MigratePfn> src(options_.pages), dst(options_.pages);
  migrate_device_range(cpu, src, range_.pagemap);
  for (std::uint64_t i = 0; i < src.size(); ++i) {
    if (!src[i].valid() || !src[i].migrate()) continue;
    const auto fresh = machine_.alloc_folio(cpu);
    if (!fresh) continue;  // no memory: it stays where it is
    folio_lock(fresh.value);
    dst[i] = MigratePfn::of(machine_.pfn_of(fresh.value));
  }
  copy_pages(machine_, src, dst);
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
  SpinWait wait;
  for (unsigned pass = 0; in_use_.load() > 0 && pass < kReleasePasses; ++pass) {
    if (pass > 0) {
      lru_add_drain_all(cpu);
      wait.pause();
    }
    evict(cpu);
  }
  const bool empty = in_use_.load() == 0 && range_.pagemap.is_idle();
  if (empty) {
    range_.pagemap.kill();
    range_.pagemap.remove();
  }
  Guard guard(memory_lock_);
  if (empty) free_.clear();
  leaving_ = false;
  return empty ? Errc::kOk : Errc::kBusy;
}

}  // namespace pagebox::inline PAGEBOX_ENV
