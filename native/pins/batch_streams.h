// Loops over pages without an end, a part at a time: what a race runs. A part's last pages
// fetch the next one's first ahead, and pages that follow each other are not written down.
// `Loops` is PinLoops, of any protocol.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pins/done.h"
#include "pins/in_loop.h"
#include "pins/kernel.h"
#include "pins/streams.h"
#include "pins/target.h"

namespace pagebox::inline PAGEBOX_ENV {

template <class Loops>
struct PinStreams {
  static BatchResult try_pin_unpin_range(const PinFrame& frame, PfnRange& range, std::size_t size,
                                         unsigned shard, std::uint32_t* freed) {
    const PinFrame f = frame;
    const std::uint64_t begin = range.begin, end = range.end;
    std::uint64_t at = range.at;
    BatchResult result;
    for (std::size_t i = 0; i < size; ++i) {
      const std::uint64_t ahead = at + f.prefetch_pages;
      Loops::Protocol::prefetch(f, ahead < end ? ahead : begin);
      pin_unpin(f, frame, at, i, shard, freed, result);
      if (++at == end) at = begin;
    }
    range.at = at;
    result.done = size - result.failed;
    return result;
  }

  static BatchResult try_pin_unpin_ahead(const PinFrame& frame, const std::uint32_t* pfns,
                                         std::size_t size, std::size_t readable, unsigned shard,
                                         std::uint32_t* freed) {
    const PinFrame f = frame;
    BatchResult result;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t ahead = i + f.prefetch_pages;
      Loops::Protocol::prefetch(f, pfns[ahead < readable ? ahead : readable - 1]);
      pin_unpin(f, frame, pfns[i], i, shard, freed, result);
    }
    result.done = size - result.failed;
    return result;
  }

  static KeptRun keep_run(const PinFrame& frame, const std::uint32_t* pfns,
                          const std::uint8_t* steps, std::uint8_t unpin, std::size_t size,
                          std::size_t readable, unsigned shard, KeptPages& kept, Rng& rng) {
    const PinFrame f = frame;
    // Here, so that they need not lie in memory.
    std::uint32_t held = kept.size;
    Rng own = rng;
    KeptRun run;
    std::size_t i = 0;
    for (; i < size; ++i) {
      const std::size_t ahead = i + f.prefetch_pages;
      Loops::Protocol::prefetch(f, pfns[ahead < readable ? ahead : readable - 1]);
      Target t;
      if (steps[i] != unpin) {
        if (held == KeptPages::kMax) [[unlikely]]
          break;
        if (Loops::try_pin_or_populate(f, frame, pfns[i], 1, shard, t) != Errc::kOk) [[unlikely]]
          break;
        kept.heads[held++] = static_cast<std::uint32_t>(t.pfn);
        continue;
      }
      if (held == 0) [[unlikely]]
        break;
      const auto at = static_cast<std::uint32_t>(own.below(held));
      const std::uint32_t head = kept.heads[at];
      kept.heads[at] = kept.heads[--held];
      const Done dropped = Loops::unpin_one(f, head, 1, shard, t);
      if (dropped == Done::kOk) [[likely]]
        continue;
      ++i;
      run.unpinned = true;
      run.head = head;
      run.last = dropped == Done::kLast;
      if (!run.last) run.error = error_of(dropped);
      break;
    }
    run.done = i;
    kept.size = held;
    rng = own;
    return run;
  }

  static constexpr PinStreamKernel kKernel = {&try_pin_unpin_range, &try_pin_unpin_ahead,
                                              &keep_run};

 private:
  PAGEBOX_IN_LOOP static void pin_unpin(const PinFrame& f, const PinFrame& frame, std::uint64_t pfn,
                                        std::size_t i, unsigned shard, std::uint32_t* freed,
                                        BatchResult& result) {
    Target t;
    const Done step = Loops::try_pin_unpin_one(f, frame, pfn, shard, t);
    if (step == Done::kOk) [[likely]]
      return;
    if (step == Done::kLast) {
      freed[result.freed++] = static_cast<std::uint32_t>(t.pfn);
    } else if (result.failed++ == 0) {
      result.first_failed = i;
      result.first_error = error_of(step);
    }
  }
};

}  // namespace pagebox::inline PAGEBOX_ENV
