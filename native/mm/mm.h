// An address space: vmas, page tables, and the locks over them (mm_struct).
//
// Lock order, outermost first:
//   mmap_lock > folio lock > i_mmap_lock, anon_vma lock > page-table lock
//   > cache_lock, swap lock, LRU batch lock > lru_lock
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/errc.h"
#include "base/line_aligned.h"
#include "base/lock.h"
#include "base/plain.h"
#include "base/seqcount.h"
#include "mm/machine.h"
#include "mm/notifier.h"
#include "mm/page_table.h"
#include "mm/vma.h"

namespace pagebox::inline PAGEBOX_ENV {

class alignas(64) Mm : public LineAligned {
 public:
  explicit Mm(Machine& machine) : machine(machine), page_table(machine) {}
  /// An empty address space. kNoMem.
  static Errc create(Cpu& cpu, std::unique_ptr<Mm>& out);
  /// exit_mmap: unmaps everything and frees the tables. Pins of its pages live on.
  void exit(Cpu& cpu);

  Machine& machine;
  RwLock mmap_lock;
  PageTable page_table;
  SeqCount write_protect_seq;        // odd while fork write-protects
  Atomic<std::uint32_t> has_pinned;  // MMF_HAS_PINNED: sticky, set by every FOLL_PIN
  SpinLock anon_vma_lock;            // the first anon_vma of a vma, mmap_lock shared
  NotifierList notifiers;
  Plain<bool> exited;  // mmap_lock held

  // Vmas, ascending, never overlapping. mmap_lock held.
  PlainVector<std::unique_ptr<Vma>> vmas;
  /// The vma that contains the address.
  Vma* find_vma(std::uint64_t address) const;
  /// The first vma that ends after the address.
  Vma* find_vma_after(std::uint64_t address) const;
  Vma* prev_of(const Vma& vma) const;
  Vma* next_of(const Vma& vma) const;
  std::size_t index_of(const Vma& vma) const;
  bool overlaps(std::uint64_t start, std::uint64_t end) const;
};

struct MmapRequest {
  std::uint64_t address = 0, pages = 0;
  std::uint64_t prot = 0;  // kVmRead | kVmWrite | kVmExec
  bool shared = false;
  AddressSpace* file = nullptr;  // null: anonymous
  std::uint64_t file_handle = 0;
  std::uint64_t pgoff = 0;
  bool hugetlb = false;           // of the pool's huge pages: see mm/huge/hugetlb.h
  std::uint64_t extra_flags = 0;  // kVmPfnMap and the like, for drivers
  /// A driver maps its pages before anyone can see the mapping; null: nothing to
  /// do. An error undoes the mapping.
  Errc (*populate)(Cpu& cpu, Vma& vma) = nullptr;
};

// Each of these is a system call: takes mmap_lock, checks its arguments (kInval:
// not page-aligned, empty, wraps or leaves the user range) and returns the errno.
/// MAP_FIXED_NOREPLACE: kExist if something is there. hugetlb: kInval for a range that
/// is not of whole huge pages, a file or shared memory; kNoMem if the pool cannot
/// promise the pages.
Errc do_mmap(Cpu& cpu, Mm& mm, const MmapRequest& request);
Errc do_munmap(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t pages);
/// kNoMem: part of the range is unmapped; earlier parts are changed. kInval also for a
/// part of a hugetlb page, as in munmap and mremap.
Errc do_mprotect(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t pages, std::uint64_t prot);
/// MREMAP_FIXED without growing. kFault: not inside one vma.
Errc do_mremap(Cpu& cpu, Mm& mm, std::uint64_t from, std::uint64_t pages, std::uint64_t to);
Errc do_mlock(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t pages);
Errc do_munlock(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t pages);

enum class Advice : std::uint8_t {
  kDontneed,
  kPageout,
  kCold,
  kFree,
  kWillneed,
  kRemove,
  kPopulateRead,
  kPopulateWrite,
  kDontfork,
  kDofork,
  kWipeonfork,
  kKeeponfork,
  kHugepage,
  kNohugepage,
  kCollapse,
};
Errc do_madvise(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t pages, Advice advice);
/// fork: `child` is fresh and empty. kNoMem leaves it to be exited.
Errc dup_mmap(Cpu& cpu, Mm& child, Mm& parent);
/// Clears the soft-dirty bits (write 4 to clear_refs).
void clear_soft_dirty(Cpu& cpu, Mm& mm);

// vma_tree.cpp; mmap_lock held for writing.
/// Cuts the vma at `address`; the piece behind it is returned. Null: kNoMem.
Vma* split_vma(Cpu& cpu, Mm& mm, Vma& vma, std::uint64_t address);
/// Gives [start, end) of `vma` these flags, merging with neighbours or cutting
/// pieces off. The vma that now holds the range; null: kNoMem.
Vma* vma_modify_flags(Cpu& cpu, Mm& mm, Vma& vma, std::uint64_t start, std::uint64_t end,
                      std::uint64_t flags);
/// Inserts a new vma into its rmap tree and the address space.
Vma* vma_link(Mm& mm, std::unique_ptr<Vma> vma);
/// A new mapping that continues a neighbour becomes part of it. Null: it cannot.
Vma* vma_merge_new(Mm& mm, const Vma& proposal);
/// Unmaps without taking mmap_lock.
Errc munmap_locked(Cpu& cpu, Mm& mm, std::uint64_t start, std::uint64_t end);

}  // namespace pagebox::inline PAGEBOX_ENV
