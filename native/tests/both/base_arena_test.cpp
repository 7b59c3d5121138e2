#include "base/arena.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace {

struct Node {
  std::uint64_t key = 0;
  std::uint64_t weight = 1;
};

TEST(BaseArena, HandsOutAlignedAddressesInOrder) {
  auto arena = pagebox::Arena::create(1 << 20);
  ASSERT_TRUE(arena);
  auto* first = static_cast<std::byte*>(arena.value.allocate(3));
  auto* second = static_cast<std::byte*>(arena.value.allocate(64, 64));
  EXPECT_LT(first, second);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(second) % 64, 0U);
}

TEST(BaseArena, GivesTheSameAddressesAfterAReset) {
  auto arena = pagebox::Arena::create(1 << 20);
  ASSERT_TRUE(arena);
  Node* first = arena.value.make<Node>();
  arena.value.reset();
  Node* again = arena.value.make<Node>();
  EXPECT_EQ(first, again);
  EXPECT_EQ(again->weight, 1U);
}

TEST(BaseArena, SaysWhenItIsFull) {
  auto arena = pagebox::Arena::create(4096);
  ASSERT_TRUE(arena);
  EXPECT_NE(arena.value.allocate(4000), nullptr);
  EXPECT_EQ(arena.value.allocate(200), nullptr);
  EXPECT_EQ(arena.value.allocate(SIZE_MAX), nullptr);
  EXPECT_NE(arena.value.allocate(64), nullptr);
}

TEST(BaseArena, PoolReusesTheLastFreed) {
  auto arena = pagebox::Arena::create(1 << 20);
  ASSERT_TRUE(arena);
  pagebox::Pool<Node> pool(arena.value);
  Node* a = pool.make();
  Node* b = pool.make();
  EXPECT_EQ(pool.live(), 2U);
  a->key = 5;
  pool.destroy(a);
  pool.destroy(b);
  EXPECT_EQ(pool.live(), 0U);
  EXPECT_EQ(pool.make(), b);
  Node* again = pool.make();
  EXPECT_EQ(again, a);
  EXPECT_EQ(again->key, 0U);
}

}  // namespace
