#include "mm/object_pool.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

struct Thing {
  std::uint64_t index = 0;
  unsigned recycled = 0;
  void recycle() { ++recycled; }
};
using Pool = ObjectPool<Thing>;

TEST(MmObjectPool, FindsEachByItsIndexUpToTheMost) {
  auto pool = std::make_unique<Pool>();
  EXPECT_EQ(pool->at(0), nullptr);
  std::vector<Thing*> all;
  while (Thing* thing = pool->alloc()) {
    ASSERT_EQ(thing->index, all.size());
    all.push_back(thing);
  }
  EXPECT_EQ(all.size(), Pool::kMost);
  EXPECT_EQ(pool->size(), Pool::kMost);
  for (std::uint64_t index = 0; index < Pool::kMost; ++index)
    ASSERT_EQ(pool->at(index), all[index]) << index;
  EXPECT_EQ(std::set<Thing*>(all.begin(), all.end()).size(), all.size());
  EXPECT_EQ(pool->at(Pool::kMost), nullptr);
  EXPECT_EQ(pool->at(~std::uint64_t{0}), nullptr);
}

TEST(MmObjectPool, AFreedOneIsHandedOutAgainUnderItsIndex) {
  auto pool = std::make_unique<Pool>();
  Thing* first = pool->alloc();
  Thing* second = pool->alloc();
  pool->free(first);
  EXPECT_EQ(first->recycled, 1U);
  EXPECT_EQ(pool->in_use(), 1U);
  EXPECT_EQ(pool->alloc(), first);
  EXPECT_EQ(first->index, 0U);
  EXPECT_EQ(second->index, 1U);
}

// One table of all chunks would be most of a machine, which the explorer copies back each time.
TEST(MmObjectPool, CostsLittleUntilItIsUsed) { EXPECT_LT(sizeof(Pool), 2048U); }

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
