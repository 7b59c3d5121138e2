#include "engine/scenario/pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::vector<std::uint32_t> draw(Pattern pattern, std::uint64_t first, std::uint64_t pages,
                                std::uint64_t seed, unsigned thread = 0, unsigned threads = 1,
                                std::size_t n = 20000) {
  const ZipfTable zipf(pages);
  std::vector<std::uint32_t> pfns(n);
  PatternStream(pattern, Pfn{first}, pages, seed, thread, threads, &zipf).fill(pfns);
  return pfns;
}

TEST(Pattern, StaysInItsRangeAndReachesBothEnds) {
  for (unsigned i = 0; i < kPatterns; ++i) {
    for (const std::uint64_t pages : {1U, 2U, 7U, 100U}) {
      const auto pfns = draw(static_cast<Pattern>(i), 40, pages, 1);
      const auto [least, most] = std::minmax_element(pfns.begin(), pfns.end());
      EXPECT_GE(*least, 40U);
      EXPECT_LT(*most, 40 + pages);
      if (static_cast<Pattern>(i) == Pattern::kRandom) {
        EXPECT_EQ(*least, 40U);
        EXPECT_EQ(*most, 40 + pages - 1);
      }
    }
  }
}

TEST(Pattern, NamesTheLastPagesOfALargeBox) {
  const std::uint64_t pages = std::uint64_t{1} << 28;
  for (const Pattern pattern : {Pattern::kRandom, Pattern::kZipf})
    for (const std::uint32_t pfn : draw(pattern, 0, pages, 5)) EXPECT_LT(pfn, pages);
}

TEST(Pattern, IsAFunctionOfSeedAndThread) {
  for (const Pattern pattern : {Pattern::kRandom, Pattern::kZipf}) {
    EXPECT_EQ(draw(pattern, 0, 1000, 1), draw(pattern, 0, 1000, 1));
    EXPECT_NE(draw(pattern, 0, 1000, 1), draw(pattern, 0, 1000, 2));
    EXPECT_NE(draw(pattern, 0, 1000, 1, 0, 2), draw(pattern, 0, 1000, 1, 1, 2));
  }
}

TEST(Pattern, SequentialThreadsStartApart) {
  EXPECT_EQ(draw(Pattern::kSequential, 10, 100, 1, 0, 2, 3),
            (std::vector<std::uint32_t>{10, 11, 12}));
  EXPECT_EQ(draw(Pattern::kSequential, 10, 100, 1, 1, 2, 3),
            (std::vector<std::uint32_t>{60, 61, 62}));
}

TEST(Pattern, RangesAreWhatWouldBeWrittenDown) {
  for (const Pattern pattern : {Pattern::kSequential, Pattern::kHot}) {
    PatternStream written(pattern, Pfn{10}, 100, 1, 1, 3, nullptr), taken(written);
    ASSERT_TRUE(taken.is_range());
    for (const std::size_t size : {1U, 70U, 0U, 256U, 30U}) {
      std::vector<std::uint32_t> pfns(size);
      written.fill(pfns);
      PfnRange range = taken.take(size);
      for (const std::uint32_t pfn : pfns) {
        EXPECT_EQ(range.at, pfn);
        if (++range.at == range.end) range.at = range.begin;
      }
    }
  }
  EXPECT_FALSE(PatternStream(Pattern::kRandom, Pfn{0}, 8, 1, 0, 1, nullptr).is_range());
}

TEST(Pattern, ZipfPrefersAFewPages) {
  std::map<std::uint32_t, unsigned> counts;
  for (const std::uint32_t pfn : draw(Pattern::kZipf, 0, 1000, 1, 0, 1, 100000)) ++counts[pfn];
  unsigned most = 0;
  for (const auto& [pfn, count] : counts) most = std::max(most, count);
  // Rank 1 of 1000 with exponent 0.99 has 1 / 7.73 of the draws.
  EXPECT_NEAR(most, 100000 / 7.73, 100000 * 0.03);
  EXPECT_GT(counts.size(), 400U);
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
