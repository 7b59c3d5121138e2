// The policy of a packed word with states: the count, its flags and any named bits change together
// by compare-and-swap, and a full count refuses, saturates or spills.
//
// Where the page is pinned is told by the pinned flag, or by the count itself in bits that
// are nobody else's. A scheme that isolates writes its bits afresh with the first pin, under
// the LRU lock: until then they were links.
//
// A full count changes in ways that one swap cannot do. One that saturates stays: who comes
// later only sets and clears its states. One that spills has the rest in the side table, and
// both change under the LRU lock; without the lock the count is changed only while it is not
// full, and then the side table holds nothing. So a count of 0 means that nobody has a pin.
//
// A narrow count of protocol add has no flag and no state, and runs on the same swaps.
#pragma once

#include "pins/batch.h"
#include "pins/lru.h"
#include "pins/states.h"

namespace pagebox::inline PAGEBOX_ENV {

template <class W, class Packed>
struct StateWord : PolicyBase {
  using Word = W;

  static Packed* at(const PinFrame& f, const Target& t) { return t.word<Packed>(f.count); }
  static std::uint64_t count_in(const PinFrame& f, Packed word) {
    return (word & f.reads_pinned) != 0 ? word >> f.count_shift & f.count_max : 0;
  }
  static bool reads_pinned(const PinFrame& f, Packed word) { return (word & f.reads_pinned) != 0; }
  static std::uint32_t refs(const PinFrame& f, const Target&) { return f.refs_per_pin; }

  static Packed with(const PinFrame& f, std::uint64_t word, std::uint64_t count,
                     const PinStates::Change& change) {
    word = (word & ~change.clears) | change.sets;
    return static_cast<Packed>((word & ~(f.count_max << f.count_shift)) | count << f.count_shift);
  }
  /// The word after pins that bring its count to `count`.
  static Packed pinned_word(const PinFrame& f, Packed seen, std::uint64_t count, bool isolated) {
    const bool first = !reads_pinned(f, seen);
    const bool fills = count == f.count_max && (first || count_in(f, seen) != count);
    const unsigned what = (first ? kEnds : 0) | (fills ? kTurnsFull : 0) | (isolated ? kMoves : 0);
    return with(f, first ? seen & f.keep : seen, count, f.states->pin[what]);
  }
  /// The word after unpins that bring its count to `count`.
  static Packed unpinned_word(const PinFrame& f, Packed seen, std::uint64_t count, bool puts_back) {
    const bool empties = count_in(f, seen) == f.count_max && count != f.count_max;
    const unsigned what =
        (count == 0 ? kEnds : 0) | (empties ? kTurnsFull : 0) | (puts_back ? kMoves : 0);
    return with(f, seen, count, f.states->unpin[what]);
  }

  static Errc add(const PinFrame& f, const Target& t, std::uint32_t n, std::uint32_t, unsigned) {
    Packed seen = atomics::load(at(f, t));
    for (;;) {
      if (f.isolates && !reads_pinned(f, seen)) [[unlikely]]
        return add_locked(f, t, n);
      const std::uint64_t count = count_in(f, seen);
      std::uint64_t next = count + n;
      if (next > f.count_max) [[unlikely]] {
        if (f.at_limit == AtLimit::kRefuse) return Errc::kPinLimit;
        if (f.at_limit == AtLimit::kSpill) return add_locked(f, t, n);
        next = f.count_max;
      }
      const Packed word = pinned_word(f, seen, next, false);
      if (word == seen || atomics::compare_exchange(at(f, t), seen, word)) return Errc::kOk;
    }
  }

  /// A first pin that isolates, or a full count that spills. Whoever came for a full count may find
  /// that its pins are gone and the page is back on its LRU: then it is the first.
  static Errc add_locked(const PinFrame& f, const Target& t, std::uint32_t n) {
    if (n > f.count_max && f.at_limit == AtLimit::kRefuse) return Errc::kPinLimit;
    Guard guard(f.zone->lru_lock());
    bool isolated = false;
    if (!reads_pinned(f, atomics::load(at(f, t)))) {
      const Result<bool> was_lru = isolate_locked(f, t);
      if (!was_lru) return was_lru.error;
      isolated = was_lru.value;
    }
    return add_under_lock(f, t, n, isolated);
  }

