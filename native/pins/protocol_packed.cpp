// Packed word: flag, was-LRU and count change together by compare-and-swap. The
// flag is clear in every legal pointer, so it tells a count from a list word;
// the first pin must therefore isolate and write the word under the LRU lock,
// and so must the last unpin of a page that goes back on its list. The count
// refuses before it carries.
#include "base/fault.h"
#include "pins/batch.h"
#include "pins/in_loop.h"
#include "pins/lru.h"
#include "pins/protocol.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

template <class W, class Packed>
struct PackedWord : PolicyBase {
  using Word = W;

  static Packed* at(const PinFrame& f, const Target& t) { return t.word<Packed>(f.count); }
  static std::uint64_t count_in(const PinFrame& f, Packed word) {
    return word >> f.count_shift & f.count_max;
  }
  static std::uint32_t refs(const PinFrame& f, const Target&) { return f.refs_per_pin; }

  PAGEBOX_IN_LOOP static Errc add(const PinFrame& f, const Target& t, std::uint32_t n,
                                  std::uint32_t, unsigned) {
    Packed seen = atomics::load(at(f, t));
    for (;;) {
      if ((seen & f.pinned) == 0) [[unlikely]]
        return first(f, t, n);
      if (count_in(f, seen) + n > f.count_max) [[unlikely]]
        return Errc::kPinLimit;
      if (atomics::compare_exchange(at(f, t), seen, static_cast<Packed>(seen + n * f.unit)))
        return Errc::kOk;
    }
  }

  static Errc first(const PinFrame& f, const Target& t, std::uint32_t n) {
    if (n > f.count_max) return Errc::kPinLimit;
    Guard guard(f.zone->lru_lock());
    if ((atomics::load(at(f, t)) & f.pinned) != 0 && !planted(Mistake::kPackedFirstUnchecked))
      return add_locked(f, t, n);
    const Result<bool> was_lru = isolate_locked(f, t);
    if (!was_lru) return was_lru.error;
    const std::uint64_t keep = atomics::load(at(f, t)) & f.keep;
    atomics::store(at(f, t), static_cast<Packed>(keep | n * f.unit | f.pinned |
                                                 (was_lru.value ? f.was_lru : 0)));
    return Errc::kOk;
  }

  /// Another's first pin came first. The flag cannot go while the lock is held,
  /// unless the page was on no LRU; then it is this call's turn again.
  static Errc add_locked(const PinFrame& f, const Target& t, std::uint32_t n) {
    Packed seen = atomics::load(at(f, t));
    for (;;) {
      const std::uint64_t count = (seen & f.pinned) != 0 ? count_in(f, seen) : 0;
      if (count + n > f.count_max) return Errc::kPinLimit;
      const auto next = (seen & f.pinned) != 0 || planted(Mistake::kPackedFlagAssumed)
                            ? static_cast<Packed>(seen + n * f.unit)
                            : static_cast<Packed>((seen & f.keep) | n * f.unit | f.pinned);
      if (atomics::compare_exchange(at(f, t), seen, next)) return Errc::kOk;
    }
  }

  PAGEBOX_IN_LOOP static Errc sub(const PinFrame& f, const Target& t, std::uint32_t n,
                                  std::uint32_t, unsigned) {
    Packed seen = atomics::load(at(f, t));
    for (;;) {
      if ((seen & f.pinned) == 0 || count_in(f, seen) < n) [[unlikely]]
        return Errc::kNotPinned;
      if (count_in(f, seen) == n) {
        if ((seen & f.was_lru) != 0 && !planted(Mistake::kPackedLastUnlocked)) return last(f, t, n);
        // Never listed: the word is free once the flag is gone.
        if (atomics::compare_exchange(at(f, t), seen, static_cast<Packed>(seen & f.keep)))
          return Errc::kOk;
      } else if (atomics::compare_exchange(at(f, t), seen,
                                           static_cast<Packed>(seen - n * f.unit))) {
        return Errc::kOk;
      }
    }
  }

  static Errc last(const PinFrame& f, const Target& t, std::uint32_t n) {
    Guard guard(f.zone->lru_lock());
    Packed seen = atomics::load(at(f, t));
    for (;;) {
      if ((seen & f.pinned) == 0 || count_in(f, seen) < n) return Errc::kNotPinned;
      const bool ends = count_in(f, seen) == n;
      const auto next =
          ends ? static_cast<Packed>(seen & f.keep) : static_cast<Packed>(seen - n * f.unit);
      const bool was_lru = (seen & f.was_lru) != 0;
      if (!atomics::compare_exchange(at(f, t), seen, next)) continue;
      return ends && was_lru ? putback_locked(f, t) : Errc::kOk;
    }
  }

  static bool pinned(const PinFrame& f, const Target& t) {
    return (atomics::load(at(f, t)) & f.pinned) != 0;
  }
  static PinCount count(const PinFrame& f, const Target& t) {
    const Packed word = atomics::load(at(f, t));
    return {(word & f.pinned) != 0 ? count_in(f, word) : 0, true};
  }

  static Errc putback(const PinFrame& f, const Target& t) {
    if (!f.isolates) return PolicyBase::putback(f, t);
    Packed seen = atomics::load(at(f, t));
    while ((seen & f.pinned) != 0)
      if (atomics::compare_exchange(at(f, t), seen, static_cast<Packed>(seen | f.was_lru)))
        return Errc::kOk;
    return putback_locked(f, t);
  }
};

}  // namespace

PinKernels packed_word_kernel(unsigned packed_bits, unsigned word_bytes) {
  if (packed_bits == 64) return PinLoops<PackedWord<std::uint64_t, std::uint64_t>>::kernels();
  return word_bytes == 8 ? PinLoops<PackedWord<std::uint64_t, std::uint32_t>>::kernels()
                         : PinLoops<PackedWord<std::uint32_t, std::uint32_t>>::kernels();
}

}  // namespace pagebox::inline PAGEBOX_ENV
