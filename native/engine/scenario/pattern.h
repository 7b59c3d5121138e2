// Which page comes next: the index streams of races and measurements. A stream
// is a function of (pattern, seed, thread) alone, and the scheme's loop and the
// hand-written one read the same.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/rng.h"
#include "page/pfn.h"
#include "pins/streams.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class Pattern : std::uint8_t {
  kSequential,
  kRandom,
  kZipf,  // page of rank r with probability ~ 1 / r^0.99 (YCSB's constant), ranks scattered
  kHot,   // one page
};
inline constexpr unsigned kPatterns = 4;
inline constexpr std::array<std::string_view, kPatterns> kPatternNames = {"sequential", "random",
                                                                          "zipf", "hot"};
constexpr std::optional<Pattern> find_pattern(std::string_view name) {
  for (unsigned i = 0; i < kPatterns; ++i)
    if (kPatternNames[i] == name) return static_cast<Pattern>(i);
  return std::nullopt;
}

/// The shape of a Zipf distribution over `pages`, shared by the threads of a run.
class ZipfTable {
 public:
  explicit ZipfTable(std::uint64_t pages);
  std::uint64_t draw(Rng& rng) const;

 private:
  static constexpr unsigned kBits = 16;
  std::uint64_t pages_;
  std::vector<std::uint32_t> first_rank_;  // by quantile; one more than 2^kBits
};

/// What the steps of a mix are drawn by: of a race's thread, and of its hand-written loop's.
inline Rng mix_rng(std::uint64_t seed, unsigned thread) {
  return Rng::stream(splitmix64(seed), thread);
}

/// The stream of one thread.
class PatternStream {
 public:
  /// `zipf` outlives the stream; only kZipf needs it. Sequential threads start at
  /// even distances.
  PatternStream(Pattern pattern, Pfn first, std::uint64_t pages, std::uint64_t seed,
                unsigned thread, unsigned threads, const ZipfTable* zipf);

  /// The next pfns; every one lies in [first, first + pages).
  void fill(std::span<std::uint32_t> pfns);

  /// They follow each other, and need not be written down: take() instead of fill().
  bool is_range() const { return pattern_ == Pattern::kSequential || pattern_ == Pattern::kHot; }
  /// Where the next `size` lie.
  PfnRange take(std::size_t size);

 private:
  Pattern pattern_;
  std::uint64_t first_, pages_, next_ = 0;
  Rng rng_;
  const ZipfTable* zipf_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
