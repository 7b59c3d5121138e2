// Narrow counts whose bits are no word of the descriptor: in the tail that the layout names, and
// outside. Each refuses, saturates or (in a tail) spills.
#include "base/fault.h"
#include "pins/protocol.h"
#include "pins/state_word.h"
#include "pins/tail_place.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// As folio-pincount; small folios have references, which have no bits to be narrow in.
template <class W>
struct NarrowTail : PolicyBase {
  using Word = W;
  using Count = StateWord<W, std::uint32_t>;

  static std::uint32_t refs(const PinFrame& f, const Target& t) {
    return has_tail_place<W>(f, t) ? 1 : f.refs_per_pin;
  }
  /// What refs() found says it, unless a pin is one reference everywhere.
  static bool counts(const PinFrame& f, const Target& t, std::uint32_t each) {
    return each == 1 && (f.refs_per_pin != 1 || has_tail_place<W>(f, t));
  }
  static Errc add(const PinFrame& f, const Target& t, std::uint32_t n, std::uint32_t each,
                  unsigned shard) {
    return counts(f, t, each) ? Count::add(f, t, n, each, shard) : Errc::kOk;
  }
  static Errc sub(const PinFrame& f, const Target& t, std::uint32_t n, std::uint32_t each,
                  unsigned shard) {
    return counts(f, t, each) ? Count::sub(f, t, n, each, shard) : Errc::kOk;
  }
  static PinCount count(const PinFrame& f, const Target& t) {
    return has_tail_place<W>(f, t) ? Count::count(f, t, 1) : ReadsReferences::count(f, t);
  }
  static bool pinned(const PinFrame& f, const Target& t) {
    return has_tail_place<W>(f, t) ? Count::pinned(f, t) : ReadsReferences::pinned(f, t);
  }
};

/// Entries of a few bits, several in a word: what a page costs in memory is what it counts in.
template <class W>
struct NarrowTable : PolicyBase {
  using Word = W;

  struct Slot {
    std::uint32_t* word;
    unsigned shift;
    std::uint32_t with(std::uint32_t seen, std::uint64_t max, std::uint64_t count) const {
      return (seen & ~(static_cast<std::uint32_t>(max) << shift)) |
             static_cast<std::uint32_t>(count) << shift;
    }
  };
  static Slot slot(const PinFrame& f, std::uint64_t pfn) {
    const std::uint64_t first = pfn * f.slot_bits;
    return {f.side_table + first / 32, static_cast<unsigned>(first % 32)};
  }
  static std::uint32_t refs(const PinFrame& f, const Target&) { return f.refs_per_pin; }

  static Errc add(const PinFrame& f, const Target& t, std::uint32_t n, std::uint32_t, unsigned) {
    const Slot at = slot(f, t.pfn);
    std::uint32_t seen = atomics::load(at.word);
    for (;;) {
      std::uint64_t next = (seen >> at.shift & f.count_max) + n;
      if (next > f.count_max) [[unlikely]] {
        if (f.at_limit == AtLimit::kRefuse) return Errc::kPinLimit;
        next = f.count_max;
      }
      const std::uint32_t word = at.with(seen, f.count_max, next);
      if (planted(Mistake::kNarrowNeighbours)) atomics::store(at.word, seen = word);
      if (word == seen || atomics::compare_exchange(at.word, seen, word)) return Errc::kOk;
    }
  }
  static Errc sub(const PinFrame& f, const Target& t, std::uint32_t n, std::uint32_t, unsigned) {
    const Slot at = slot(f, t.pfn);
    std::uint32_t seen = atomics::load(at.word);
    for (;;) {
      const std::uint64_t count = seen >> at.shift & f.count_max;
      if (count == f.count_max && f.at_limit == AtLimit::kSaturate &&
          !planted(Mistake::kSaturatedCountsDown))
        return Errc::kOk;
      if (count < n) [[unlikely]]
        return Errc::kNotPinned;
      if (atomics::compare_exchange(at.word, seen, at.with(seen, f.count_max, count - n)))
        return Errc::kOk;
    }
  }
  static PinCount count(const PinFrame& f, const Target& t) {
    const Slot at = slot(f, t.pfn);
    const std::uint64_t count = atomics::load(at.word) >> at.shift & f.count_max;
    if (count != f.count_max || f.at_limit == AtLimit::kRefuse) return {count, true};
    return ReadsReferences::count(f, t);
  }
  static bool pinned(const PinFrame& f, const Target& t) {
    const Slot at = slot(f, t.pfn);
    return (atomics::load(at.word) >> at.shift & f.count_max) != 0;
  }
  static void prefetch(const PinFrame& f, std::uint64_t pfn) {
    PolicyBase::prefetch(f, pfn);
    __builtin_prefetch(slot(f, pfn).word, 1, 3);
  }
};

}  // namespace

PinKernels narrow_tail_kernel(unsigned word_bytes) { return by_width<NarrowTail>(word_bytes); }
PinKernels narrow_table_kernel(unsigned word_bytes) { return by_width<NarrowTable>(word_bytes); }

}  // namespace pagebox::inline PAGEBOX_ENV
