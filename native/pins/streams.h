// Loops over pages without an end, a part at a time, as a race runs them: what stands between
// parts, and one table more a scheme and word width.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/env.h"
#include "base/errc.h"
#include "base/rng.h"
#include "page/pfn.h"
#include "pins/kernel.h"
#include "pins/scheme.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Pages one after another: from `at` on, and behind the last before `end` from `begin` again.
struct PfnRange {
  std::uint64_t begin = 0, end = 0, at = 0;
};

/// Heads of pages that a mix keeps, one pin or reference each.
struct KeptPages {
  static constexpr std::uint32_t kMax = 1024;
  std::uint32_t size = 0;
  std::array<std::uint32_t, kMax> heads{};

  void keep(Pfn head) { heads[size++] = static_cast<std::uint32_t>(head.value); }
  /// Any one, so that pages are not given back in the order in which they were taken.
  std::uint32_t take_any(Rng& rng) {
    const auto at = static_cast<std::uint32_t>(rng.below(size));
    const std::uint32_t head = heads[at];
    heads[at] = heads[--size];
    return head;
  }
};

/// How far keep_run() came.
struct KeptRun {
  std::size_t done = 0;
  /// Of an unpin that ended it, which is done: the head, that is kept no more.
  std::uint64_t head = 0;
  Errc error = Errc::kOk;  // the pin is lost to the book all the same
  bool unpinned = false, last = false;
};

/// `freed`: as PinKernel.
struct PinStreamKernel {
  // As PinKernel::try_pin_unpin_many, for who has more pages to come.

  /// `size` pages of a range, which goes on behind them.
  BatchResult (*try_pin_unpin_range)(const PinFrame& frame, PfnRange& range, std::size_t size,
                                     unsigned shard, std::uint32_t* freed);
  /// The first `size` of `readable` pages; those behind are fetched ahead.
  BatchResult (*try_pin_unpin_ahead)(const PinFrame& frame, const std::uint32_t* pfns,
                                     std::size_t size, std::size_t readable, unsigned shard,
                                     std::uint32_t* freed);
  /// For each page a pin that is kept, or, where steps[i] is `unpin`, an unpin of any that is
  /// kept. Ends before a step that the caller has to do: a pin that was refused, or finds `kept`
  /// full, an unpin that finds it empty; and behind an unpin that is not just done.
  KeptRun (*keep_run)(const PinFrame& frame, const std::uint32_t* pfns, const std::uint8_t* steps,
                      std::uint8_t unpin, std::size_t size, std::size_t readable, unsigned shard,
                      KeptPages& kept, Rng& rng);
};

/// The one that runs `scheme`.
const PinStreamKernel& stream_kernel_of(const SchemeSpec& scheme, unsigned word_bytes);

}  // namespace pagebox::inline PAGEBOX_ENV
