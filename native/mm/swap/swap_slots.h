// Which slots of swap are free. Each processor takes those of a cluster of its own, one after
// the other (percpu_cluster of v6.12): pages that leave together lie side by side, whatever was
// freed before and in which order, and come back so. Under the swap lock.
#pragma once

#include <cstdint>
#include <vector>

#include "base/env.h"
#include "base/errc.h"

namespace pagebox::inline PAGEBOX_ENV {

class SwapSlots {
 public:
  /// Slots of a cluster. Fewer in the model, whose machines are copied.
  static constexpr unsigned kCluster = kModel ? 8 : 64;

  void create(std::uint64_t slots, unsigned cpus);
  std::uint64_t slots() const { return slots_; }
  /// Those that were ever in reach, in use or free.
  std::uint64_t opened() const;
  std::uint64_t free() const { return free_; }

  /// kNoSpc: none is left.
  Result<std::uint64_t> take(unsigned cpu);
  /// `count` side by side, the first divisible by it. kNoSpc: no such are free.
  Result<std::uint64_t> take_run(std::uint64_t count);
  /// One that is taken.
  void give(std::uint64_t slot);

 private:
  struct Cluster {
    std::uint64_t free = 0;  // a bit each
    bool listed = false;     // in whole_
  };
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  std::uint64_t all_of(std::size_t cluster) const;
  bool is_whole(std::size_t cluster) const { return clusters_[cluster].free == all_of(cluster); }
  void open();
  void list_if_whole(std::size_t cluster);
  std::uint32_t next_cluster();
  bool are_free(std::uint64_t first, std::uint64_t count) const;
  Result<std::uint64_t> find_run(std::uint64_t count);

  std::uint64_t slots_ = 0, free_ = 0;
  std::vector<Cluster> clusters_;       // opened one by one: most machines need none
  std::vector<std::uint32_t> whole_;    // wholly free, the last is taken first
  std::vector<std::uint32_t> current_;  // by processor
  std::size_t looked_at_ = 0;           // where the last search for single free slots ended
};

}  // namespace pagebox::inline PAGEBOX_ENV
