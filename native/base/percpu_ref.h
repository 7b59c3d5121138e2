// A reference count that is cheap while its object lives (one counter a shard)
// and exact once it dies (one counter for all), after the kernel's percpu_ref.
// The kernel switches modes behind an RCU grace period; here each shard's word
// carries the switch as a bit, so that kill() is confirmed when it returns.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.h"
#include "base/completion.h"
#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Starts alive with one reference, which kill() drops. `shard` is any number,
/// best the caller's logical thread; get and put may name different ones.
class PercpuRef {
 public:
  PercpuRef() { reinit(); }

  /// Fails once the count has reached zero.
  bool tryget(unsigned shard) {
    if (add_live(shard, 1)) return true;
    std::int64_t seen = dying_.load();
    while (seen > 0) {
      if (dying_.compare_exchange(seen, seen + 1)) return true;
    }
    return false;
  }
  /// Fails once kill() was called.
  bool tryget_live(unsigned shard, std::uint32_t n = 1) { return add_live(shard, n); }
  /// A caller that holds a reference takes another.
  void get(unsigned shard) {
    if (!add_live(shard, 1)) dying_.fetch_add(1);
  }
  void put(unsigned shard, std::uint32_t n = 1) {
    if (!add_live(shard, -static_cast<std::int64_t>(n))) drop(n);
  }

  /// Once per life. No tryget_live() succeeds after it has returned.
  void kill();
  bool is_dying() const { return (shards_[0].word.load() & kDying) != 0; }
  bool is_zero() const { return zero_.is_done(); }
  /// Sleeps until kill() was called and all references are gone. False: given up.
  bool wait_zero(const char* what = "references to be dropped") const { return zero_.wait(what); }
  /// The references held, the initial one included; exact only when nobody moves.
  std::int64_t count() const;
  /// A new life, with one reference. Nobody else may use the object meanwhile.
  void reinit();

 private:
  // One shard in the model: fibers do not contend for cache lines.
  static constexpr std::size_t kShards = kModel ? 1 : 16;
  static constexpr std::uint64_t kDying = 1ULL << 63;
  // Puts may outnumber gets on one shard; the offset keeps the bits below kDying
  // positive, and dying_ away from zero while kill() sums.
  static constexpr std::uint64_t kOffset = 1ULL << 40;

  struct alignas(64) Shard {
    Atomic<std::uint64_t> word;
  };

  bool add_live(unsigned shard, std::int64_t by) {
    auto& word = shards_[shard % kShards].word;
    const auto delta = static_cast<std::uint64_t>(by);
    if (word.add_look(delta, kDying) == 0) return true;
    word.fetch_sub(delta);  // after kill() has read it the count here means nothing
    return false;
  }
  void drop(std::int64_t by) {
    if (dying_.fetch_sub(by) == by) zero_.complete_all();
  }

  Shard shards_[kShards];
  Atomic<std::int64_t> dying_;
  Completion zero_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
