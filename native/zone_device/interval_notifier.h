// mmu_interval_notifier: who mirrors a range of an address space is told of each
// change to it, and can tell whether what it read since is still true:
//
//   do {
//     seq = notifier.read_begin();       waits while the range is being changed
//     ... read the page table (hmm_range_fault) ...
//     lock();
//   } while (notifier.read_retry(seq) && (unlock(), true));
//   ... enter it in the device's table ... unlock();
//
// The lock is the one that invalidate() takes before it calls set_seq(): so
// either the reader sees the new number, or invalidate() finds the entries.
#pragma once

#include <cstdint>

#include "base/fixed.h"
#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

class IntervalNotifier {
 public:
  /// Hears of changes to [start, end).
  IntervalNotifier(Mm& mm, std::uint64_t start, std::uint64_t end);
  IntervalNotifier(const IntervalNotifier&) = delete;
  IntervalNotifier& operator=(const IntervalNotifier&) = delete;

  std::uint64_t read_begin() const;
  /// What was read since read_begin() may be out of date. Under the lock that
  /// invalidate() takes.
  bool read_retry(std::uint64_t seq) const { return seq_.load() != seq; }
  /// The same without the lock: may miss a change that is just coming.
  bool check_retry(std::uint64_t seq) const { return seq_.load() != seq; }
  Mm& mm() const { return *mm_.load(); }
  /// False once the process has exited: nothing is invalidated any more.
  bool watches(const Mm& mm) const { return mm_.load() == &mm; }

 protected:
  ~IntervalNotifier() = default;
  /// Once, when the object is complete: from now on invalidate() is called.
  void insert();
  /// After it has returned invalidate() is not called any more. Not from there.
  void remove();
  /// Drops what was read of `range`, after set_seq(seq) under the reader's lock;
  /// without set_seq() the change is ignored.
  virtual void invalidate(Cpu& cpu, const NotifierRange& range, std::uint64_t seq) = 0;
  void set_seq(std::uint64_t seq) { seq_.store(seq); }

 private:
  static const NotifierOps kOps;
  Atomic<Mm*> mm_;
  const Fixed<std::uint64_t> start_, end_;
  Atomic<std::uint64_t> seq_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
