// Flag and word: the flag says that the other word is a count. It changes only
// under the zone's LRU lock, with the count going 0 <-> 1; in between, pins and
// unpins compare and swap the whole word.
//
// Why the lock-free pin is right: it loads the word, finds by its value that it
// is no link, then finds the flag set, then swaps the whole word. The count that
// it loaded was not 0, and a last unpin stores 0 before the page goes back on its
// list; so a swap that succeeds found a count. That the flag is set later says
// nothing of a link: another's pin and unpin in between leave the same link, and
// the swap would count in it. Nor does the flag that it finds say that the swap
// does: another's unpin and pin in between leave the same count. So the flag is set
// while the count is still 0, and whoever has counted is seen.
#include "base/fault.h"
#include "page/address.h"
#include "pins/batch.h"
#include "pins/in_loop.h"
#include "pins/lru.h"
#include "pins/protocol.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

template <class W>
struct FlagAndWord : PolicyBase {
  using Word = W;

  static W* flag(const PinFrame& f, const Target& t) { return t.word<W>(f.flag_word); }
  static W* was_lru(const PinFrame& f, const Target& t) { return t.word<W>(f.was_lru_word); }
  /// The word that holds the count, and its low 32 bits with n more.
  static W* whole(const PinFrame& f, const Target& t) { return t.word<W>(f.count); }
  static W with(W word, std::uint32_t count) {
    return static_cast<W>((word & ~W{0xffffffff}) | count);
  }
  static bool flagged(const PinFrame& f, const Target& t) {
    return atomics::load_bits(flag(f, t), static_cast<W>(f.pinned)) != 0;
  }
  static std::uint32_t refs(const PinFrame& f, const Target&) { return f.refs_per_pin; }

  PAGEBOX_IN_LOOP static Errc add(const PinFrame& f, const Target& t, std::uint32_t n,
                                  std::uint32_t, unsigned) {
    W seen = atomics::load(whole(f, t));
    const auto is_count = [](W word) {
      return static_cast<std::uint32_t>(word) != 0 &&
             (planted(Mistake::kLinkForCount) || !may_be_link(word));
    };
    while (is_count(seen) && flagged(f, t)) {
      if (atomics::compare_exchange(whole(f, t), seen,
                                    with(seen, static_cast<std::uint32_t>(seen) + n)))
        return Errc::kOk;
    }
    return first(f, t, n);
  }

  static Errc first(const PinFrame& f, const Target& t, std::uint32_t n) {
    Guard guard(f.zone->lru_lock());
    if (flagged(f, t)) {
      atomics::add(t.u32(f.count), n);
      return Errc::kOk;
    }
    if (planted(Mistake::kFlagLockGap)) leave_and_take(f.zone->lru_lock());
    const Result<bool> isolated = isolate_locked(f, t);
    if (!isolated) return isolated.error;
    // No full barriers: whoever looks without the lock looks at the flag, and its store is one.
    atomics::store(t.u32(f.count), 0U, atomics::kRelease);
    if (isolated.value) atomics::set_bits(was_lru(f, t), static_cast<W>(f.was_lru));
    atomics::set_bits(flag(f, t), static_cast<W>(f.pinned));
    atomics::store(t.u32(f.count), n, atomics::kRelease);
    return Errc::kOk;
  }

  PAGEBOX_IN_LOOP static Errc sub(const PinFrame& f, const Target& t, std::uint32_t n,
                                  std::uint32_t, unsigned) {
    if (f.quirks.has(Quirk::kFlagWithoutCount)) [[unlikely]]
      return forget(f, t);
    if (!flagged(f, t)) [[unlikely]]
      return Errc::kNotPinned;
    W seen = atomics::load(whole(f, t));
    while (static_cast<std::uint32_t>(seen) > n) {
      if (atomics::compare_exchange(whole(f, t), seen,
                                    with(seen, static_cast<std::uint32_t>(seen) - n)))
        return Errc::kOk;
    }
    return last(f, t, n);
  }

  static Errc last(const PinFrame& f, const Target& t, std::uint32_t n) {
    Guard guard(f.zone->lru_lock());
    if (!flagged(f, t)) return Errc::kNotPinned;
    const std::uint32_t seen = atomics::fetch_sub(t.u32(f.count), n);
    if (seen > n && !planted(Mistake::kFlagLastUnchecked)) return Errc::kOk;
    if (seen < n) {
      atomics::add(t.u32(f.count), n);
      return Errc::kNotPinned;
    }
    return clear(f, t);
  }

  static Errc clear(const PinFrame& f, const Target& t) {
    atomics::clear_bits(flag(f, t), static_cast<W>(f.pinned));
    if (!f.isolates) return Errc::kOk;
    // Written only for pages that were on an LRU: elsewhere the word is not ours.
    if (atomics::load_bits(was_lru(f, t), static_cast<W>(f.was_lru)) == 0 ||
        !can_be_listed(f.memmap->page(Pfn{t.pfn})))
      return Errc::kOk;
    atomics::clear_bits(was_lru(f, t), static_cast<W>(f.was_lru));
    return link_locked(f, t);
  }

  /// Quirk::kFlagWithoutCount: whoever comes first clears the flag for all.
  [[gnu::noinline]] static Errc forget(const PinFrame& f, const Target& t) {
    Guard guard(f.zone->lru_lock());
    if (!flagged(f, t)) return Errc::kOk;
    atomics::store(t.u32(f.count), 0U);
    return clear(f, t);
  }

  static bool pinned(const PinFrame& f, const Target& t) { return flagged(f, t); }
  static PinCount count(const PinFrame& f, const Target& t) {
    Guard guard(f.zone->lru_lock());
    return {flagged(f, t) ? atomics::load(t.u32(f.count)) : 0, true};
  }

  static Errc putback(const PinFrame& f, const Target& t) {
    if (!f.isolates) return PolicyBase::putback(f, t);
    if (!flagged(f, t)) return putback_locked(f, t);
    atomics::set_bits(was_lru(f, t), static_cast<W>(f.was_lru));
    return Errc::kOk;
  }
};

}  // namespace

PinKernels flag_and_word_kernel(unsigned word_bytes) { return by_width<FlagAndWord>(word_bytes); }

}  // namespace pagebox::inline PAGEBOX_ENV
