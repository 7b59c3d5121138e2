// What page tables are made of, out of reach of what their descriptors say: the entries,
// the split lock, the tables in reserve and RCU's head. All of it lies beside the frames,
// one place for each page of RAM, reserved and untouched until the page is a table. So
//
//  - whether a page is a table is known here; its descriptor shows it, no more;
//  - what a program stores into a frame that was freed too early never becomes an entry;
//  - a descriptor holds sandbox values alone: addresses of pages, and small codes.
//
//                 shown in the descriptor            kept here
//   type          page_type                          state
//   split lock    ptl: 0                             lock
//   reserve       pmd_huge_pte: the next table       reserve
//   waiting       word 1: the page queued before     RcuHead, shown_next
//   for RCU       word 2: RcuCallback                and its function
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/errc.h"
#include "base/lock.h"
#include "base/mapping.h"
#include "base/plain.h"
#include "base/rcu.h"
#include "mm/pte.h"
#include "page/pfn.h"

namespace pagebox::inline PAGEBOX_ENV {

class Machine;

/// What word 2 of a waiting page names; a kernel has the function's address there.
enum class RcuCallback : std::uint64_t { kFreeTable = 1 };

/// All-zero: no table.
struct alignas(64) TableRecord : RcuHead {
  SpinLock lock;
  Atomic<std::uint32_t> in_use;  // until the grace period after its end is over
  Plain<std::uint64_t> reserve;  // pfn + 1 of the next table in reserve; under the pmd's lock
  // While it waits for RCU: word 1, and whose it is. Call and callback are ordered by RCU.
  Plain<std::uint64_t> shown_next;
  Plain<Machine*> machine;
};
static_assert(sizeof(TableRecord) == 64);

class TableStore {
 public:
  /// For tables on pages [0, pages). kNoMem.
  Errc create(std::uint64_t pages);

  /// `pfn` is RAM's.
  TableRecord& record(Pfn pfn) const {
    return reinterpret_cast<TableRecord*>(records_.data())[pfn.value];
  }
  std::uint64_t* entries(Pfn pfn) const {
    return reinterpret_cast<std::uint64_t*>(entries_.data() + pfn.value * kPageBytes);
  }
  /// An entry of some table lies there; which one, counted from the first table's.
  bool holds(const std::byte* at) const {
    return at >= entries_.data() && at < entries_.data() + entries_.size_bytes();
  }
  std::uint64_t* entry(std::uint64_t number) const {
    return reinterpret_cast<std::uint64_t*>(entries_.data()) + number;
  }
  std::uint64_t entry_number(const std::byte* at) const {
    return static_cast<std::uint64_t>(at - entries_.data()) / sizeof(std::uint64_t);
  }
  Pfn pfn_of(const TableRecord& record) const {
    return {static_cast<std::uint64_t>(&record - reinterpret_cast<TableRecord*>(records_.data()))};
  }
  /// The table that a split lock belongs to.
  Pfn pfn_of(const SpinLock& lock) const {
    const auto offset = reinterpret_cast<const std::byte*>(&lock) - records_.data();
    return {static_cast<std::uint64_t>(offset) / sizeof(TableRecord)};
  }
  /// In use, or waiting for RCU. Any pfn.
  bool is_table(Pfn pfn) const { return pfn.value < pages_ && record(pfn).in_use.load() != 0; }
  /// Puts the page at the end of those that wait; which one was there before (pfn + 1).
  std::uint64_t queue(Pfn pfn) { return last_waiting_.exchange(pfn.value + 1); }
  void unqueue(Pfn pfn) {
    std::uint64_t last = pfn.value + 1;
    (void)last_waiting_.compare_exchange(last, 0);
  }

 private:
  std::uint64_t pages_ = 0;
  Mapping records_, entries_;
  Atomic<std::uint64_t> last_waiting_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
