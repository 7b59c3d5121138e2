// The mmu notifier: who mirrors an address space (a device) hears of every
// change to its page tables, before it happens. Filled in by zone_device.
#pragma once

#include <cstdint>

#include "base/env.h"
#include "base/lock.h"
#include "base/plain.h"

namespace pagebox::inline PAGEBOX_ENV {

class Mm;
class Cpu;

enum class NotifyEvent : std::uint8_t {
  kUnmap,           // munmap, mremap, exit
  kClear,           // entries go: madvise, copy on write, reclaim
  kProtectionVma,   // mprotect
  kProtectionPage,  // fork, write-protect for writeback
  kSoftDirty,       // clear_refs
  kMigrate,         // migrate_vma; `owner` is the device that asked
  kExclusive,       // make_device_exclusive, and its end
};

struct NotifierRange {
  std::uint64_t start = 0, end = 0;
  NotifyEvent event = NotifyEvent::kUnmap;
  const void* owner = nullptr;
};

/// A listener. Both calls come with the locks of the caller held (mmap_lock in
/// any mode, or rmap locks); they may not sleep for those.
struct NotifierOps {
  void (*invalidate_start)(void* self, Cpu& cpu, Mm& mm, const NotifierRange& range);
  void (*invalidate_end)(void* self, Cpu& cpu, Mm& mm, const NotifierRange& range);  // may be null
  /// The address space is gone; it forgets the listener. May be null.
  void (*release)(void* self, Mm& mm);
};

class NotifierList {
 public:
  /// `seen`, where the listener keeps the number, gets its first one before any change is told.
  void add(const NotifierOps* ops, void* self, Atomic<std::uint64_t>& seen);
  void remove(void* self);
  bool empty() const { return count_.load() == 0; }
  /// Whether changes are counted: from before the first listener is added, for good. Who begins
  /// with it holds AllLocks, so that no change runs that was not counted.
  bool counts() const { return counts_.load() != 0; }
  void begin_to_count() { counts_.store(1); }
  /// True: counted, and end() follows.
  [[nodiscard]] bool start(Cpu& cpu, Mm& mm, const NotifierRange& range);
  void end(Cpu& cpu, Mm& mm, const NotifierRange& range);
  /// exit: nothing is mapped any more.
  void release(Mm& mm);
  /// How many listen, with nothing running.
  std::size_t listeners() const { return listeners_.size(); }

  /// The address space's sequence number, odd while any invalidation runs. Counted also while
  /// nobody listens any more, so that who starts to listen meanwhile knows.
  std::uint64_t seq() const { return seq_of(state_.load()); }
  /// Sleeps while seq() is `seq`.
  void wait_while(std::uint64_t seq) const;

 private:
  //   |63 ............... 16|15 ...... 0|   rounds: times that the last one ended
  //   |       rounds        |  running  |
  static constexpr std::uint64_t kRound = 1ULL << 16;
  static std::uint64_t seq_of(std::uint64_t state) {
    return state / kRound * 2 + (state % kRound != 0 ? 1 : 0);
  }

  struct Listener {
    const NotifierOps* ops;
    void* self;
  };
  RwLock lock_;
  Atomic<std::uint32_t> count_, counts_;
  Atomic<std::uint64_t> state_;
  Atomic<std::uint32_t> ended_;            // rounds that somebody waited for
  mutable Atomic<std::uint32_t> waiters_;  // in wait_while()
  PlainVector<Listener> listeners_;        // lock_
};

/// invalidate_start now, invalidate_end at the end of the scope.
class [[nodiscard]] Invalidation {
 public:
  Invalidation(Cpu& cpu, Mm& mm, NotifierRange range);
  ~Invalidation();
  Invalidation(const Invalidation&) = delete;
  Invalidation& operator=(const Invalidation&) = delete;

 private:
  Cpu& cpu_;
  Mm& mm_;
  NotifierRange range_;
  const bool is_counted_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
