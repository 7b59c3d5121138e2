// A file as memory sees it: its page cache, its mappings, and what is behind it
// (nothing but swap for tmpfs and shared anonymous memory, a disk for ext2).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/atomic.h"
#include "base/errc.h"
#include "base/lock.h"
#include "mm/fault/fault_result.h"
#include "mm/file/slot_tree.h"
#include "mm/vma.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

/// One slot of the page cache: empty, a page, or a value (where the page went).
///   |63 .............. 2|1 0|   00 empty (word 0), 01 page: pfn,
///                               10 swap slot (tmpfs), 11 shadow of an evicted page
struct CacheEntry {
  std::uint64_t value = 0;
  static CacheEntry page(Pfn pfn) { return {pfn.value << 2 | 1}; }
  static CacheEntry swap(std::uint64_t slot) { return {slot << 2 | 2}; }
  static CacheEntry shadow() { return {3}; }
  bool is_page() const { return (value & 3) == 1; }
  bool is_swap() const { return (value & 3) == 2; }
  bool is_shadow() const { return (value & 3) == 3; }
  Pfn pfn() const { return {value >> 2}; }
  std::uint64_t slot() const { return value >> 2; }
  bool operator==(const CacheEntry&) const = default;
};

/// The disk behind a file: whole pages. The sandbox's own is memory; FileDisk is
/// one on a real file with O_DIRECT.
class BackingStore {
 public:
  virtual ~BackingStore() = default;
  /// Zeroes beyond what was written.
  virtual Errc read_page(std::uint64_t index, std::byte* out) = 0;
  virtual Errc write_page(std::uint64_t index, const std::byte* from) = 0;
  virtual Errc truncate(std::uint64_t pages) = 0;
  /// The store moves a frame's bytes itself, like a device that does DMA: no copy
  /// between them and the frame.
  virtual bool moves_frames() const { return false; }
  /// The bytes outlive the last user of the file.
  virtual bool keeps_bytes() const { return false; }
};

enum class FileKind : std::uint8_t { kShmem, kDisk, kDriver };

class Cpu;
struct Fault;

/// What stands behind a driver's file (the kernel's vm_operations and release).
class DriverFile {
 public:
  virtual ~DriverFile() = default;
  /// The last user is gone.
  virtual void release(Cpu& cpu) = 0;
  /// A fault on an empty entry, mmap_lock held shared. kOk: look again. Mappings
  /// that were populated by mmap have nothing to add.
  virtual FaultResult fault(Fault&) { return FaultResult::kSigbus; }
  /// vma_is_dax: storage itself is mapped.
  virtual bool is_dax() const { return false; }
  /// vma_is_fsdax: the file's blocks themselves are mapped, so no pin may last.
  virtual bool is_fsdax() const { return false; }
};

class AddressSpace {
 public:
  std::uint64_t index = 0;  // in the machine's pool; names it in page->mapping
  FileKind kind = FileKind::kShmem;
  std::unique_ptr<BackingStore> disk;  // kDisk only
  DriverFile* driver = nullptr;        // kDriver only: its mappings are not paged
  bool is_dax() const { return driver != nullptr && driver->is_dax(); }
  bool is_fsdax() const { return driver != nullptr && driver->is_fsdax(); }

  /// Files behind which clean and dirty differ: first writes must be noticed.
  bool tracks_dirty() const { return kind == FileKind::kDisk; }
  bool is_shmem() const { return kind == FileKind::kShmem; }

  std::uint64_t size_pages() const { return size_pages_.load(); }
  void set_size_pages(std::uint64_t pages) { size_pages_.store(pages); }

  // The page cache: costs what is in it. Callers hold `cache_lock`.
  CacheEntry entry(std::uint64_t at) const {
    const CacheEntry* found = cache_.find(at);
    return found == nullptr ? CacheEntry{} : *found;
  }
  void set_entry(std::uint64_t at, CacheEntry entry) { cache_.set(at, entry); }
  static constexpr std::uint64_t kNoSlot = SlotTree<CacheEntry>::kNone;
  /// The first slot from `at` on that is not empty, or kNoSlot.
  std::uint64_t next_slot(std::uint64_t at) const { return cache_.next(at); }
  /// Behind the last one.
  std::uint64_t slots_end() const { return cache_.end(); }
  SpinLock cache_lock;

  // Mappings. By first page offset; equals in order of insertion, except that a
  // fork comes right behind its parent. Callers hold `i_mmap_lock`.
  RwLock i_mmap_lock;
  std::vector<Vma*> i_mmap;
  void i_mmap_insert(Vma& vma);
  void i_mmap_insert_after(Vma& vma, const Vma& parent);
  void i_mmap_remove(Vma& vma);

  /// The first error of writeback, as errseq has it: kept until somebody asks.
  Errc take_write_error() { return static_cast<Errc>(write_error_.exchange(0)); }
  void set_write_error(Errc error) { write_error_.store(static_cast<std::uint32_t>(error)); }

  /// Vmas and open handles; the last one drops the file.
  Atomic<std::uint32_t> users;
  void recycle();

 private:
  Atomic<std::uint64_t> size_pages_;
  Atomic<std::uint32_t> write_error_;
  SlotTree<CacheEntry> cache_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
