// The mirror device: memory of its own, and processes that have opened it. What
// the kernel's HMM test driver is (v6.12 lib/test_hmm.c), with the three changes
// of the recordings.
//
//   MirrorDevice  one device: its memory, who has it open
//   Mirror        one open handle (mirror.h)
//
// Locks: mirrors_lock_ > Mirror's lock; memory_lock_ alone. Neither is held
// while memory management runs.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "zone_device/device_range.h"
#include "zone_device/migrate_device.h"

namespace pagebox::inline PAGEBOX_ENV {

class Mirror;

struct MirrorDeviceOptions {
  DeviceMemory memory = DeviceMemory::kPrivate;  // private, coherent or public
  Pfn first;                                     // behind RAM, see Memmap's capacity
  std::uint64_t pages = 0;
  std::uint64_t index = 0;  // names the pagemap in descriptors
  /// Each page was in use before, as on a machine that has run for a while: v6.12 never
  /// clears PG_swapbacked of a device page. Until the first release.
  bool used_before = false;
};

class MirrorDevice final : public PagemapDriver {
 public:
  /// kInval: not that kind of memory, or no such range; kNoMem: no frames. The memory
  /// itself comes with the first migration. Not while others run.
  static Errc create(Machine& machine, const MirrorDeviceOptions& options,
                     std::unique_ptr<MirrorDevice>& out);
  /// No handle is open any more and no page in use.
  ~MirrorDevice() override;
  MirrorDevice(const MirrorDevice&) = delete;
  MirrorDevice& operator=(const MirrorDevice&) = delete;

  /// Free pages for `user`'s migration: locked, refcount 1. How many there were: fewer
  /// if the device is full, none while its memory is going away.
  std::size_t alloc_pages(Cpu& cpu, const Mirror& user, std::span<Pfn> out);
  /// Moves pages to system memory, whosever they are, at most `most` and only what can move.
  void evict(Cpu& cpu, std::uint64_t most = ~std::uint64_t{0});
  /// RELEASE: evicts, and takes the memory away until it is needed again. kBusy:
  /// somebody holds pages (holders() says who); the memory stays.
  Errc release(Cpu& cpu);
  /// Pages in use; none while the memory is being taken away.
  std::vector<PageHolder> holders() const;

  /// A handle for that process; the device owns it until its last user is gone.
  /// Null: no file can be had.
  Mirror* open(Mm& mm);
  /// A handle is open, or a mapping of the device's own memory keeps it so.
  bool is_open() const;
  /// The machine is going, and with it whoever holds pages: no waiting for them. Only
  /// the destructor may follow.
  void abandon();
  /// Takes a handle out, for its release.
  std::unique_ptr<Mirror> take(Mirror& mirror);

  Machine& machine() const { return machine_; }
  DeviceMemory memory() const { return options_.memory; }
  std::uint64_t pages() const { return options_.pages; }
  std::uint64_t pages_in_use() const { return in_use_.load(); }
  std::uint32_t select() const {
    return memory() == DeviceMemory::kPrivate ? kSelectDevicePrivate : kSelectDeviceCoherent;
  }
  const DevPagemap& pagemap() const { return range_.pagemap; }

  /// Copies what setup took to new pages of RAM and drops what the processes
  /// concerned had mapped of it: `user`, and for a fault who migrated the page. False: a page
  /// could not be read.
  bool copy_to_system(Cpu& cpu, MigrateVma& migrate, Mirror* user);

  void page_free(Cpu& cpu, Page page) override;
  void pages_free(Cpu& cpu, const DevPagemap& pagemap, std::span<const Pfn> pages) override;
  FaultResult migrate_to_ram(Cpu& cpu, Vma& vma, std::uint64_t address, Page page) override;

 private:
  MirrorDevice(Machine& machine, const MirrorDeviceOptions& options)
      : machine_(machine),
        options_(options),
        range_(machine, options.memory, options.first, options.pages, options.index, this, *this) {}
  Errc add_memory();
  /// The slot of the mirror for which a page was taken; none: no slot there is.
  std::size_t migrator_of(Page page) const;
  /// Of one address: what the mirrors of `mm` have entered, and the one at `migrator`.
  void drop_mappings(const Mm& mm, std::uint64_t address, std::size_t migrator);

  Machine& machine_;
  const MirrorDeviceOptions options_;
  Atomic<std::uint64_t> in_use_;  // changed under memory_lock_

  mutable Mutex memory_lock_;
  PlainVector<Pfn> free_;  // memory_lock_; the last one is handed out first
  Plain<bool> leaving_;    // memory_lock_
  Plain<bool> fresh_;      // memory_lock_; released once

  mutable Mutex mirrors_lock_;
  PlainVector<std::unique_ptr<Mirror>> mirrors_;  // mirrors_lock_; by slot, null: closed
  DeviceRange range_;  // the last: it goes first, and what its pages come back to after it
};

}  // namespace pagebox::inline PAGEBOX_ENV
