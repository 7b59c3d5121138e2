// Flag and word, and list overlay, with a count of few bits that refuses, saturates or spills.
//
// The flag changes under the zone's LRU lock as theirs does, and so does a full count that spills
// (see state_word.h). A pin without the lock loads the word, finds that it is no link, finds the
// flag, then swaps the whole word, as protocol_flag_and_word.cpp does and for its reasons: what
// unlinks a page leaves poison in it, of which a narrow count has changed too few bits to make a
// link of (scheme_fits() refuses the one case where words of 4 bytes have no other).
#include "page/address.h"
#include "pins/batch.h"
#include "pins/lru.h"
#include "pins/protocol.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

template <class W, bool kLocksEachPin>
struct NarrowFlag : PolicyBase {
  using Word = W;

  static W* at(const PinFrame& f, const Target& t) { return t.word<W>(f.count); }
  static W* flag(const PinFrame& f, const Target& t) { return t.word<W>(f.flag_word); }
  static W* was_lru(const PinFrame& f, const Target& t) { return t.word<W>(f.was_lru_word); }
  static bool flagged(const PinFrame& f, const Target& t) {
    return (atomics::load(flag(f, t)) & f.pinned) != 0;
  }
  static std::uint64_t count_in(const PinFrame& f, W word) {
    return word >> f.count_shift & f.count_max;
  }
  static W with(const PinFrame& f, W word, std::uint64_t count) {
    return static_cast<W>((word & ~(f.count_max << f.count_shift)) | count << f.count_shift);
  }
  static std::uint64_t at_most(const PinFrame& f, std::uint64_t sum) {
    return sum < f.count_max ? sum : f.count_max;
  }
  static std::uint32_t refs(const PinFrame& f, const Target&) { return f.refs_per_pin; }

  static Errc add(const PinFrame& f, const Target& t, std::uint32_t n, std::uint32_t, unsigned) {
    if constexpr (!kLocksEachPin) {
      W seen = atomics::load(at(f, t));
      while (!may_be_link(seen) && count_in(f, seen) != 0 && flagged(f, t)) {
        const std::uint64_t sum = count_in(f, seen) + n;
        if (sum > f.count_max) [[unlikely]] {
          if (f.at_limit == AtLimit::kRefuse) return Errc::kPinLimit;
          if (f.at_limit == AtLimit::kSpill) break;
        }
        const W word = with(f, seen, at_most(f, sum));
        if (word == seen || atomics::compare_exchange(at(f, t), seen, word)) return Errc::kOk;
      }
    }
    return add_locked(f, t, n);
  }

  static Errc add_locked(const PinFrame& f, const Target& t, std::uint32_t n) {
    Guard guard(f.zone->lru_lock());
    if (flagged(f, t)) return add_to_count(f, t, n);
    if (n > f.count_max && f.at_limit == AtLimit::kRefuse) return Errc::kPinLimit;
    const Result<bool> isolated = isolate_locked(f, t);
    if (!isolated) return isolated.error;
    clear_count(f, t);
    if (isolated.value) atomics::fetch_or(was_lru(f, t), static_cast<W>(f.was_lru));
    atomics::fetch_or(flag(f, t), static_cast<W>(f.pinned));
    return add_to_count(f, t, n);
  }

  /// What the word holds is no count yet. From 0 nobody counts without the lock, so that the flag
  /// is there before a count is.
  static void clear_count(const PinFrame& f, const Target& t) {
    W seen = atomics::load(at(f, t));
    while (count_in(f, seen) != 0 && !atomics::compare_exchange(at(f, t), seen, with(f, seen, 0))) {
    }
  }

  static Errc add_to_count(const PinFrame& f, const Target& t, std::uint32_t n) {
    W seen = atomics::load(at(f, t));
    for (;;) {
      const std::uint64_t sum = count_in(f, seen) + n;
      const std::uint64_t next = at_most(f, sum);
      if (sum != next && f.at_limit == AtLimit::kRefuse) return Errc::kPinLimit;
      const W word = with(f, seen, next);
      if (word != seen && !atomics::compare_exchange(at(f, t), seen, word)) continue;
      if (sum != next && f.at_limit == AtLimit::kSpill)
        atomics::add(f.side_table + t.pfn, static_cast<std::uint32_t>(sum - next));
      return Errc::kOk;
    }
  }

