// anon_vma: which mappings may map an anonymous page. A page points to the
// anon_vma of the mapping that allocated it (or took it over); a fork adds the
// child's mapping to every anon_vma of the parent's, so a walk finds the owner
// first and then those forked from it, in order of their forks.
//
// The whole family of forks shares the root's lock.
#pragma once

#include <cstdint>
#include <vector>

#include "base/atomic.h"
#include "base/errc.h"
#include "base/lock.h"
#include "base/plain.h"
#include "mm/vma.h"
#include "page/page.h"

namespace pagebox::inline PAGEBOX_ENV {

class Cpu;
class Machine;

class alignas(64) AnonVma {
 public:
  std::uint64_t index = 0;  // in the machine's pool; names it in page->mapping
  Plain<AnonVma*> root;     // stable while somebody holds a reference
  Plain<AnonVma*> parent;
  /// One while a vma is linked, and one for each walk that came here from a page.
  /// Zero: free, or about to be; its other fields are then nobody's to read.
  Atomic<std::uint32_t> references;
  /// The root, for who has no reference; null: free.
  Atomic<AnonVma*> known_root;
  // Under the family's lock.
  Plain<std::uint32_t> children;     // anon_vmas forked from this, itself included if root
  Plain<std::uint32_t> family;       // of a root: anon_vmas that share its lock
  Plain<std::uint32_t> active_vmas;  // vmas whose own anon_vma this is
  PlainVector<Vma*> tree;            // by first page offset, equals in order of insertion

  RwLock& lock() { return root->lock_; }
  RwLock& own_lock() { return lock_; }  // of a root: the family's
  void insert(Vma& vma);
  void remove(Vma& vma);
  void recycle();

 private:
  RwLock lock_;
};

/// Gives the vma an anon_vma before its first anonymous page: a neighbour's if
/// the two could merge, else a new one. Needs mmap_lock (shared will do).
Errc anon_vma_prepare(Cpu& cpu, Vma& vma);
/// The child's vma joins every anon_vma of the parent's and gets one of its own,
/// or reuses one whose process is gone.
Errc anon_vma_fork(Cpu& cpu, Vma& child, const Vma& parent);
/// `to` joins the anon_vmas of `from` (split, move).
void anon_vma_clone(Vma& to, const Vma& from, bool may_reuse);
void unlink_anon_vmas(Machine& machine, Vma& vma);

/// For walks that came from a page: the mappings may go meanwhile. False: it is
/// free. As folio_get_anon_vma (v6.12).
bool try_get_anon_vma(AnonVma& anon_vma);
/// The family's lock for reading, without a reference: nobody unlinks what maps the folio
/// meanwhile. False: it is not mapped, or the lock was not to be had at once. Folio locked, and
/// `anon_vma` is what its word leads to. As folio_lock_anon_vma_read (v6.12).
class [[nodiscard]] MappedGuard {
 public:
  MappedGuard(Machine& machine, Page folio, const AnonVma& anon_vma);
  ~MappedGuard() {
    if (lock_ != nullptr) lock_->unlock_shared();
  }
  MappedGuard(const MappedGuard&) = delete;
  MappedGuard& operator=(const MappedGuard&) = delete;
  explicit operator bool() const { return lock_ != nullptr; }

 private:
  RwLock* lock_ = nullptr;
};
/// The last reference frees it; its root goes with the last of the family. Holds
/// and needs no lock of the family.
void put_anon_vma(Machine& machine, AnonVma& anon_vma);

/// Both neighbours may share one anon_vma.
bool anon_vmas_mergeable(const AnonVma* a, const AnonVma* b, const Vma* vma);

}  // namespace pagebox::inline PAGEBOX_ENV
