// The operations on one page, written once for every protocol. A protocol is a policy with static
// functions:
//
//   using Word                                   8 or 4 bytes
//   refs(f, t) -> uint32                         references that each pin holds (`each`)
//   add(f, t, n, each, shard) -> Errc            the count, after the references
//   sub(f, t, n, each, shard) -> Errc            the count, before the references
//   count(f, t) -> PinCount    pinned(f, t) -> bool    prefetch(f, pfn)
//   putback(f, t) -> Errc                        an isolated page comes back
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.h"
#include "base/fault.h"
#include "page/zone.h"
#include "pins/done.h"
#include "pins/in_loop.h"
#include "pins/kernel.h"
#include "pins/protocol.h"
#include "pins/target.h"

namespace pagebox::inline PAGEBOX_ENV {

// Cold paths, in pins.cpp. They take the caller's frame, not the loop's copy, and
// the target by value: its address would force it out of the registers, and a
// load from the stack behind a locked instruction costs 5 ns.

/// The page had no reference. True: it was a descriptor never initialised, and
/// is a page now; try again.
bool populate_page(const PinFrame& frame, std::uint64_t pfn);
/// Gives back references of an undone speculative pin.
void undo_references(const PinFrame& frame, Target target, std::uint32_t refs);

template <class Policy>
struct OnePage {
  using Word = typename Policy::Word;

  PAGEBOX_IN_LOOP static std::int32_t references(const PinFrame& f, const Target& t) {
    return static_cast<std::int32_t>(atomics::load(t.u32(f.refcount)));
  }

  /// The caller holds a reference, so the page cannot change under it.
  PAGEBOX_IN_LOOP static Errc pin_one(const PinFrame& f, std::uint64_t pfn, std::uint32_t n,
                                      unsigned shard, Target& t, std::int32_t most = kNoLimit) {
    if (const Errc error = resolve<Word>(f, pfn, t); error != Errc::kOk) [[unlikely]]
      return error;
    const std::int32_t seen = references(f, t);
    if (seen <= 0) [[unlikely]]
      return Errc::kNoMem;
    if (seen > most) [[unlikely]]
      return Errc::kOverflow;
    const std::uint32_t each = Policy::refs(f, t);
    atomics::add(t.u32(f.refcount), n * each);
    const Errc error = Policy::add(f, t, n, each, shard);
    if (error != Errc::kOk) [[unlikely]]
      atomics::sub(t.u32(f.refcount), n * each);
    return error;
  }

  /// Adds n references unless there is none (kAgain) or too many (kNoMem), and
  /// checks that the page still belongs to that folio.
  PAGEBOX_IN_LOOP static Errc try_get_folio(const PinFrame& f, const PinFrame& frame,
                                            std::uint64_t pfn, std::uint32_t n, Target& t,
                                            std::int32_t most) {
    for (;;) {
      if (const Errc error = resolve<Word>(f, pfn, t); error != Errc::kOk) [[unlikely]]
        return error;
      std::uint32_t seen = atomics::load(t.u32(f.refcount));
      do {
        if (static_cast<std::int32_t>(seen) <= 0 && !planted(Mistake::kPinFromZero)) [[unlikely]]
          return seen == 0 ? Errc::kAgain : Errc::kNoMem;
        if (static_cast<std::int32_t>(seen) > most) [[unlikely]]
          return Errc::kOverflow;
      } while (!atomics::compare_exchange(t.u32(f.refcount), seen, seen + n));
      if (still_leads_to<Word>(f, pfn, t)) [[likely]]
        return Errc::kOk;
      undo_references(frame, t, n);
    }
  }

  PAGEBOX_IN_LOOP static Errc try_pin_one(const PinFrame& f, const PinFrame& frame,
                                          std::uint64_t pfn, std::uint32_t n, unsigned shard,
                                          Target& t, std::int32_t most = kNoLimit) {
    if (const Errc error = try_get_folio(f, frame, pfn, n, t, most); error != Errc::kOk)
        [[unlikely]]
      return error;
    std::uint32_t refs = n;
    const std::uint32_t each = Policy::refs(f, t);
    if (each != 1) {
      const std::uint32_t pins = f.quirks.has(Quirk::kOneBiasForMany) ? 1 : n;
      refs = pins * each;
      atomics::add(t.u32(f.refcount), refs - n);
    }
    const Errc error = Policy::add(f, t, n, each, shard);
    if (error != Errc::kOk) [[unlikely]]
      undo_references(frame, t, refs);
    return error;
  }

  PAGEBOX_IN_LOOP static Done drop(const PinFrame& f, const Target& t, std::uint32_t refs) {
    const std::uint32_t old = atomics::fetch_sub(t.u32(f.refcount), refs);
    if (static_cast<std::int32_t>(old - refs) > 0) [[likely]]
      return Done::kOk;
    if (old == refs) return last_if(!f.quirks.has(Quirk::kNoZeroTest));
    // Below zero before: the count had crossed its limit, and comes back.
    if (static_cast<std::int32_t>(old) < 0) return Done::kOk;
    atomics::add(t.u32(f.refcount), refs);  // more than there was: nothing happened
    return done(Errc::kNotPinned);
  }

