// One entry of a page table, and every way it may change. Nobody else stores to an entry.
//
//   empty ──map──▶ present ──clear_and_flush──▶ empty ──replace──▶ swap, migration, device
//     ▲              ▲   └──────────restore─────────┘                        │
//     └──────────────┼───────────────────────drop────────────────────────────┤
//                    └───────────────────────map─────────────────────────────┘
//
//  1. The table's lock is held for each transition (of a pmd entry: the pmd table's), but
//     for mark(), which is the MMU's, at any time and without a lock.
//  2. The MMU may set the accessed and dirty bits of a present entry meanwhile, so a
//     transition from present to present changes bits by one atomic operation, or takes
//     the entry away first; a value that was read before is never stored back.
//  3. Stores release: who sees the entry, without a lock, sees the page that it leads to.
//     clear_and_flush() and invalidate() are full barriers: fast GUP, which takes the page
//     and then looks whether the entry is still the same, or they see the other.
//
// The model checks in every schedule that a transition begins as it is drawn here, and rule 1.
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/check.h"
#include "base/lock.h"
#include "mm/pte.h"

namespace pagebox::inline PAGEBOX_ENV {

class PteSlot {
 public:
  PteSlot() = default;
  PteSlot(std::uint64_t* at, SpinLock* lock_of_table) : lock(lock_of_table), at_(at) {}
  PteSlot(PteSlot of, SpinLock* lock_of_table) : PteSlot(of.at_, lock_of_table) {}

  SpinLock* lock = nullptr;  // of its table; null: nobody else reaches that
  explicit operator bool() const { return at_ != nullptr; }
  /// The entries behind it in the same table, whose lock it is.
  void advance(std::int64_t entries = 1) { at_ += entries; }
  bool same_as(PteSlot other) const { return at_ == other.at_; }

  /// With the lock, or without it and looked at again (rule 3).
  Pte get() const { return {atomics::load(at_)}; }

  /// Empty, or a swap, migration or device entry: leads to a page now, or to a table. Or a huge
  /// leaf since invalidate().
  void map(Pte pte) const {
    PAGEBOX_CHECK(!kModel || (is_locked() && !is_mapped() && pte.present()));
    store(pte);
  }
  /// Present, or a device's entry: empty now, and what it was. The caller maps, restores or
  /// replaces it.
  Pte clear_and_flush() const {
    PAGEBOX_CHECK(!kModel || (is_locked() && !now().none()));
    return {atomics::exchange(at_, std::uint64_t{0})};
  }
  /// Empty since clear_and_flush(), or a huge leaf since invalidate(): what it was, after all.
  void restore(Pte was) const {
    PAGEBOX_CHECK(!kModel || (is_locked() && !is_mapped() && !was.none()));
    store(was);
  }
  /// Empty since clear_and_flush(), or never present: a non-present entry now.
  void replace(Pte entry) const {
    PAGEBOX_CHECK(!kModel || (is_locked() && !is_mapped() && entry.is_entry()));
    store(entry);
  }
  /// A non-present entry, the zero page's, or one that leads to a table: empty now. What
  /// leads to a counted page goes by clear_and_flush().
  void drop() const {
    PAGEBOX_CHECK(!kModel || (is_locked() && !now().none()));
    store({});
  }

  /// Present and write-protected: `pte`, the same page with more bits, dirty among them; writable
  /// where the mapping is (who forces a write leaves it as it is).
  void make_writable(Pte pte) const {
    PAGEBOX_CHECK(!kModel || (is_locked() && now().present() &&
                              pte.has(now().value | Pte::kDirty) && pte.pfn() == now().pfn()));
    store(pte);
  }
  /// Present: no longer writable.
  void write_protect() const {
    PAGEBOX_CHECK(!kModel || (is_locked() && now().present()));
    atomics::fetch_and(at_, ~Pte::kWrite);
  }
  /// Present: bits go. Empty for a moment, as the kernel's ptep_modify_prot_start.
  void clear_bits(std::uint64_t bits) const { restore(clear_and_flush().without(bits)); }
  /// Of a huge leaf, which is never empty meanwhile: somebody would put a table there.
  void clear_leaf_bits(std::uint64_t bits) const {
    PAGEBOX_CHECK(!kModel || (is_locked() && now().present()));
    atomics::fetch_and(at_, ~bits);
  }
  /// Present: other permissions of the same page, change(what it was). Empty meanwhile.
  template <class Change>
  void change_protection(Change&& change) const {
    restore(change(clear_and_flush()));
  }
  /// A huge leaf: not present for the MMU and fast GUP, and still not empty. What it was;
  /// the caller stores what comes of it by restore() or map().
  Pte invalidate() const {
    PAGEBOX_CHECK(!kModel || (is_locked() && now().present()));
    return {atomics::exchange(at_, (get().value & ~Pte::kPresent) | Pte::kProtNone)};
  }
  /// Present: accessed, dirty, soft-dirty. No lock.
  void mark(std::uint64_t bits) const { atomics::fetch_or(at_, bits); }

 private:
  void store(Pte pte) const { atomics::store(at_, pte.value, atomics::kRelease); }
#ifdef PAGEBOX_MODEL
  // For the checks: no steps.
  Pte now() const { return {*at_}; }
  bool is_locked() const { return lock == nullptr || lock->is_held(); }
#else
  static constexpr Pte now() { return {}; }
  static constexpr bool is_locked() { return true; }
#endif
  bool is_mapped() const { return now().has(Pte::kPresent); }

  std::uint64_t* at_ = nullptr;
};

}  // namespace pagebox::inline PAGEBOX_ENV