  static Errc sub(const PinFrame& f, const Target& t, std::uint32_t n, std::uint32_t, unsigned) {
    if (!flagged(f, t)) [[unlikely]]
      return Errc::kNotPinned;
    W seen = atomics::load(at(f, t));
    for (;;) {
      const std::uint64_t count = count_in(f, seen);
      const bool full = count == f.count_max;
      if (full && f.at_limit == AtLimit::kSaturate) return Errc::kOk;
      if (count <= n || (full && f.at_limit == AtLimit::kSpill)) break;
      if (atomics::compare_exchange(at(f, t), seen, with(f, seen, count - n))) return Errc::kOk;
    }
    return sub_locked(f, t, n);
  }

  static Errc sub_locked(const PinFrame& f, const Target& t, std::uint32_t n) {
    Guard guard(f.zone->lru_lock());
    if (!flagged(f, t)) return Errc::kNotPinned;
    W seen = atomics::load(at(f, t));
    for (;;) {
      const std::uint64_t count = count_in(f, seen);
      const bool full = count == f.count_max;
      if (full && f.at_limit == AtLimit::kSaturate) return Errc::kOk;
      const std::uint64_t beside =
          full && f.at_limit == AtLimit::kSpill ? atomics::load(f.side_table + t.pfn) : 0;
      if (count + beside < n) return Errc::kNotPinned;
      const std::uint64_t taken = n <= beside ? 0 : n - beside;
      if (taken != 0 && !atomics::compare_exchange(at(f, t), seen, with(f, seen, count - taken)))
        continue;
      if (beside != 0)
        atomics::store(f.side_table + t.pfn,
                       static_cast<std::uint32_t>(n < beside ? beside - n : 0));
      return count == taken ? clear(f, t) : Errc::kOk;
    }
  }

  static Errc clear(const PinFrame& f, const Target& t) {
    atomics::fetch_and(flag(f, t), static_cast<W>(~f.pinned));
    // Written only for pages that were on an LRU: elsewhere the word is not ours.
    if (!f.isolates || (atomics::load(was_lru(f, t)) & f.was_lru) == 0 ||
        !can_be_listed(f.memmap->page(Pfn{t.pfn})))
      return Errc::kOk;
    atomics::fetch_and(was_lru(f, t), static_cast<W>(~f.was_lru));
    return link_locked(f, t);
  }

  static bool pinned(const PinFrame& f, const Target& t) { return flagged(f, t); }
  static PinCount count(const PinFrame& f, const Target& t) {
    Guard guard(f.zone->lru_lock());
    if (!flagged(f, t)) return {0, true};
    const std::uint64_t count = count_in(f, atomics::load(at(f, t)));
    if (count != f.count_max || f.at_limit == AtLimit::kRefuse) return {count, true};
    if (f.at_limit == AtLimit::kSpill) return {count + atomics::load(f.side_table + t.pfn), true};
    // Each pin has references: there are no more than those say.
    return ReadsReferences::count(f, t);
  }

  static Errc putback(const PinFrame& f, const Target& t) {
    if (!f.isolates) return PolicyBase::putback(f, t);
    if (!flagged(f, t)) return putback_locked(f, t);
    atomics::fetch_or(was_lru(f, t), static_cast<W>(f.was_lru));
    return Errc::kOk;
  }
};

template <class W>
using NarrowFlagAndWord = NarrowFlag<W, false>;
template <class W>
using NarrowOverlay = NarrowFlag<W, true>;

}  // namespace

PinKernels narrow_flag_kernel(Protocol protocol, unsigned word_bytes) {
  return protocol == Protocol::kListOverlay ? by_width<NarrowOverlay>(word_bytes)
                                            : by_width<NarrowFlagAndWord>(word_bytes);
}

}  // namespace pagebox::inline PAGEBOX_ENV
