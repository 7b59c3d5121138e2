// A file on a dax device: its blocks, and what processes do with them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mm/address_space.h"
#include "mm/file/file_io.h"
#include "mm/mm.h"
#include "zone_device/dax_device.h"

namespace pagebox::inline PAGEBOX_ENV {

/// What truncate does about a block that is pinned.
enum class OnBusy : std::uint8_t { kWait, kRefuse };

class DaxFile final : public DriverFile {
 public:
  DaxFile(DaxDevice& device, AddressSpace& space) : device_(device), space_(space) {}

  /// kInval: a private mapping of devdax; else as do_mmap. `handle` as in MmapRequest.
  Errc mmap(Cpu& cpu, Mm& mm, std::uint64_t address, std::uint64_t pages, std::uint64_t prot,
            bool shared, std::uint64_t pgoff = 0, std::uint64_t handle = 0);

  /// Sets the size. Shrinking takes the blocks out of every mapping first and frees
  /// none that is pinned: it waits, or gives kBusy and has only unmapped. kNoSpc: the
  /// device is full, nothing has changed; kInval: devdax; kNoDev: removed.
  Errc truncate(Cpu& cpu, std::uint64_t pages, OnBusy on_busy);
  /// Unmaps from block `first` on and looks for one that is in use
  /// (dax_layout_busy_page). Empty without descriptors: nothing can be pinned there.
  std::optional<Pfn> layout_busy_page(Cpu& cpu, std::uint64_t first);

  /// read(2) and write(2), past every cache: 4096 bytes. kRange: beyond the end.
  Errc read_page(std::uint64_t index, std::byte* out);
  Errc write_page(std::uint64_t index, const std::byte* from);
  /// The same of whole pages: short at the end. A write lets the file grow; kNoSpc: no
  /// blocks, nothing was written; kNoDev: removed.
  IoResult read(std::uint64_t first, std::span<std::byte> out);
  IoResult write(Cpu& cpu, std::uint64_t first, std::span<const std::byte> from);

  std::uint64_t pages();
  /// The block behind a page of the file. kRange: beyond the end.
  Result<Pfn> block(std::uint64_t index);
  AddressSpace& space() const { return space_; }

  void release(Cpu& cpu) override;
  FaultResult fault(Fault& fault) override;
  bool is_dax() const override { return true; }
  bool is_fsdax() const override { return device_.kind() != DaxKind::kDevdax; }

 private:
  friend class DaxDevice;
  Errc grow(std::uint64_t pages);
  void shrink(std::uint64_t pages);
  std::optional<Pfn> busy_block(std::uint64_t first) const;
  /// The blocks name the file, or nobody (dax_associate_entry).
  void associate(std::uint64_t first);
  void dissociate(std::uint64_t first);
  /// Removal: everything is unmapped, the blocks are the device's again.
  void forget();

  DaxDevice& device_;
  AddressSpace& space_;
  RwLock invalidate_lock_;
  PlainVector<Pfn> blocks_;  // invalidate_lock_
};

}  // namespace pagebox::inline PAGEBOX_ENV
