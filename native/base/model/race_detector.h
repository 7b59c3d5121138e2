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

  Verdict access(FiberId fiber, const PendingAccess& what) {
    // Most are loads of words that nobody has written in this run.
    const auto at = reinterpret_cast<std::uintptr_t>(what.at);
    if (what.access == Access::kLoad && at % 8 + what.bytes <= 8 &&
        granules_.find(at & ~std::uintptr_t{7}, generation_) == nullptr)
      return Verdict::kFine;
    return look_at(fiber, what);
  }
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
  using Lanes = Clock __attribute__((vector_size(16), aligned(4), may_alias));

  // Eight bytes of memory with a clock for each half, since descriptors are read
  // at 32 and at 64 bits; clocks are indices, 0: none. Both halves may have one.
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
    Entry* find(std::uintptr_t key, std::uint32_t generation) {
      const std::size_t mask = entries_.size() - 1;
      for (std::size_t i = slot(key);; i = (i + 1) & mask) {
        Entry& entry = entries_[i];
        if (entry.generation != generation) return nullptr;
        if (entry.key == key) return &entry;
      }
    }
    Entry& insert(std::uintptr_t key, std::uint32_t generation);
    void begin() { used_ = 0; }

   private:
    std::size_t slot(std::uintptr_t key) const {
      return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15U) >> (64 - bits_));
    }
    void grow(std::uint32_t generation);
    std::vector<Entry> entries_ = std::vector<Entry>(std::size_t{1} << kFirstBits);
    unsigned bits_ = kFirstBits;
    std::size_t used_ = 0;
    static constexpr unsigned kFirstBits = 9;
  };

  Clock* clock(std::uint32_t index) { return clocks_.data() + std::size_t{index} * stride_; }
  std::uint32_t new_clock();
  void widen();
  void join(Clock* into, const Clock* from) const;
  void copy(Clock* into, const Clock* from) const;
  void acquire(FiberId fiber, std::uint32_t from);
  void acquire(FiberId fiber, const Granule& granule, unsigned halves);
  void release(FiberId fiber, std::uint32_t& to, bool is_joined);
  void release(FiberId fiber, Granule& granule, unsigned halves, bool is_joined);
  Verdict look_at(FiberId fiber, const PendingAccess& what);
  Verdict atomic(FiberId fiber, std::uintptr_t base, unsigned halves, unsigned does);
  bool is_dead(std::uintptr_t at, std::size_t bytes);
  Verdict plain(FiberId fiber, const PendingAccess& what);
  Verdict race_with(FiberId other);

  // All clocks, `stride_` numbers each, of which `fibers_` are in use; 0 is nobody's.
  std::vector<Clock> clocks_;
  static constexpr std::uint32_t kFew = 8;
  std::uint32_t stride_ = kFew;
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
