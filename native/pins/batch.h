// The operations on one page and the loops over many, written once for every
// protocol. A protocol is a policy with static functions:
//
//   using Word                                   8 or 4 bytes
//   refs(f, t) -> uint32                         references that each pin holds (`each`)
//   add(f, t, n, each, shard) -> Errc            the count, after the references
//   sub(f, t, n, each, shard) -> Errc            the count, before the references
//   count(f, t) -> PinCount    pinned(f, t) -> bool    prefetch(f, pfn)
//   putback(f, t) -> Errc                        an isolated page comes back
//
// Loops work on a copy of the frame whose address never escapes, so that its
// numbers stay in registers across the atomics.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.h"
#include "base/fault.h"
#include "page/zone.h"
#include "pins/batch_streams.h"
#include "pins/done.h"
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
struct PinLoops {
  using Word = typename Policy::Word;
  using Protocol = Policy;

  [[gnu::always_inline]] static std::int32_t references(const PinFrame& f, const Target& t) {
    return static_cast<std::int32_t>(atomics::load(t.u32(f.refcount)));
  }

  /// The caller holds a reference, so the page cannot change under it.
  [[gnu::always_inline]] static Errc pin_one(const PinFrame& f, std::uint64_t pfn, std::uint32_t n,
                                             unsigned shard, Target& t,
                                             std::int32_t most = kNoLimit) {
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
  [[gnu::always_inline]] static Errc try_get_folio(const PinFrame& f, const PinFrame& frame,
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

  [[gnu::always_inline]] static Errc try_pin_one(const PinFrame& f, const PinFrame& frame,
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

  [[gnu::always_inline]] static Done drop(const PinFrame& f, const Target& t, std::uint32_t refs) {
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
  [[gnu::always_inline]] static Done unpin_target(const PinFrame& f, const Target& t,
                                                  std::uint32_t n, unsigned shard) {
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

  [[gnu::always_inline]] static Done unpin_one(const PinFrame& f, std::uint64_t pfn,
                                               std::uint32_t n, unsigned shard, Target& t) {
    if (const Errc error = resolve<Word>(f, pfn, t); error != Errc::kOk) [[unlikely]]
      return done(error);
    return unpin_target(f, t, n, shard);
  }

  [[gnu::always_inline]] static Errc get_one(const PinFrame& f, std::uint64_t pfn, Target& t) {
    if (const Errc error = resolve<Word>(f, pfn, t); error != Errc::kOk) [[unlikely]]
      return error;
    if (references(f, t) <= 0) [[unlikely]]
      return Errc::kNoMem;
    atomics::add(t.u32(f.refcount), 1U);
    return Errc::kOk;
  }

  [[gnu::always_inline]] static Done put_one(const PinFrame& f, std::uint64_t pfn, Target& t) {
    if (const Errc error = resolve<Word>(f, pfn, t); error != Errc::kOk) [[unlikely]]
      return done(error);
    return drop(f, t, 1);
  }

  [[gnu::always_inline]] static Errc try_pin_or_populate(const PinFrame& f, const PinFrame& frame,
                                                         std::uint64_t pfn, std::uint32_t n,
                                                         unsigned shard, Target& t,
                                                         std::int32_t most = kNoLimit) {
    Errc error = try_pin_one(f, frame, pfn, n, shard, t, most);
    if (error == Errc::kAgain && populate_page(frame, pfn)) [[unlikely]]
      error = try_pin_one(f, frame, pfn, n, shard, t, most);
    return error;
  }
  [[gnu::always_inline]] static Errc pin_or_populate(const PinFrame& f, const PinFrame& frame,
                                                     std::uint64_t pfn, std::uint32_t n,
                                                     unsigned shard, Target& t,
                                                     std::int32_t most = kNoLimit) {
    Errc error = pin_one(f, pfn, n, shard, t, most);
    if (error == Errc::kNoMem && populate_page(frame, pfn)) [[unlikely]]
      error = pin_one(f, pfn, n, shard, t, most);
    return error;
  }
  [[gnu::always_inline]] static Errc get_or_populate(const PinFrame& f, const PinFrame& frame,
                                                     std::uint64_t pfn, Target& t) {
    Errc error = get_one(f, pfn, t);
    if (error == Errc::kNoMem && populate_page(frame, pfn)) [[unlikely]]
      error = get_one(f, pfn, t);
    return error;
  }
  [[gnu::always_inline]] static Errc try_get_or_populate(const PinFrame& f, const PinFrame& frame,
                                                         std::uint64_t pfn, Target& t) {
    Errc error = try_get_folio(f, frame, pfn, 1, t, kNoLimit);
    if (error == Errc::kAgain && populate_page(frame, pfn)) [[unlikely]]
      error = try_get_folio(f, frame, pfn, 1, t, kNoLimit);
    return error;
  }
  /// Calls step(f, pfn, head) for each page; it returns Done.
  template <class Step>
  [[gnu::always_inline]] static BatchResult each(const PinFrame& frame, const std::uint32_t* pfns,
                                                 std::size_t size, std::uint32_t* freed,
                                                 Step step) {
    const PinFrame f = frame;
    BatchResult result;
    const std::size_t last = size - 1;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t ahead = i + f.prefetch_pages;
      Policy::prefetch(f, pfns[ahead < size ? ahead : last]);
      Target t;
      const Done step_done = step(f, pfns[i], t);
      if (step_done == Done::kOk) [[likely]]
        continue;
      if (step_done != Done::kLast) {
        if (result.failed++ == 0) {
          result.first_failed = i;
          result.first_error = error_of(step_done);
        }
      } else {
        if (freed != nullptr) freed[result.freed] = static_cast<std::uint32_t>(t.pfn);
        ++result.freed;
      }
    }
    result.done = size - result.failed;
    return result;
  }

  // What the table points to.

  static Errc try_pin(const PinFrame& f, std::uint64_t pfn, std::uint32_t n, unsigned shard) {
    Target t;
    return try_pin_or_populate(f, f, pfn, n, shard, t);
  }
  static Errc pin(const PinFrame& f, std::uint64_t pfn, std::uint32_t n, unsigned shard) {
    Target t;
    return pin_or_populate(f, f, pfn, n, shard, t);
  }
  static Result<bool> unpin(const PinFrame& f, std::uint64_t pfn, std::uint32_t n, unsigned shard) {
    Target t;
    return result_of(unpin_one(f, pfn, n, shard, t));
  }
  static Errc get(const PinFrame& f, std::uint64_t pfn) {
    Target t;
    return get_or_populate(f, f, pfn, t);
  }
  static Errc try_get(const PinFrame& f, std::uint64_t pfn) {
    Target t;
    return try_get_or_populate(f, f, pfn, t);
  }
  static Result<bool> put(const PinFrame& f, std::uint64_t pfn) {
    Target t;
    return result_of(put_one(f, pfn, t));
  }
  static PinCount pins(const PinFrame& f, std::uint64_t pfn) {
    Target t;
    return resolve<Word>(f, pfn, t) == Errc::kOk ? Policy::count(f, t) : PinCount{};
  }
  static bool maybe_pinned(const PinFrame& f, std::uint64_t pfn) {
    Target t;
    return resolve<Word>(f, pfn, t) == Errc::kOk && Policy::pinned(f, t);
  }
  static std::uint32_t refs_per_pin(const PinFrame& f, std::byte* head) {
    return Policy::refs(f, {head, 0, 0});
  }
  static Errc putback(const PinFrame& f, std::uint64_t pfn) {
    Target t;
    if (const Errc error = resolve<Word>(f, pfn, t); error != Errc::kOk) return error;
    return Policy::putback(f, t);
  }

  static BatchResult try_pin_many(const PinFrame& frame, const std::uint32_t* pfns,
                                  std::size_t size, unsigned shard, std::uint32_t*) {
    return each(frame, pfns, size, nullptr,
                [&frame, shard](const PinFrame& f, std::uint64_t pfn, Target& t) {
                  return done(try_pin_or_populate(f, frame, pfn, 1, shard, t));
                });
  }
  static BatchResult pin_many(const PinFrame& frame, const std::uint32_t* pfns, std::size_t size,
                              unsigned shard, std::uint32_t*) {
    return each(frame, pfns, size, nullptr,
                [&frame, shard](const PinFrame& f, std::uint64_t pfn, Target& t) {
                  return done(pin_or_populate(f, frame, pfn, 1, shard, t));
                });
  }
  static BatchResult unpin_many(const PinFrame& frame, const std::uint32_t* pfns, std::size_t size,
                                unsigned shard, std::uint32_t* freed) {
    return each(frame, pfns, size, freed, [shard](const PinFrame& f, std::uint64_t pfn, Target& t) {
      return unpin_one(f, pfn, 1, shard, t);
    });
  }
  [[gnu::always_inline]] static Done try_pin_unpin_one(const PinFrame& f, const PinFrame& frame,
                                                       std::uint64_t pfn, unsigned shard,
                                                       Target& t) {
    const Errc error = try_pin_or_populate(f, frame, pfn, 1, shard, t);
    if (error != Errc::kOk) [[unlikely]]
      return done(error);
    return unpin_target(f, t, 1, shard);
  }
  static BatchResult try_pin_unpin_many(const PinFrame& frame, const std::uint32_t* pfns,
                                        std::size_t size, unsigned shard, std::uint32_t* freed) {
    return each(frame, pfns, size, freed,
                [&frame, shard](const PinFrame& f, std::uint64_t pfn, Target& t) -> Done {
                  return try_pin_unpin_one(f, frame, pfn, shard, t);
                });
  }
  static BatchResult pin_unpin_many(const PinFrame& frame, const std::uint32_t* pfns,
                                    std::size_t size, unsigned shard, std::uint32_t* freed) {
    return each(frame, pfns, size, freed,
                [&frame, shard](const PinFrame& f, std::uint64_t pfn, Target& t) -> Done {
                  const Errc error = pin_or_populate(f, frame, pfn, 1, shard, t);
                  if (error != Errc::kOk) [[unlikely]]
                    return done(error);
                  return unpin_target(f, t, 1, shard);
                });
  }
  static BatchResult get_many(const PinFrame& frame, const std::uint32_t* pfns, std::size_t size,
                              unsigned, std::uint32_t*) {
    return each(frame, pfns, size, nullptr,
                [&frame](const PinFrame& f, std::uint64_t pfn, Target& t) {
                  return done(get_or_populate(f, frame, pfn, t));
                });
  }
  static BatchResult put_many(const PinFrame& frame, const std::uint32_t* pfns, std::size_t size,
                              unsigned, std::uint32_t* freed) {
    return each(frame, pfns, size, freed,
                [](const PinFrame& f, std::uint64_t pfn, Target& t) { return put_one(f, pfn, t); });
  }
  static BatchResult get_put_many(const PinFrame& frame, const std::uint32_t* pfns,
                                  std::size_t size, unsigned, std::uint32_t* freed) {
    return each(frame, pfns, size, freed,
                [&frame](const PinFrame& f, std::uint64_t pfn, Target& t) -> Done {
                  const Errc error = get_or_populate(f, frame, pfn, t);
                  if (error != Errc::kOk) [[unlikely]]
                    return done(error);
                  return drop(f, t, 1);
                });
  }
  static BatchResult try_get_put_many(const PinFrame& frame, const std::uint32_t* pfns,
                                      std::size_t size, unsigned, std::uint32_t* freed) {
    return each(frame, pfns, size, freed,
                [&frame](const PinFrame& f, std::uint64_t pfn, Target& t) -> Done {
                  const Errc error = try_get_or_populate(f, frame, pfn, t);
                  if (error != Errc::kOk) [[unlikely]]
                    return done(error);
                  return drop(f, t, 1);
                });
  }
  static BatchResult maybe_pinned_many(const PinFrame& frame, const std::uint32_t* pfns,
                                       std::size_t size, unsigned, std::uint32_t*) {
    const PinFrame f = frame;
    BatchResult result;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t ahead = i + f.prefetch_pages;
      Policy::prefetch(f, pfns[ahead < size ? ahead : size - 1]);
      Target t;
      const Errc error = resolve<Word>(f, pfns[i], t);
      if (error != Errc::kOk) [[unlikely]] {
        if (result.failed++ == 0) {
          result.first_failed = i;
          result.first_error = error;
        }
      } else {
        result.done += Policy::pinned(f, t) ? 1 : 0;
      }
    }
    return result;
  }

  /// step(f, pfn, head) -> Errc for each page, up to the first that fails: how many.
  template <class Step>
  [[gnu::always_inline]] static std::size_t run(const PinFrame& frame, const std::uint32_t* pfns,
                                                std::size_t size, std::uint32_t* heads, Errc& error,
                                                Step step) {
    const PinFrame f = frame;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t ahead = i + f.prefetch_pages;
      Policy::prefetch(f, pfns[ahead < size ? ahead : size - 1]);
      Target t;
      const Errc failed = step(f, pfns[i], t);
      if (failed != Errc::kOk) [[unlikely]] {
        error = failed;
        return i;
      }
      heads[i] = static_cast<std::uint32_t>(t.pfn);
    }
    return size;
  }
  static std::size_t try_pin_run(const PinFrame& frame, const std::uint32_t* pfns, std::size_t size,
                                 unsigned shard, std::int32_t most, std::uint32_t* heads,
                                 Errc& error) {
    return run(frame, pfns, size, heads, error,
               [&frame, shard, most](const PinFrame& f, std::uint64_t pfn, Target& t) {
                 return try_pin_or_populate(f, frame, pfn, 1, shard, t, most);
               });
  }
  static std::size_t pin_run(const PinFrame& frame, const std::uint32_t* pfns, std::size_t size,
                             unsigned shard, std::int32_t most, std::uint32_t* heads, Errc& error) {
    return run(frame, pfns, size, heads, error,
               [&frame, shard, most](const PinFrame& f, std::uint64_t pfn, Target& t) {
                 return pin_or_populate(f, frame, pfn, 1, shard, t, most);
               });
  }
  static std::size_t heads_run(const PinFrame& frame, const std::uint32_t* pfns, std::size_t size,
                               std::uint32_t* heads, Errc& error) {
    return run(
        frame, pfns, size, heads, error,
        [](const PinFrame& f, std::uint64_t pfn, Target& t) { return resolve<Word>(f, pfn, t); });
  }

  static constexpr PinKernel kKernel = {&try_pin,
                                        &pin,
                                        &unpin,
                                        &get,
                                        &try_get,
                                        &put,
                                        &pins,
                                        &maybe_pinned,
                                        &refs_per_pin,
                                        &putback,
                                        &try_pin_many,
                                        &pin_many,
                                        &unpin_many,
                                        &try_pin_unpin_many,
                                        &pin_unpin_many,
                                        &get_many,
                                        &put_many,
                                        &get_put_many,
                                        &try_get_put_many,
                                        &maybe_pinned_many,
                                        &try_pin_run,
                                        &pin_run,
                                        &heads_run};
  static PinKernels kernels() { return {kKernel, PinStreams<PinLoops>::kKernel}; }
};

/// From a plain count: kNotPinned, and nothing happened, where it holds less.
[[gnu::always_inline]] inline Errc take_from(std::uint32_t* count, std::uint32_t n) {
  if (atomics::fetch_sub(count, n) >= n) [[likely]]
    return Errc::kOk;
  atomics::add(count, n);
  return Errc::kNotPinned;
}

/// What most policies share: the descriptor's own line is what a pin waits for,
/// and LRU words belong to the zone alone.
struct PolicyBase {
  [[gnu::always_inline]] static void prefetch(const PinFrame& f, std::uint64_t pfn) {
    __builtin_prefetch(f.base + pfn * f.stride_bytes + f.refcount, 1, 3);
  }
  static Errc putback(const PinFrame& f, const Target& t);
};

/// The head's `_refcount` reads as pinned, or holds at most that many pins.
/// Unsigned on purpose: a count that has crossed into the negative is pinned.
struct ReadsReferences {
  [[gnu::always_inline]] static bool pinned(const PinFrame& f, const Target& t) {
    return atomics::load(t.u32(f.refcount)) >= f.pinned_from;
  }
  [[gnu::always_inline]] static PinCount count(const PinFrame& f, const Target& t) {
    return {atomics::load(t.u32(f.refcount)) / f.refs_per_pin, false};
  }
};

/// The loops of a policy, for words of 8 or 4 bytes.
template <template <class> class Policy>
PinKernels by_width(unsigned word_bytes) {
  return word_bytes == 8 ? PinLoops<Policy<std::uint64_t>>::kernels()
                         : PinLoops<Policy<std::uint32_t>>::kernels();
}

}  // namespace pagebox::inline PAGEBOX_ENV
