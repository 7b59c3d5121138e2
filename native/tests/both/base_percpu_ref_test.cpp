#include "base/percpu_ref.h"

#include <gtest/gtest.h>

namespace {

using pagebox::PercpuRef;

TEST(BasePercpuRef, CountsOverAllShards) {
  PercpuRef ref;
  EXPECT_TRUE(ref.tryget(0));
  EXPECT_TRUE(ref.tryget_live(3));
  ref.get(5);
  EXPECT_EQ(ref.count(), 4);
  ref.put(9);
  ref.put(9);
  ref.put(9);
  EXPECT_EQ(ref.count(), 1);
  EXPECT_FALSE(ref.is_dying());
}

TEST(BasePercpuRef, KillEndsLiveGetsAtOnce) {
  PercpuRef ref;
  ASSERT_TRUE(ref.tryget(1));
  ref.kill();
  EXPECT_TRUE(ref.is_dying());
  EXPECT_FALSE(ref.tryget_live(1));
  EXPECT_TRUE(ref.tryget(2));
  EXPECT_EQ(ref.count(), 2);
  EXPECT_FALSE(ref.is_zero());
  ref.put(1);
  EXPECT_FALSE(ref.is_zero());
  ref.put(7);
  EXPECT_TRUE(ref.is_zero());
  EXPECT_FALSE(ref.tryget(1));
  ref.wait_zero();
}

TEST(BasePercpuRef, KillOfAnUnusedOneIsZero) {
  PercpuRef ref;
  ref.kill();
  EXPECT_TRUE(ref.is_zero());
  EXPECT_EQ(ref.count(), 0);
}

TEST(BasePercpuRef, LivesAgain) {
  PercpuRef ref;
  ref.kill();
  ref.reinit();
  EXPECT_TRUE(ref.tryget_live(0));
  EXPECT_EQ(ref.count(), 2);
  EXPECT_FALSE(ref.is_zero());
}

}  // namespace