  /// Others may still change a count that is not full, and take a page that was on no LRU
  /// back to no pins.
  static Errc add_under_lock(const PinFrame& f, const Target& t, std::uint32_t n, bool isolated) {
    Packed seen = atomics::load(at(f, t));
    for (;;) {
      const std::uint64_t sum = count_in(f, seen) + n;
      const std::uint64_t next = sum < f.count_max ? sum : f.count_max;
      if (sum != next && f.at_limit == AtLimit::kRefuse) return Errc::kPinLimit;
      const Packed word = pinned_word(f, seen, next, isolated);
      if (word != seen && !atomics::compare_exchange(at(f, t), seen, word)) continue;
      // From here on the word is full, and nobody changes it without the lock.
      if (sum != next && f.at_limit == AtLimit::kSpill)
        atomics::add(f.side_table + t.pfn, static_cast<std::uint32_t>(sum - next));
      return Errc::kOk;
    }
  }

  static Errc sub(const PinFrame& f, const Target& t, std::uint32_t n, std::uint32_t, unsigned) {
    Packed seen = atomics::load(at(f, t));
    for (;;) {
      const std::uint64_t count = count_in(f, seen);
      if (count == f.count_max && f.at_limit != AtLimit::kRefuse) [[unlikely]] {
        if (f.at_limit == AtLimit::kSpill) return sub_locked(f, t, n);
        const Packed word = unpinned_word(f, seen, count, false);
        if (word == seen || atomics::compare_exchange(at(f, t), seen, word)) return Errc::kOk;
        continue;
      }
      if (count < n) [[unlikely]]
        return Errc::kNotPinned;
      if (count == n && (seen & f.was_lru) != 0) return sub_locked(f, t, n);
      const Packed word = unpinned_word(f, seen, count - n, false);
      if (atomics::compare_exchange(at(f, t), seen, word)) return Errc::kOk;
    }
  }

  /// A count that spills, or a last unpin that puts the page back.
  static Errc sub_locked(const PinFrame& f, const Target& t, std::uint32_t n) {
    Guard guard(f.zone->lru_lock());
    Packed seen = atomics::load(at(f, t));
    for (;;) {
      const std::uint64_t count = count_in(f, seen);
      const bool full = count == f.count_max;
      const std::uint64_t beside =
          full && f.at_limit == AtLimit::kSpill ? atomics::load(f.side_table + t.pfn) : 0;
      const bool sticks = full && f.at_limit == AtLimit::kSaturate;
      if (count + beside < n && !sticks) return Errc::kNotPinned;
      const std::uint64_t taken = sticks || n <= beside ? 0 : n - beside;
      const bool puts_back = count == taken && (seen & f.was_lru) != 0;
      const Packed word = unpinned_word(f, seen, count - taken, puts_back);
      if (word != seen && !atomics::compare_exchange(at(f, t), seen, word)) continue;
      if (beside != 0)
        atomics::store(f.side_table + t.pfn,
                       static_cast<std::uint32_t>(n < beside ? beside - n : 0));
      return puts_back ? putback_locked(f, t) : Errc::kOk;
    }
  }

  static bool pinned(const PinFrame& f, const Target& t) {
    return reads_pinned(f, atomics::load(at(f, t)));
  }
  static PinCount count(const PinFrame& f, const Target& t) { return count(f, t, f.refs_per_pin); }
  /// `each`: references of a pin of this folio.
  static PinCount count(const PinFrame& f, const Target& t, std::uint32_t each) {
    const std::uint64_t count = count_in(f, atomics::load(at(f, t)));
    if (count != f.count_max || f.at_limit == AtLimit::kRefuse) return {count, true};
    // Each pin has references: there are no more than those say.
    if (f.at_limit == AtLimit::kSaturate) return {atomics::load(t.u32(f.refcount)) / each, false};
    Guard guard(f.zone->lru_lock());
    const std::uint64_t now = count_in(f, atomics::load(at(f, t)));
    return {now == f.count_max ? now + atomics::load(f.side_table + t.pfn) : now, true};
  }

  static Errc putback(const PinFrame& f, const Target& t) {
    if (!f.isolates) return PolicyBase::putback(f, t);
    Packed seen = atomics::load(at(f, t));
    while (reads_pinned(f, seen))
      if (atomics::compare_exchange(at(f, t), seen, static_cast<Packed>(seen | f.was_lru)))
        return Errc::kOk;
    return putback_locked(f, t);
  }
};

}  // namespace pagebox::inline PAGEBOX_ENV
