// Counts outside the descriptor: exact, no bit claimed, one more line touched.
#include "base/fault.h"
#include "pins/batch.h"
#include "pins/in_loop.h"
#include "pins/protocol.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

template <class W>
struct SideTable : PolicyBase {
  using Word = W;
  static std::uint32_t refs(const PinFrame& f, const Target&) { return f.refs_per_pin; }
  PAGEBOX_IN_LOOP static Errc add(const PinFrame& f, const Target& t, std::uint32_t n,
                                  std::uint32_t, unsigned) {
    if (planted(Mistake::kSideTableStoredBack))
      atomics::store(f.side_table + t.pfn, atomics::load(f.side_table + t.pfn) + n);
    else
      atomics::add(f.side_table + t.pfn, n);
    return Errc::kOk;
  }
  PAGEBOX_IN_LOOP static Errc sub(const PinFrame& f, const Target& t, std::uint32_t n,
                                  std::uint32_t, unsigned) {
    return take_from(f.side_table + t.pfn, n);
  }
  static PinCount count(const PinFrame& f, const Target& t) {
    return {atomics::load(f.side_table + t.pfn), true};
  }
  static bool pinned(const PinFrame& f, const Target& t) { return count(f, t).pins != 0; }
  PAGEBOX_IN_LOOP static void prefetch(const PinFrame& f, std::uint64_t pfn) {
    PolicyBase::prefetch(f, pfn);
    __builtin_prefetch(f.side_table + pfn, 1, 3);
  }
};

template <class W>
struct Sharded : PolicyBase {
  using Word = W;
  static std::uint32_t refs(const PinFrame& f, const Target&) { return f.refs_per_pin; }
  PAGEBOX_IN_LOOP static ShardedCount& row(const PinFrame& f, std::uint64_t pfn, unsigned shard) {
    return f.shards[shard < f.shard_count ? shard : shard % f.shard_count][pfn];
  }
  PAGEBOX_IN_LOOP static Errc add(const PinFrame& f, const Target& t, std::uint32_t n,
                                  std::uint32_t, unsigned shard) {
    atomics::add(&row(f, t.pfn, shard).pins, std::uint64_t{n});
    return Errc::kOk;
  }
  PAGEBOX_IN_LOOP static Errc sub(const PinFrame& f, const Target& t, std::uint32_t n,
                                  std::uint32_t, unsigned shard) {
    atomics::add(&row(f, t.pfn, shard).unpins, std::uint64_t{n});
    return Errc::kOk;
  }
  /// Unpins first: each one seen has its pin in the second sum, so the
  /// difference is never below the pins that are held throughout.
  static PinCount count(const PinFrame& f, const Target& t) {
    std::uint64_t unpins = 0, pins = 0;
    for (std::uint32_t i = 0; planted(Mistake::kShardedPinsFirst) && i < f.shard_count; ++i)
      pins += atomics::load(&f.shards[i][t.pfn].pins);
    for (std::uint32_t i = 0; i < f.shard_count; ++i)
      unpins += atomics::load(&f.shards[i][t.pfn].unpins);
    for (std::uint32_t i = 0; !planted(Mistake::kShardedPinsFirst) && i < f.shard_count; ++i)
      pins += atomics::load(&f.shards[i][t.pfn].pins);
    return {pins - unpins, true};
  }
  static bool pinned(const PinFrame& f, const Target& t) { return count(f, t).pins != 0; }
};

}  // namespace

PinKernels external_kernel(CountPlace place, unsigned word_bytes) {
  return place == CountPlace::kSharded ? by_width<Sharded>(word_bytes)
                                       : by_width<SideTable>(word_bytes);
}

}  // namespace pagebox::inline PAGEBOX_ENV
