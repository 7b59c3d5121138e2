// MIGRATE_TO_DEV and MIGRATE_TO_SYS.
#include <algorithm>
#include <array>

#include "base/uninit_array.h"
#include "mm/folio_state.h"
#include "mm/range.h"
#include "zone_device/migrate_destinations.h"
#include "zone_device/mirror.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Calls step(migrate) for each part of the range that is one vma's and at most a
/// chunk. kInval: there is no vma, or none that may be read.
template <class Step>
Errc for_each_part(Mm& mm, const MirrorDevice& device, std::uint64_t start, std::uint64_t end,
                   std::uint32_t flags, Step&& step) {
  const std::uint64_t chunk = Mirror::migrate_chunk_pages(device.machine());
  UninitArray<MigratePfn, Mirror::kMaxMigrateChunk> src, dst;
  SharedGuard guard(mm.mmap_lock);
  for (std::uint64_t at = start; at < end;) {
    Vma* vma = mm.find_vma(at);
    if (vma == nullptr || (vma->flags & kVmRead) == 0) return Errc::kInval;
    MigrateVma migrate;
    migrate.vma = vma;
    migrate.start = at;
    migrate.end = std::min<std::uint64_t>({end, at + chunk * kPageBytes, vma->end});
    const std::uint64_t pages = (migrate.end - at) / kPageBytes;
    migrate.src = src.first(pages);
    migrate.dst = dst.first(pages);
    std::ranges::fill(migrate.src, MigratePfn());
    std::ranges::fill(migrate.dst, MigratePfn());
    migrate.pgmap_owner = &device;
    migrate.flags = flags;
    if (const Errc error = step(migrate); error != Errc::kOk) return error;
    at = migrate.end;
  }
  return Errc::kOk;
}

/// A full device takes what it can: the rest stays in system memory.
void copy_to_device(Cpu& cpu, MirrorDevice& device, const Mirror& user, MigrateVma& migrate,
                    bool evicts) {
  Machine& machine = device.machine();
  const auto alloc = [&](std::span<Pfn> out) {
    std::size_t had = device.alloc_pages(cpu, user, out);
    if (had == out.size() || !evicts) return had;
    device.evict(cpu, out.size() - had);
    return had + device.alloc_pages(cpu, user, out.subspan(had));
  };
  give_destinations(
      migrate.src, migrate.dst, [](MigratePfn from) { return from.migrate(); }, alloc);
  (void)drop_failed_copies(cpu, migrate.src, migrate.dst);
  const bool hole_writable =
      (migrate.vma->flags & kVmWrite) != 0 && !machine.has(Rule::kHolesReadOnly);
  for (std::uint64_t i = 0; i < migrate.src.size(); ++i) {
    const MigratePfn from = migrate.src[i];
    if (migrate.dst[i].valid() && (from.write() || (!from.valid() && hole_writable)))
      migrate.dst[i].set(MigratePfn::kWrite);
  }
  copy_to_destinations(machine, migrate.src, migrate.dst);
}

}  // namespace

MirrorResult Mirror::migrate_to_device(Cpu& cpu, std::uint64_t start, std::uint64_t pages,
                                       std::span<std::byte> out, bool evicts) {
  if (!valid_range(start, pages) || (!out.empty() && !fits(out.size(), pages)))
    return {Errc::kInval};
  const std::uint64_t end = start + pages * kPageBytes;
  const Errc error =
      for_each_part(mm(), device_, start, end, kSelectSystem,
                    [&](MigrateVma& migrate) { return migrate_chunk(cpu, migrate, evicts); });
  if (error != Errc::kOk) return {error};
  // What the caller sees is the table, not the migration.
  const std::uint64_t copied = copy_out(start, pages, out);
  if (copied != pages) return {Errc::kNoEnt};
  return {Errc::kOk, copied};
}

Errc Mirror::migrate_chunk(Cpu& cpu, MigrateVma& migrate, bool evicts) {
  // In progress or yet to come: each change by others from here on is counted.
  std::uint64_t seq = 0, foreign = 0;
  Retry retry("a range that a device migrates to stand still");
  for (bool stable = false; !stable;) {
    seq = read_begin();
    Guard guard(lock_);
    stable = !read_retry(seq);
    foreign = foreign_;
    if (!stable && !retry.again()) return Errc::kLivelock;
  }
  if (const Errc error = migrate_vma_setup(cpu, migrate); error != Errc::kOk) return error;
  cpu.pass(StopPoint::kDeviceCollected);
  copy_to_device(cpu, device_, *this, migrate, evicts);
  cpu.pass(StopPoint::kDeviceCopied);
  migrate_vma_pages(cpu, migrate);
  cpu.pass(StopPoint::kDeviceMoved);
  // Between pages and finalize: until then the pages are locked, so no other migration moves
  // them. Yet entries can be zapped.
  const auto arrival = [&](std::uint64_t i) -> Arrival {
    const MigratePfn from = migrate.src[i], to = migrate.dst[i];
    if (!from.migrate() || !to.valid()) return {};
    return {migrate.start + i * kPageBytes,
            {to.pfn(), to.write() ? MirrorAccess::kWrite : MirrorAccess::kRead},
            from.valid() ? from.pfn() : to.pfn()};
  };
  bool entered = false;
  {
    Guard guard(lock_);
    entered = foreign_ == foreign;
    for (std::uint64_t i = 0; entered && i < migrate.src.size(); ++i)
      if (const Arrival each = arrival(i); each.address != 0) table_.set(each.address, each.entry);
  }
  if (!entered) {
    std::vector<Arrival> arrivals;
    for (std::uint64_t i = 0; i < migrate.src.size(); ++i)
      if (const Arrival each = arrival(i); each.address != 0) arrivals.push_back(each);
    (void)enter_arrivals(arrivals);
  }
  migrate_vma_finalize(cpu, migrate);
  return Errc::kOk;
}

MirrorResult Mirror::migrate_to_system(Cpu& cpu, std::uint64_t start, std::uint64_t pages) {
  if (!valid_range(start, pages)) return {Errc::kInval};
  MirrorResult result;
  result.error = for_each_part(
      mm(), device_, start, start + pages * kPageBytes, device_.select(), [&](MigrateVma& migrate) {
        if (const Errc error = migrate_vma_setup(cpu, migrate); error != Errc::kOk) return error;
        cpu.pass(StopPoint::kDeviceCollected);
        (void)device_.copy_to_system(cpu, migrate, this);
        cpu.pass(StopPoint::kDeviceCopied);
        migrate_vma_pages(cpu, migrate);
        cpu.pass(StopPoint::kDeviceMoved);
        for (const MigratePfn word : migrate.src)
          if (word.valid() && word.migrate()) ++result.cpages;
        migrate_vma_finalize(cpu, migrate);
        return Errc::kOk;
      });
  return result;
}

}  // namespace pagebox::inline PAGEBOX_ENV
