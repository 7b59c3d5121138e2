// Memory that is storage, mapped into processes without a page cache between:
//
//   fsdax          a file system's blocks are the pages that processes map. They are
//                  pinned in place, for short: truncate waits for every pin. (v4.15)
//   devdax         one file, the whole device, of memory type generic: long-term pins too
//   fsdax-limited  the same blocks without descriptors (FS_DAX_LIMITED, s390's dcssblk):
//                  entries are special, GUP finds no page, direct I/O fails (EFAULT)
//
// Entries are devmap ones, which count neither references nor mappings (until v6.14);
// a descriptor's `mapping` and `index` name the file that owns the block.
//
// Locks: mmap_lock > files_lock_ > invalidate_lock_ of a file (faults shared, truncate
// exclusive) > blocks_lock_, page-table locks.
// Sources: v6.12 fs/dax.c and drivers/dax as behaviour, Documentation/filesystems/dax.rst.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "zone_device/device_range.h"

namespace pagebox::inline PAGEBOX_ENV {

class DaxFile;

enum class DaxKind : std::uint8_t { kFsdax, kDevdax, kFsdaxLimited };

struct DaxDeviceOptions {
  DaxKind kind = DaxKind::kFsdax;
  Pfn first;  // behind RAM, see Memmap's capacity
  std::uint64_t pages = 0;
  std::uint64_t index = 0;  // names the pagemap in descriptors
};

class DaxDevice final : public PagemapDriver {
 public:
  /// kInval: no such range; kNoMem: no frames; else as DevPagemap::add. Not while
  /// others run.
  static Errc create(Machine& machine, const DaxDeviceOptions& options,
                     std::unique_ptr<DaxDevice>& out);
  /// No file has a user any more, and no block is pinned.
  ~DaxDevice() override;
  DaxDevice(const DaxDevice&) = delete;
  DaxDevice& operator=(const DaxDevice&) = delete;

  /// A file of that many zeroed blocks, with one user: whoever asked, who gives it back
  /// by Machine::put_file. devdax has one, of all pages. kNoSpc: no blocks; kNoMem: no
  /// file; kBusy: devdax has its file already; kNoDev: removed.
  Result<DaxFile*> create_file(Cpu& cpu, std::uint64_t pages);

  /// Blocks that somebody holds beyond their file.
  std::vector<PageHolder> holders() const;
  /// Takes every mapping and, with them, the memory away; files read as empty from
  /// then on. kBusy: holders() says who; mappings fault in again, nothing is lost.
  Errc remove(Cpu& cpu);
  /// The machine is going, and with it whoever holds blocks: no waiting for them. Only
  /// the destructor may follow.
  void abandon() { range_.pagemap.abandon(); }

  DaxKind kind() const { return options_.kind; }
  bool has_descriptors() const { return options_.kind != DaxKind::kFsdaxLimited; }
  /// A block that is referenced beyond its file is nobody else's yet.
  bool waits_for_dma() const {
    return has_descriptors() && !machine_.has(Quirk::kDaxTruncateForgetsDma);
  }
  bool is_removed() const { return removed_.load() != 0; }
  /// Of no file; pins of a file that was dropped may hold some of them still.
  std::uint64_t free_blocks() const;
  /// A file has a user, or a mapping keeps it.
  bool has_files() const;
  /// For audits: nothing else runs.
  const std::vector<std::unique_ptr<DaxFile>>& files() const { return files_; }
  const std::vector<Pfn>& free_list() const { return free_; }
  Machine& machine() const { return machine_; }
  const DevPagemap& pagemap() const { return range_.pagemap; }

  // For its files.
  Errc alloc_blocks(std::uint64_t count, std::vector<Pfn>& out);
  void free_blocks(std::span<const Pfn> blocks);
  /// The file's last user is gone.
  void drop(DaxFile& file);

  void page_free(Cpu&, Page) override {}  // they keep their one reference
  FaultResult migrate_to_ram(Cpu&, Vma&, std::uint64_t, Page) override {
    return FaultResult::kSigbus;  // not private memory: never asked
  }

 private:
  DaxDevice(Machine& machine, const DaxDeviceOptions& options);

  Machine& machine_;
  const DaxDeviceOptions options_;
  Atomic<std::uint32_t> removed_;
  mutable Mutex files_lock_;
  PlainVector<std::unique_ptr<DaxFile>> files_;  // files_lock_
  mutable Mutex blocks_lock_;
  PlainVector<Pfn> free_;  // blocks_lock_; the last is taken first
  DeviceRange range_;      // the last: it goes first, and what its pages come back to after it
};

}  // namespace pagebox::inline PAGEBOX_ENV
