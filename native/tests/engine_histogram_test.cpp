#include "engine/race/histogram.h"

#include <gtest/gtest.h>

namespace pagebox {
namespace {

TEST(Histogram, KeepsValuesToOneIn32) {
  for (std::uint64_t ns = 0; ns < 32; ++ns) EXPECT_EQ(Histogram::bucket_of(ns), ns);
  for (std::uint64_t ns = 1; ns < std::uint64_t{1} << 39; ns = ns * 3 + 1) {
    const unsigned bucket = Histogram::bucket_of(ns);
    EXPECT_LE(Histogram::floor_ns(bucket), ns);
    EXPECT_GT(Histogram::floor_ns(bucket + 1), ns);
    EXPECT_LE(Histogram::floor_ns(bucket + 1) - Histogram::floor_ns(bucket), 1 + ns / 32);
  }
  EXPECT_EQ(Histogram::bucket_of(~std::uint64_t{0}), Histogram::kBuckets - 1);
}

TEST(Histogram, PercentilesAndMerge) {
  Histogram low, high;
  EXPECT_EQ(low.percentile_ns(0.5), 0U);
  for (std::uint64_t ns = 1; ns <= 50; ++ns) low.record(ns);
  for (std::uint64_t ns = 51; ns <= 100; ++ns) high.record(ns);
  low.merge(high);
  EXPECT_EQ(low.samples(), 100U);
  EXPECT_EQ(low.min_ns(), 1U);
  EXPECT_EQ(low.max_ns(), 100U);
  EXPECT_DOUBLE_EQ(low.mean_ns(), 50.5);
  EXPECT_NEAR(static_cast<double>(low.percentile_ns(0.5)), 50, 2);
  EXPECT_NEAR(static_cast<double>(low.percentile_ns(0.99)), 99, 4);
  EXPECT_EQ(low.percentile_ns(1), 100U);
}

}  // namespace
}  // namespace pagebox
