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
    migrate.end = std::min({end, at + chunk * kPageBytes, vma->end});
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
void copy_to_device(Cpu& cpu, MirrorDevice& device, const Mirror& user, MigrateVma& migrate) {
  Machine& machine = device.machine();
  give_destinations(
      migrate.src, migrate.dst, [](MigratePfn from) { return from.migrate(); },
      [&](std::span<Pfn> out) { return device.alloc_pages(cpu, user, out); });
  const bool hole_writable =
      (migrate.vma->flags & kVmWrite) != 0 && !machine.has(Rule::kHolesReadOnly);
  for (std::uint64_t i = 0; i < migrate.src.size(); ++i) {
    const MigratePfn from = migrate.src[i];
    if (migrate.dst[i].valid() && (from.write() || (!from.valid() && hole_writable)))
      migrate.dst[i].set(MigratePfn::kWrite);
  }
  // In a row: a locked instruction between two pages would wait for the first.
  for (std::uint64_t i = 0; i < migrate.src.size(); ++i) {
    const MigratePfn from = migrate.src[i], to = migrate.dst[i];
    if (to.valid() && from.valid())
      machine.frames.copy(to.pfn(), from.pfn());
    else if (to.valid())
      machine.frames.clear(to.pfn());
  }
}

}  // namespace

MirrorResult Mirror::migrate_to_device(Cpu& cpu, std::uint64_t start, std::uint64_t pages,
                                       std::span<std::byte> out) {
  if (!valid_range(start, pages) || (!out.empty() && !fits(out.size(), pages)))
    return {Errc::kInval};
  const std::uint64_t end = start + pages * kPageBytes;
  const Errc error =
      for_each_part(mm(), device_, start, end, kSelectSystem,
                    [&](MigrateVma& migrate) { return migrate_chunk(cpu, migrate); });
  if (error != Errc::kOk) return {error};
  // What the caller sees is the table, not the migration.
  const std::uint64_t copied = copy_out(start, pages, out);
  if (copied != pages) return {Errc::kNoEnt};
  return {Errc::kOk, copied};
}

Errc Mirror::migrate_chunk(Cpu& cpu, MigrateVma& migrate) {
  if (const Errc error = migrate_vma_setup(cpu, migrate); error != Errc::kOk) return error;
  copy_to_device(cpu, device_, *this, migrate);
  migrate_vma_pages(cpu, migrate);
  {
    // Between pages and finalize: no one else can reach these pages yet.
    Guard guard(lock_);
    for (std::uint64_t i = 0; i < migrate.src.size(); ++i) {
      const MigratePfn to = migrate.dst[i];
      if (migrate.src[i].migrate() && to.valid())
        table_.set(migrate.start + i * kPageBytes,
                   {to.pfn(), to.write() ? MirrorAccess::kWrite : MirrorAccess::kRead});
    }
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
        device_.copy_to_system(migrate, this);
        migrate_vma_pages(cpu, migrate);
        for (const MigratePfn word : migrate.src)
          if (word.valid() && word.migrate()) ++result.cpages;
        migrate_vma_finalize(cpu, migrate);
        return Errc::kOk;
      });
  return result;
}

}  // namespace pagebox::inline PAGEBOX_ENV
