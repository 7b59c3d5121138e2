// One mapping of an address space: [start, end), what may be done there, and
// what stands behind it.
//
// Fields are written with mmap_lock held for writing; start, end and pgoff also
// under the locks of the rmap trees that hold the vma, so that a walk through a
// page sees them whole. `mm`, `file`, `file_handle` and `hugetlb` are set before the vma is
// on any list or tree, whose lock publishes them, and stay.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/atomic.h"
#include "base/env.h"
#include "base/fixed.h"
#include "base/line_aligned.h"
#include "base/once.h"
#include "base/plain.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

class Mm;
class AnonVma;
class AddressSpace;
struct HugetlbClaims;

/// vm_flags by the kernel's bits.
enum VmFlags : std::uint64_t {
  kVmRead = 0x1,
  kVmWrite = 0x2,
  kVmExec = 0x4,
  kVmShared = 0x8,
  kVmMayRead = 0x10,
  kVmMayWrite = 0x20,
  kVmMayExec = 0x40,
  kVmMayShare = 0x80,
  kVmPfnMap = 0x400,
  kVmLocked = 0x2000,
  kVmIo = 0x4000,
  kVmDontCopy = 0x20000,
  kVmDontExpand = 0x40000,
  kVmHugetlb = 0x400000,
  kVmWipeOnFork = 0x02000000,
  kVmSoftDirty = 0x08000000,
  kVmMixedMap = 0x10000000,
  kVmHugepage = 0x20000000,
  kVmNoHugepage = 0x40000000,
};
inline constexpr std::uint64_t kVmAccessFlags = kVmRead | kVmWrite | kVmExec;
/// Mappings that no paging touches: a driver's own (the dmirror device's mmap).
inline constexpr std::uint64_t kVmSpecial = kVmIo | kVmDontExpand | kVmPfnMap | kVmMixedMap;

struct alignas(64) Vma : LineAligned {
  Fixed<Mm*> mm;
  Plain<std::uint64_t> start, end;
  Plain<std::uint64_t> pgoff;  // of `start`: in the file, or the address where it was created
  // Written under mmap_lock; walks that came from a page read them without.
  Once<std::uint64_t> flags;
  Once<std::uint64_t> page_prot;           // bits of a new entry (vm_page_prot)
  Fixed<AddressSpace*> file;               // null: anonymous private memory
  std::uint64_t file_handle = 0;           // which open file: vmas of different ones never merge
  Atomic<AnonVma*> anon_vma;               // set by the first anonymous fault, mmap_lock shared
  PlainVector<AnonVma*> chain;             // every anon_vma that may hold pages mapped here
  std::shared_ptr<HugetlbClaims> hugetlb;  // null: not made of the pool's huge pages

  std::uint64_t pages() const { return (end - start) / kPageBytes; }
  bool is_anonymous() const { return file == nullptr && (flags & kVmPfnMap) == 0; }
  bool is_hugetlb() const { return hugetlb != nullptr; }
  bool is_cow() const { return (flags & (kVmShared | kVmMayWrite)) == kVmMayWrite; }
  bool is_accessible() const { return (flags & kVmAccessFlags) != 0; }
  std::uint64_t pgoff_of(std::uint64_t address) const {
    return pgoff + (address - start) / kPageBytes;
  }
  /// Where page `index` of the file or anon_vma lies here; only if contains_pgoff.
  std::uint64_t address_of(std::uint64_t index) const {
    return start + (index - pgoff) * kPageBytes;
  }
  bool contains_pgoff(std::uint64_t index) const {
    return index >= pgoff && index - pgoff < pages();
  }
};

/// Entry bits for these flags alone (the kernel's protection_map).
std::uint64_t protection(std::uint64_t vm_flags);
/// vma_wants_writenotify: first writes must fault, for dirty or soft-dirty tracking.
bool vma_wants_writenotify(const Vma& vma);
/// Recomputes page_prot from the flags.
void vma_set_page_prot(Vma& vma);
/// Entries of a changed protection may be made writable one by one, without a fault.
bool vma_wants_manual_pte_write_upgrade(const Vma& vma);

}  // namespace pagebox::inline PAGEBOX_ENV
