// Happens-before over fibers: which accesses to Plain fields are ordered by
// atomics, locks, waits and wakes (FastTrack, Flanagan and Freund, PLDI 2009).
// Every atomic counts as acquire and release, whatever its order argument: what
// a too weak order breaks is left to TSan on the host.
#pragma once

#include "base/env.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/model/access_order.h"
#include "base/model/strategy.h"

namespace pagebox::inline PAGEBOX_ENV {

class RaceDetector {
 public:
  enum class Verdict : std::uint8_t { kFine, kRace, kUseAfterFree };

  /// Forgets all in a time that does not depend on how much there was.
  void begin();
  /// Another fiber begins, after all that `parent` has done (kNoFiber: after nothing).
  void add_fiber(FiberId parent);

  Verdict look_at(FiberId fiber, const PendingAccess& what);
  /// The same, quickly: of a kind that is known.
  template <Access kAccess>
  [[gnu::always_inline]] Verdict access(FiberId fiber, const void* what, std::size_t bytes) {
    constexpr unsigned kDoes = access_order::of(kAccess);
    const auto at = reinterpret_cast<std::uintptr_t>(what);
    if constexpr (kDoes == 0)
      return kAccess == Access::kPlainRead || kAccess == Access::kPlainWrite
                 ? look_at(fiber, {what, static_cast<std::uint32_t>(bytes), kAccess})
                 : Verdict::kFine;
    if (is_wide() || at % 8 + bytes > 8) [[unlikely]]
      return look_at(fiber, {what, static_cast<std::uint32_t>(bytes), kAccess});
    Granule* granule = nullptr;
    if constexpr ((kDoes & access_order::kWrites) != 0)
      granule = &granules_.insert(granule_of(at), generation_);
    else if (granule = granules_.find(granule_of(at), generation_); granule == nullptr)
      return Verdict::kFine;  // most: nobody has written that in this run
    if (granule->is_dead) [[unlikely]]
      return Verdict::kUseAfterFree;
    meet_few(fiber, *granule, at, bytes, kDoes);
    return Verdict::kFine;
  }
  /// A compare-and-swap that was told as an access has written.
  void wrote(FiberId fiber, const void* at, std::size_t bytes) {
    const auto first = reinterpret_cast<std::uintptr_t>(at);
    if (is_wide() || first % 8 + bytes > 8) [[unlikely]]
      return wrote_any(fiber, at, bytes);
    meet_few(fiber, granules_.insert(granule_of(first), generation_), first, bytes,
             access_order::kWrites);
  }
  /// `fiber` wakes or was woken through the word `at`.
  void before_wake(FiberId fiber, const void* at);
  void after_wait(FiberId fiber, const void* at);

  void born(const void* at, std::size_t bytes);
  void dead(const void* at, std::size_t bytes);

  /// After kRace: who made the earlier access.
  FiberId other() const { return other_; }

 private:
  using Clock = std::uint32_t;
  using Lanes = Clock __attribute__((vector_size(16), aligned(8), may_alias));
  static constexpr std::uint32_t kFew = 4;
  /// What was known, of each fiber, when something was done last. Of more fibers than a few the
  /// clock lies in clocks_, and here its number.
  using Clocks = std::array<Clock, kFew>;

  // Eight bytes of memory with a clock for each half, since descriptors are read at 32 and at 64
  // bits; as long as nobody wrote one half alone, both have one.
  struct alignas(64) Granule {
    std::uintptr_t key = 0;
    std::uint32_t generation = 0;
    bool is_dead = false, is_split = false;
    Clocks both{};  // or the lower half's
    Clocks high{};  // where it is split
    void begin() {
      is_dead = is_split = false;
      both = {};
    }
    void split() {
      is_split = true;
      high = both;
    }
  };
  struct alignas(64) Field {
    std::uintptr_t key = 0;
    std::uint32_t generation = 0;
    Clock write_clock = 0;
    FiberId writer = 0;
    Clocks reads{};
    void begin() {
      write_clock = 0;
      writer = 0;
      reads = {};
    }
  };
  // Open addressing; what another generation wrote counts as empty. The order of
  // probes depends on addresses, what is found does not.
  template <class Entry>
  class Table {
   public:
    Entry* find(std::uintptr_t key, std::uint32_t generation) {
      for (std::size_t i = slot(key);; i = (i + 1) & mask_) {
        Entry& entry = entries_[i];
        if (entry.generation != generation) return nullptr;
        if (entry.key == key) return &entry;
      }
    }
    Entry& insert(std::uintptr_t key, std::uint32_t generation) {
      for (std::size_t i = slot(key);; i = (i + 1) & mask_) {
        Entry& entry = entries_[i];
        if (entry.generation != generation) return add(i, key, generation);
        if (entry.key == key) return entry;
      }
    }
    void begin() { used_ = 0; }
    template <class Step>
    void each(std::uint32_t generation, Step step) {
      for (Entry& entry : entries_)
        if (entry.generation == generation) step(entry);
    }

