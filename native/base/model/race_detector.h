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
#include "base/model/run_memory.h"
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
    if (at % 8 + bytes > 8) [[unlikely]]
      return look_at(fiber, {what, static_cast<std::uint32_t>(bytes), kAccess});
    if (alive(what) != Verdict::kFine) [[unlikely]]
      return Verdict::kUseAfterFree;
    return meet(fiber, at, bytes, kDoes);
  }
  /// A compare-and-swap that was told as an access has written.
  void wrote(FiberId fiber, const void* at, std::size_t bytes) {
    (void)meet(fiber, reinterpret_cast<std::uintptr_t>(at), bytes, access_order::kWrites);
  }
  /// `fiber` wakes or was woken through the word `at`.
  void before_wake(FiberId fiber, const void* at);
  void after_wait(FiberId fiber, const void* at);

  /// A field begins a life: what was known of accesses there is forgotten.
  void born(const void* at);
  /// From now on an access there is a use after free: RunMemory::was_freed().
  void freed(FiberId fiber, const void* at, std::size_t bytes);

  /// Whether anything was, in this run.
  bool has_freed() const { return !freed_.empty(); }
  /// Whether who goes there comes in time.
  Verdict alive(const void* at) {
    return has_freed() && RunMemory::was_freed(at)
               ? use_after_free(reinterpret_cast<std::uintptr_t>(at))
               : Verdict::kFine;
  }

  /// After kRace: who made the earlier access. After kUseAfterFree: who freed it.
  FiberId other() const { return other_; }

 private:
  using Clock = std::uint32_t;
  using Lanes = Clock __attribute__((vector_size(16), aligned(4), may_alias));
  static constexpr std::uint32_t kFew = 4;
  /// What was known, of each fiber, when something was done last. Of more fibers than a few the
  /// clock lies in clocks_, and here its number.
  using Clocks = std::array<Clock, kFew>;

  // Eight bytes of memory with a clock for each half, since descriptors are read at 32 and at 64
  // bits; as long as nobody wrote one half alone, both have one.
  struct alignas(64) Granule {
    std::uintptr_t key = 0;
    std::uint32_t generation = 0;
    bool is_split = false;
    Clocks both{};  // or the lower half's
    Clocks high{};  // where it is split
    void begin() {
      is_split = false;
      both = {};
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
  Clock* wide(std::size_t index) { return clocks_.data() + index * row_; }
  /// Its own, from now on; to make one may move all of them.
  Clock* row_of(Clocks& clocks) {
    if (clocks[0] == 0) clocks[0] = new_wide();
    return wide(clocks[0]);
  }
  Clock* own(FiberId fiber) { return is_wide() ? wide(fiber) : own_[fiber].data(); }
  Clock new_wide();
  void leave_few();
  void widen();
  /// Who looks knows what the word carries. A store replaces that, a read-modify-write adds to
  /// it (the C++ release sequence).
  template <class Part>
  static void meet_part(Part& mine, Part& word, unsigned does) {
    const Part most = mine > word ? mine : word;
    if ((does & access_order::kLooks) != 0) mine = most;
    if ((does & access_order::kWrites) != 0)
      word = (does & access_order::kReplaces) != 0 ? mine : most;
  }
  template <bool kWide>
  void meet_clocks(FiberId fiber, Clocks& word, unsigned does) {
    static_assert(sizeof(Lanes) == sizeof word);
    auto* const theirs = reinterpret_cast<Lanes*>(kWide ? row_of(word) : word.data());
    auto* const mine = reinterpret_cast<Lanes*>(kWide ? wide(fiber) : own_[fiber].data());
    for (std::uint32_t i = 0; i < (kWide ? row_ / kFew : 1); ++i)
      meet_part(mine[i], theirs[i], does);
  }
  template <bool kWide>
  [[gnu::always_inline]] void meet_granule(FiberId fiber, Granule& granule, std::uintptr_t at,
                                           std::size_t bytes, unsigned does) {
    const bool writes = (does & access_order::kWrites) != 0;
    if (bytes < 8 && writes && !granule.is_split) {
      granule.is_split = true;
      granule.high = granule.both;
      if (kWide) copy_row(granule);
    }
    if (!granule.is_split) {
      meet_clocks<kWide>(fiber, granule.both, does);
    } else if (bytes < 8) {
      meet_clocks<kWide>(fiber, (at & 4) != 0 ? granule.high : granule.both, does);
    } else {
      // What each half carries goes to both.
      if ((does & access_order::kLooks) != 0)
        meet_clocks<kWide>(fiber, granule.high, access_order::kLooks);
      meet_clocks<kWide>(fiber, granule.both, does);
      if (writes) meet_clocks<kWide>(fiber, granule.high, does & ~access_order::kLooks);
    }
    if (writes) ++(kWide ? wide(fiber) : own_[fiber].data())[fiber];
  }
  /// Of bytes that are all in one granule: it, or one half.
  [[gnu::always_inline]] Verdict meet(FiberId fiber, std::uintptr_t at, std::size_t bytes,
                                      unsigned does) {
    const std::uintptr_t key = granule_of(at);
    Granule* const granule = (does & access_order::kWrites) != 0
                                 ? &granules_.insert(key, generation_)
                                 : granules_.find(key, generation_);
    if (granule == nullptr) return Verdict::kFine;  // most: nobody has written that in this run
    if (is_wide()) [[unlikely]]
      meet_wide(fiber, *granule, at, bytes, does);
    else
      meet_granule<false>(fiber, *granule, at, bytes, does);
    return Verdict::kFine;
  }
  void meet_wide(FiberId fiber, Granule& granule, std::uintptr_t at, std::size_t bytes,
                 unsigned does);
  void copy_row(Granule& granule);
  Verdict use_after_free(std::uintptr_t at);
  Verdict plain(FiberId fiber, const PendingAccess& what);
  Verdict race_with(FiberId other);

  std::array<Clocks, kFew> own_{};
  // Of more fibers than a few: rows of so many numbers, first each fiber's own.
  std::vector<Clock> clocks_;
  std::uint32_t row_ = kFirstRow, rows_ = 0;
  static constexpr std::uint32_t kFirstRow = 8;
  std::uint32_t fibers_ = 0;
  std::uint32_t generation_ = 0;
  FiberId other_ = kNoFiber;
  struct Freed {
    std::uintptr_t first = 0, end = 0;
    FiberId by = kNoFiber;
  };
  std::vector<Freed> freed_;
  Table<Granule> granules_;
  Table<Field> fields_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