  /// A pinned folio cannot change, so who has just pinned it knows the target.
  PAGEBOX_IN_LOOP static Done unpin_target(const PinFrame& f, const Target& t, std::uint32_t n,
                                           unsigned shard) {
    if (f.quirks.has(Quirk::kPutForUnpin)) [[unlikely]]
      return drop(f, t, n);
    const std::uint32_t each = Policy::refs(f, t);
    const Errc error = Policy::sub(f, t, n, each, shard);
    if (error == Errc::kNotPinned) [[unlikely]]
      return done(error);
    const Done dropped = drop(f, t, n * each);
    // The count was wrong and the reference is gone all the same (kCorrupt).
    if (error != Errc::kOk) [[unlikely]]
      return done(error);
    if (static_cast<std::int32_t>(dropped) > 0) [[unlikely]]
      return done(give_back_count(f, t, n, each, shard));
    return dropped;
  }
  /// There were fewer references than pins to release: nothing happened.
  static Errc give_back_count(const PinFrame& f, Target t, std::uint32_t n, std::uint32_t each,
                              unsigned shard) {
    const Errc error = Policy::add(f, t, n, each, shard);
    return error == Errc::kOk ? Errc::kNotPinned : error;
  }

  PAGEBOX_IN_LOOP static Done unpin_one(const PinFrame& f, std::uint64_t pfn, std::uint32_t n,
                                        unsigned shard, Target& t) {
    if (const Errc error = resolve<Word>(f, pfn, t); error != Errc::kOk) [[unlikely]]
      return done(error);
    return unpin_target(f, t, n, shard);
  }

  PAGEBOX_IN_LOOP static Errc get_one(const PinFrame& f, std::uint64_t pfn, Target& t) {
    if (const Errc error = resolve<Word>(f, pfn, t); error != Errc::kOk) [[unlikely]]
      return error;
    if (references(f, t) <= 0) [[unlikely]]
      return Errc::kNoMem;
    atomics::add(t.u32(f.refcount), 1U);
    return Errc::kOk;
  }

  PAGEBOX_IN_LOOP static Done put_one(const PinFrame& f, std::uint64_t pfn, Target& t) {
    if (const Errc error = resolve<Word>(f, pfn, t); error != Errc::kOk) [[unlikely]]
      return done(error);
    return drop(f, t, 1);
  }

  PAGEBOX_IN_LOOP static Errc try_pin_or_populate(const PinFrame& f, const PinFrame& frame,
                                                  std::uint64_t pfn, std::uint32_t n,
                                                  unsigned shard, Target& t,
                                                  std::int32_t most = kNoLimit) {
    Errc error = try_pin_one(f, frame, pfn, n, shard, t, most);
    if (error == Errc::kAgain && populate_page(frame, pfn)) [[unlikely]]
      error = try_pin_one(f, frame, pfn, n, shard, t, most);
    return error;
  }
  PAGEBOX_IN_LOOP static Errc pin_or_populate(const PinFrame& f, const PinFrame& frame,
                                              std::uint64_t pfn, std::uint32_t n, unsigned shard,
                                              Target& t, std::int32_t most = kNoLimit) {
    Errc error = pin_one(f, pfn, n, shard, t, most);
    if (error == Errc::kNoMem && populate_page(frame, pfn)) [[unlikely]]
      error = pin_one(f, pfn, n, shard, t, most);
    return error;
  }
  PAGEBOX_IN_LOOP static Errc get_or_populate(const PinFrame& f, const PinFrame& frame,
                                              std::uint64_t pfn, Target& t) {
    Errc error = get_one(f, pfn, t);
    if (error == Errc::kNoMem && populate_page(frame, pfn)) [[unlikely]]
      error = get_one(f, pfn, t);
    return error;
  }
  PAGEBOX_IN_LOOP static Errc try_get_or_populate(const PinFrame& f, const PinFrame& frame,
                                                  std::uint64_t pfn, Target& t) {
    Errc error = try_get_folio(f, frame, pfn, 1, t, kNoLimit);
    if (error == Errc::kAgain && populate_page(frame, pfn)) [[unlikely]]
      error = try_get_folio(f, frame, pfn, 1, t, kNoLimit);
    return error;
  }
  PAGEBOX_IN_LOOP static Done try_pin_unpin_one(const PinFrame& f, const PinFrame& frame,
                                                std::uint64_t pfn, unsigned shard, Target& t) {
    const Errc error = try_pin_or_populate(f, frame, pfn, 1, shard, t);
    if (error != Errc::kOk) [[unlikely]]
      return done(error);
    return unpin_target(f, t, 1, shard);
  }
};

/// From a plain count: kNotPinned, and nothing happened, where it holds less.
PAGEBOX_IN_LOOP inline Errc take_from(std::uint32_t* count, std::uint32_t n) {
  if (atomics::fetch_sub(count, n) >= n) [[likely]]
    return Errc::kOk;
  atomics::add(count, n);
  return Errc::kNotPinned;
}

/// What most policies share: the descriptor's own line is what a pin waits for,
/// and LRU words belong to the zone alone.
struct PolicyBase {
  PAGEBOX_IN_LOOP static void prefetch(const PinFrame& f, std::uint64_t pfn) {
    __builtin_prefetch(f.base + pfn * f.stride_bytes + f.refcount, 1, 3);
  }
  static Errc putback(const PinFrame& f, const Target& t);
};

/// The head's `_refcount` reads as pinned, or holds at most that many pins.
/// Unsigned on purpose: a count that has crossed into the negative is pinned.
struct ReadsReferences {
  PAGEBOX_IN_LOOP static bool pinned(const PinFrame& f, const Target& t) {
    return atomics::load(t.u32(f.refcount)) >= f.pinned_from;
  }
  PAGEBOX_IN_LOOP static PinCount count(const PinFrame& f, const Target& t) {
    return {atomics::load(t.u32(f.refcount)) / f.refs_per_pin, false};
  }
};

}  // namespace pagebox::inline PAGEBOX_ENV
