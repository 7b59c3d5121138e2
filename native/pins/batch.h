// The loops over many pages, written once for every protocol, and the table of all that a protocol
// can do. Loops work on a copy of the frame whose address never escapes, so that its numbers stay
// in registers across the atomics.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pins/batch_streams.h"
#include "pins/in_loop.h"
#include "pins/one_page.h"

namespace pagebox::inline PAGEBOX_ENV {

template <class Policy>
struct PinLoops : OnePage<Policy> {
  using Word = typename Policy::Word;
  using Protocol = Policy;
  using OnePage<Policy>::drop;
  using OnePage<Policy>::get_or_populate;
  using OnePage<Policy>::pin_one;
  using OnePage<Policy>::pin_or_populate;
  using OnePage<Policy>::put_one;
  using OnePage<Policy>::try_get_or_populate;
  using OnePage<Policy>::try_pin_one;
  using OnePage<Policy>::try_pin_or_populate;
  using OnePage<Policy>::try_pin_unpin_one;
  using OnePage<Policy>::unpin_one;
  using OnePage<Policy>::unpin_target;

  /// Calls step(f, pfn, head) for each page; it returns Done.
  template <class Step>
  PAGEBOX_IN_LOOP static BatchResult each(const PinFrame& frame, const std::uint32_t* pfns,
                                          std::size_t size, std::uint32_t* freed, Step step) {
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

  // The page may have to be made first. Apart, so that what goes well saves no registers.

  [[gnu::noinline]] static Errc try_pin_again(const PinFrame& f, std::uint64_t pfn, std::uint32_t n,
                                              unsigned shard) {
    Target t;
    return populate_page(f, pfn) ? try_pin_one(f, f, pfn, n, shard, t) : Errc::kAgain;
  }
  [[gnu::noinline]] static Errc pin_again(const PinFrame& f, std::uint64_t pfn, std::uint32_t n,
                                          unsigned shard) {
    Target t;
    return populate_page(f, pfn) ? pin_one(f, pfn, n, shard, t) : Errc::kNoMem;
  }

  // What the table points to.

  static Errc try_pin(const PinFrame& f, std::uint64_t pfn, std::uint32_t n, unsigned shard) {
    Target t;
    const Errc error = try_pin_one(f, f, pfn, n, shard, t);
    return error == Errc::kAgain ? try_pin_again(f, pfn, n, shard) : error;
  }
  static Errc pin(const PinFrame& f, std::uint64_t pfn, std::uint32_t n, unsigned shard) {
    Target t;
    const Errc error = pin_one(f, pfn, n, shard, t);
    return error == Errc::kNoMem ? pin_again(f, pfn, n, shard) : error;
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
  PAGEBOX_IN_LOOP static std::size_t run(const PinFrame& frame, const std::uint32_t* pfns,
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

/// The loops of a policy, for words of 8 or 4 bytes.
template <template <class> class Policy>
PinKernels by_width(unsigned word_bytes) {
  return word_bytes == 8 ? PinLoops<Policy<std::uint64_t>>::kernels()
                         : PinLoops<Policy<std::uint32_t>>::kernels();
}

}  // namespace pagebox::inline PAGEBOX_ENV
