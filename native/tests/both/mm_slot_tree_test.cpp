// SlotTree against a map, and what it costs: slots far away, and none between.
#include "mm/file/slot_tree.h"

#include <gtest/gtest.h>

#include <map>

#include "base/rng.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr std::uint64_t kFar = std::uint64_t{1} << 40;

TEST(SlotTree, AnEmptyOneHasNothing) {
  SlotTree<std::uint64_t> tree;
  EXPECT_EQ(tree.find(0), nullptr);
  EXPECT_EQ(tree.next(0), tree.kNone);
  EXPECT_EQ(tree.end(), 0U);
  tree.set(kFar, 0);
  EXPECT_EQ(tree.end(), 0U);
}

TEST(SlotTree, FarSlotsCostNothingBetween) {
  SlotTree<std::uint64_t> tree;
  tree.set(kFar, 7);
  tree.set(3, 5);
  tree.set(~std::uint64_t{0}, 9);
  ASSERT_NE(tree.find(kFar), nullptr);
  EXPECT_EQ(*tree.find(kFar), 7U);
  EXPECT_EQ(*tree.find(~std::uint64_t{0}), 9U);
  EXPECT_EQ(tree.find(kFar - 1), nullptr);
  EXPECT_EQ(tree.next(0), 3U);
  EXPECT_EQ(tree.next(4), kFar);
  EXPECT_EQ(tree.next(kFar + 1), ~std::uint64_t{0});
  tree.set(~std::uint64_t{0}, 0);
  EXPECT_EQ(tree.end(), kFar + 1);
  tree.clear();
  EXPECT_EQ(tree.next(0), tree.kNone);
}

TEST(SlotTree, DoesAsAMap) {
  Rng rng = Rng::stream(1, 0);
  for (const std::uint64_t range :
       {std::uint64_t{40}, std::uint64_t{70}, std::uint64_t{5000}, kFar}) {
    SlotTree<std::uint64_t> tree;
    std::map<std::uint64_t, std::uint64_t> map;
    for (int i = 0; i < 4000; ++i) {
      const std::uint64_t at = rng.below(range);
      const std::uint64_t value = rng.below(3);
      tree.set(at, value);
      if (value == 0)
        map.erase(at);
      else
        map[at] = value;
      const std::uint64_t from = rng.below(range);
      const auto next = map.lower_bound(from);
      ASSERT_EQ(tree.next(from), next == map.end() ? tree.kNone : next->first);
      ASSERT_EQ(tree.end(), map.empty() ? 0 : map.rbegin()->first + 1);
      const auto has = map.find(from);
      ASSERT_EQ(tree.find(from) == nullptr, has == map.end());
      if (has != map.end()) {
        ASSERT_EQ(*tree.find(from), has->second);
      }
    }
  }
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
