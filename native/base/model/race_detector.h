// Happens-before over fibers: which accesses to Plain fields are ordered by
// atomics, locks, waits and wakes (FastTrack, Flanagan and Freund, PLDI 2009).
// Every atomic counts as acquire and release, whatever its order argument: what
// a too weak order breaks is left to TSan on the host.
#pragma once

#include "base/env.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/model/strategy.h"

namespace pagebox::inline PAGEBOX_ENV {

class RaceDetector {
 public:
  enum class Verdict : std::uint8_t { kFine, kRace, kUseAfterFree };

  /// Forgets all in a time that does not depend on how much there was.
  void begin();
  /// Another fiber begins, after all that `parent` has done (kNoFiber: after nothing).
  void add_fiber(FiberId parent);

  Verdict access(FiberId fiber, const PendingAccess& what);
  /// A compare-and-swap that was told as an access has written.
  void wrote(FiberId fiber, const void* at, std::size_t bytes);
  /// `fiber` wakes or was woken through the word `at`.
  void before_wake(FiberId fiber, const void* at);
  void after_wait(FiberId fiber, const void* at);

  void born(const void* at, std::size_t bytes);
  void dead(const void* at, std::size_t bytes);

  /// After kRace: who made the earlier access.
  FiberId other() const { return other_; }

 private:
  using Clock = std::uint32_t;

  // Eight bytes of memory with a clock for each half, since descriptors are read
  // at 32 and at 64 bits; clocks are indices, 0: none.
  struct Granule {
    std::uintptr_t key = 0;
    std::uint32_t generation = 0;
    std::uint32_t sync[2] = {0, 0};
    bool is_dead = false;
  };
  struct Field {
    std::uintptr_t key = 0;
    std::uint32_t generation = 0;
    std::uint32_t reads = 0;
    Clock write_clock = 0;
    FiberId writer = 0;
  };
  // Open addressing; what another generation wrote counts as empty. The order of
  // probes depends on addresses, what is found does not.
  template <class Entry>
  class Table {
   public:
    Entry* find(std::uintptr_t key, std::uint32_t generation);
    Entry& insert(std::uintptr_t key, std::uint32_t generation);
    void begin() { used_ = 0; }

   private:
    std::size_t slot(std::uintptr_t key) const;
    void grow(std::uint32_t generation);
    std::vector<Entry> entries_ = std::vector<Entry>(std::size_t{1} << kFirstBits);
    unsigned bits_ = kFirstBits;
    std::size_t used_ = 0;
    static constexpr unsigned kFirstBits = 9;
  };

  Clock* clock(std::uint32_t index) { return clocks_.data() + std::size_t{index} * stride_; }
  std::uint32_t new_clock();
  void widen();
  void acquire(FiberId fiber, std::uint32_t from);
  void release(FiberId fiber, std::uint32_t& to, bool join);
  Verdict plain(FiberId fiber, const PendingAccess& what);
  Verdict race_with(FiberId other);

  // All clocks, `stride_` numbers each, of which `fibers_` are in use; 0 is nobody's.
  std::vector<Clock> clocks_;
  std::uint32_t stride_ = 8;
  std::uint32_t next_clock_ = 0;
  std::uint32_t fibers_ = 0;
  std::uint32_t generation_ = 0;
  std::uint32_t own_[kMaxFibers] = {};
  bool any_dead_ = false;
  FiberId other_ = kNoFiber;
  Table<Granule> granules_;
  Table<Field> fields_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