   private:
    static constexpr unsigned kFirstBits = 9;
    std::size_t slot(std::uintptr_t key) const {
      return static_cast<std::size_t>(key * 0x9e3779b97f4a7c15U >> shift_);
    }
    Entry& add(std::size_t at, std::uintptr_t key, std::uint32_t generation);
    void grow(std::uint32_t generation);
    std::vector<Entry> entries_ = std::vector<Entry>(std::size_t{1} << kFirstBits);
    std::size_t mask_ = (std::size_t{1} << kFirstBits) - 1;
    unsigned shift_ = 64 - kFirstBits;
    std::size_t used_ = 0;
  };

  static std::uintptr_t granule_of(std::uintptr_t at) { return at & ~std::uintptr_t{7}; }
  bool is_wide() const { return fibers_ > kFew; }
  Clock* wide(std::size_t index) { return clocks_.data() + index * kMaxFibers; }
  /// Of entries that were just made, too.
  Clock* at(Clocks& clocks);
  Clock* own(FiberId fiber) { return is_wide() ? wide(fiber) : own_[fiber].data(); }
  Clock new_wide();
  void widen();
  /// Who looks knows what the word carries. A store replaces that, a read-modify-write adds to
  /// it (the C++ release sequence).
  template <class Part>
  static void meet(Part& mine, Part& word, unsigned does) {
    const Part most = mine > word ? mine : word;
    if ((does & access_order::kLooks) != 0) mine = most;
    if ((does & access_order::kWrites) != 0)
      word = (does & access_order::kReplaces) != 0 ? mine : most;
  }
  static void meet_lanes(Clocks& mine, Clocks& word, unsigned does) {
    static_assert(sizeof(Lanes) == sizeof word);
    meet(*reinterpret_cast<Lanes*>(mine.data()), *reinterpret_cast<Lanes*>(word.data()), does);
  }
  /// Of a few fibers, and bytes that are all in the granule.
  [[gnu::always_inline]] void meet_few(FiberId fiber, Granule& granule, std::uintptr_t at,
                                       std::size_t bytes, unsigned does) {
    Clocks& mine = own_[fiber];
    const bool writes = (does & access_order::kWrites) != 0;
    if (bytes < 8 && writes && !granule.is_split) granule.split();
    if (!granule.is_split) {
      meet_lanes(mine, granule.both, does);
    } else if (bytes < 8) {
      meet_lanes(mine, (at & 4) != 0 ? granule.high : granule.both, does);
    } else {
      // What each half carries goes to both.
      if ((does & access_order::kLooks) != 0) meet_lanes(mine, granule.high, access_order::kLooks);
      meet_lanes(mine, granule.both, does);
      if (writes) meet_lanes(mine, granule.high, does & ~access_order::kLooks);
    }
    if (writes) ++mine[fiber];
  }
  void meet_any(FiberId fiber, Clocks& word, unsigned does);
  void wrote_any(FiberId fiber, const void* at, std::size_t bytes);
  Verdict atomic(FiberId fiber, std::uintptr_t base, unsigned halves, unsigned does);
  bool is_dead(std::uintptr_t at, std::size_t bytes);
  Verdict plain(FiberId fiber, const PendingAccess& what);
  Verdict race_with(FiberId other);

  std::array<Clocks, kFew> own_{};
  std::vector<Clock> clocks_;  // of more fibers than a few: first each fiber's own
  std::uint32_t fibers_ = 0;
  std::uint32_t generation_ = 0;
  bool any_dead_ = false;
  FiberId other_ = kNoFiber;
  Table<Granule> granules_;
  Table<Field> fields_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
