// Migration between RAM and device memory, in three steps with the driver between
// them:
//
//   migrate_vma_setup     takes the pages of a range out of page tables, locked
//                         (driver: allocates destinations, copies)
//   migrate_vma_pages     the destinations take over, page by page, if nobody
//                         else holds the source
//   migrate_vma_finalize  migration entries become entries again
//
// Nothing here knows of pins: a pinned page has more references than its
// mappings explain, so it stays.
//
// Sources: Documentation/mm/hmm.rst; v6.12 mm/migrate_device.c as behaviour.
#pragma once

#include <cstdint>
#include <span>

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

class DevPagemap;

/// A word of `src` or `dst`:  |63 .......... 6|5 4|3 write|2|1 migrate|0 valid|
///                            |      pfn      |   |       | |         |       |
struct MigratePfn {
  static constexpr std::uint64_t kValid = 1, kMigrate = 2, kWrite = 8;
  static constexpr unsigned kShift = 6;

  std::uint64_t value = 0;
  static MigratePfn of(Pfn pfn) { return {pfn.value << kShift | kValid}; }
  bool valid() const { return (value & kValid) != 0; }
  bool migrate() const { return (value & kMigrate) != 0; }
  bool write() const { return (value & kWrite) != 0; }
  Pfn pfn() const { return {value >> kShift}; }
  void set(std::uint64_t bits) { value |= bits; }
  void clear(std::uint64_t bits) { value &= ~bits; }
};

/// Which pages setup takes. Device pages only of the owner that asks.
enum MigrateSelect : std::uint32_t {
  kSelectSystem = 1,
  kSelectDevicePrivate = 2,
  kSelectDeviceCoherent = 4,
};

struct MigrateVma {
  Vma* vma = nullptr;
  std::uint64_t start = 0, end = 0;
  std::span<MigratePfn> src, dst;  // one a page; dst zeroed, filled by the driver
  std::uint64_t cpages = 0;        // collected: sources and empty places
  const void* pgmap_owner = nullptr;
  std::uint32_t flags = 0;  // MigrateSelect
  Page fault_page;          // of a CPU fault, which holds a reference
  Page locked_page;         // set by migrate_vma_setup(): the fault has its lock
};

/// kInval: no vma, a driver's own or a dax one, a range outside of it, or arrays
/// too short. mmap_lock held, shared.
Errc migrate_vma_setup(Cpu& cpu, MigrateVma& migrate);
void migrate_vma_pages(Cpu& cpu, MigrateVma& migrate);
void migrate_vma_finalize(Cpu& cpu, MigrateVma& migrate);

/// The same for the first src.size() pages of a device, wherever they are mapped; at most
/// `most` of them. Free pages and pages that are locked are left out.
void migrate_device_range(Cpu& cpu, std::span<MigratePfn> src, DevPagemap& device,
                          std::uint64_t most = ~std::uint64_t{0});
void migrate_device_pages(Cpu& cpu, std::span<MigratePfn> src, std::span<const MigratePfn> dst);
void migrate_device_finalize(Cpu& cpu, std::span<const MigratePfn> src,
                             std::span<const MigratePfn> dst);

/// Moves one page to RAM, for a long-term pin (coherent memory) or for who reads its
/// file, and drops the caller's reference. kBusy: somebody else holds it; kNoMem.
Errc migrate_device_page(Cpu& cpu, Page page);

/// The steps between collecting and the driver, for all of the above.
std::uint64_t migrate_device_unmap(Cpu& cpu, std::span<MigratePfn> src, Page fault_page,
                                   Page locked_page);

}  // namespace pagebox::inline PAGEBOX_ENV
