// One open handle of a mirror device: a process's address space as the device
// sees it. The operations are those of the kernel's test driver.
//
//   read, write        through the device's table, faulting in what is missing
//   migrate_to_device  pages that can move to the device's memory
//   migrate_to_system  and back
//   snapshot           what the device would find, without faulting
//   exclusive          atomic access: no one else's entry is left
//
// Ranges are whole pages. Errors: kInval: not aligned, empty, beyond user space,
// or a buffer too small; others by operation.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/fixed.h"
#include "zone_device/hmm.h"
#include "zone_device/interval_notifier.h"
#include "zone_device/mirror_device.h"
#include "zone_device/mirror_table.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Counts are meaningful only if error is kOk.
struct MirrorResult {
  Errc error = Errc::kOk;
  std::uint64_t cpages = 0;  // copied, or migrated to system
  std::uint64_t faults = 0;  // times that pages had to be faulted in
};

/// What a snapshot says of a page (HMM_DMIRROR_PROT_*); one location or none, with kRead or kWrite.
struct MirrorProt {
  static constexpr std::uint8_t kNone = 0x00, kRead = 0x01, kWrite = 0x02, kPmd = 0x04,
                                kZero = 0x10, kPrivateLocal = 0x20, kCoherentLocal = 0x40,
                                kCoherentRemote = 0x50, kError = 0xff;
};

class Mirror final : public IntervalNotifier, public DriverFile {
 public:
  /// See MirrorDevice::open.
  static std::unique_ptr<Mirror> create(MirrorDevice& device, Mm& mm);
  /// The handle is not used any more. Once mappings of the device are gone too, every
  /// page in it, whosever it is, moves to system memory, and the handle is destroyed.
  void close(Cpu& cpu);
  /// Another user, who closes it too: an operation that a close may overtake.
  void hold();
  /// When the handle goes, pages of others stay in the device.
  void leave_pages();
  ~Mirror() override = default;

  /// `out`: pages * 4096 bytes, or empty. kFault, kPerm: as hmm_range_fault; nothing
  /// is said of the data then.
  MirrorResult read(Cpu& cpu, std::uint64_t start, std::uint64_t pages, std::span<std::byte> out);
  /// Pages written before an error stay written.
  MirrorResult write(Cpu& cpu, std::uint64_t start, std::uint64_t pages,
                     std::span<const std::byte> from);
  /// kInval: no vma, none that may be read, or a driver's own; what came before it
  /// stays migrated. kNoEnt: not all pages are in the table now (some may have moved). `evicts`:
  /// where the device is full it moves others' pages out first, the oldest ones.
  MirrorResult migrate_to_device(Cpu& cpu, std::uint64_t start, std::uint64_t pages,
                                 std::span<std::byte> out, bool evicts = false);
  MirrorResult migrate_to_system(Cpu& cpu, std::uint64_t start, std::uint64_t pages);
  /// One MirrorProt a page.
  Errc snapshot(Cpu& cpu, std::uint64_t start, std::span<std::uint8_t> out);
  /// kBusy: not every page became exclusive; those that did stay so.
  MirrorResult exclusive(Cpu& cpu, std::uint64_t start, std::uint64_t pages,
                         std::span<std::byte> out);
  /// kPerm: the device still has exclusive access to one of them.
  Errc check_exclusive(std::uint64_t start, std::uint64_t pages);
  /// The device's own mmap, private, present from the start: zeroed pages that no
  /// file has and no paging touches (VM_MIXEDMAP). `prot`: kVmRead | kVmWrite. Errors
  /// as do_mmap; kNoMem: no pages.
  Errc mmap(Cpu& cpu, std::uint64_t address, std::uint64_t pages, std::uint64_t prot);

  MirrorDevice& device() const { return device_; }
  std::uint64_t slot() const { return slot_; }
  void set_slot(std::uint64_t slot) { slot_ = slot; }
  /// Exactly this page leaves the table.
  void drop(std::uint64_t address);
  /// The pages that have a destination leave the table.
  void drop_moved(const MigrateVma& migrate);
  /// For the audit, with nothing running.
  const MirrorTable& table() const { return table_; }

  /// Pages of one step at most: what the driver hands to faults, and to migration, at once.
  static constexpr std::uint64_t kChunk = 64, kMaxMigrateChunk = 512;
  static std::uint64_t fault_chunk_pages(const Machine& machine) {
    return machine.has(Rule::kMirrorChunks) ? 32 : kChunk;
  }
  static std::uint64_t migrate_chunk_pages(const Machine& machine) {
    return machine.has(Rule::kMirrorChunks) ? kMaxMigrateChunk : 64;
  }

 private:
  Mirror(MirrorDevice& device, Mm& mm) : IntervalNotifier(mm, 0, kTaskSize), device_(device) {}
  void invalidate(Cpu& cpu, const NotifierRange& range, std::uint64_t seq) override;
  void release(Cpu& cpu) override;

  /// Copies page by page from or to what the table has; the pages done.
  std::uint64_t copy_out(std::uint64_t start, std::uint64_t pages, std::span<std::byte> out);
  std::uint64_t copy_in(std::uint64_t start, std::uint64_t pages, std::span<const std::byte> from);
  Errc fault(Cpu& cpu, std::uint64_t start, std::uint64_t end, bool write);
  Errc fault_chunk(Cpu& cpu, std::uint64_t start, std::uint64_t end, bool write);
  Errc enter(const HmmRange& range, bool write);
  Errc migrate_chunk(Cpu& cpu, MigrateVma& migrate, bool evicts);
  /// A page that the caller has locked, and on its way into the table. Its entry leads to it, or
  /// for the time of a migration to the one that it replaces.
  struct Arrival {
    std::uint64_t address = 0;
    MirrorEntry entry;
    Pfn replaces;
  };
  /// Who takes an entry away need not have the lock of its page: those that are gone are left
  /// out. How many were entered.
  std::uint64_t enter_arrivals(std::span<const Arrival> arrivals);
  bool stands(const Arrival& arrival) const;
  std::uint64_t exclusive_chunk(Cpu& cpu, std::uint64_t start, std::uint64_t pages);
  std::uint8_t describe(HmmPfn pfn) const;
  static bool fits(std::size_t bytes, std::uint64_t pages) { return bytes / kPageBytes >= pages; }

  MirrorDevice& device_;
  Fixed<AddressSpace*> file_;  // its users: the handle and its mappings
  Fixed<std::uint64_t> slot_;
  Mutex lock_;
  MirrorTable table_;             // lock_
  Plain<std::uint64_t> foreign_;  // lock_; changes that were not this device's migrations
  Plain<bool> leaves_pages_;      // lock_
};

}  // namespace pagebox::inline PAGEBOX_ENV
