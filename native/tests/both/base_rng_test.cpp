#include "base/rng.h"

#include <gtest/gtest.h>

#include <set>

namespace {

// The first outputs of the reference implementations for these seeds.
TEST(BaseRng, SplitMixGivesTheReferenceNumbers) {
  std::uint64_t state = 0;
  EXPECT_EQ(pagebox::splitmix64(state), 0xe220a8397b1dcdafU);
  EXPECT_EQ(pagebox::splitmix64(state), 0x6e789e6aa1b965f4U);
}

TEST(BaseRng, SameSeedSameNumbers) {
  pagebox::Rng a(42);
  pagebox::Rng b(42);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next(), b.next());
}

TEST(BaseRng, StreamsDiffer) {
  std::set<std::uint64_t> firsts;
  for (std::uint64_t i = 0; i < 1000; ++i) firsts.insert(pagebox::Rng::stream(7, i).next());
  EXPECT_EQ(firsts.size(), 1000U);
  EXPECT_EQ(pagebox::Rng::stream(7, 3).next(), pagebox::Rng::stream(7, 3).next());
}

TEST(BaseRng, BelowStaysBelowAndReachesAll) {
  pagebox::Rng rng(1);
  int seen[7] = {};
  for (int i = 0; i < 7000; ++i) ++seen[rng.below(7)];
  for (const int count : seen) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(rng.below(1), 0U);
  EXPECT_EQ(rng.below(0), 0U);
}

TEST(BaseRng, UnitIsAFraction) {
  pagebox::Rng rng(1);
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const double x = rng.unit();
    ASSERT_GE(x, 0.0);
    ASSERT_LT(x, 1.0);
    sum += x;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.02);
}

}  // namespace
