// Memory that is copied back: what was kept comes back byte for byte, at the same
// addresses, whoever wrote it and however it was allocated.
#include "base/model/run_memory.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/constant_memory.h"
#include "base/mapping.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

struct World {
  std::vector<int> numbers{1, 2, 3};
  std::map<std::string, std::string> names{{"a name that is longer than any small string", "x"}};
  std::unique_ptr<int> one = std::make_unique<int>(1);
  Mapping dense = Mapping::reserve(8192).value;
  Mapping sparse = Mapping::reserve_pages(std::size_t{1} << 20).value;
};

class BaseRunMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    memory_ = RunMemory::create();
    if (memory_ == nullptr) GTEST_SKIP() << "this build has none";
    const UseRunMemory use(memory_.get());
    world_ = new World;
    world_->sparse.page_at(4096)[7] = std::byte{7};
    ASSERT_TRUE(memory_->keep());
  }
  void change(int by) {
    const UseRunMemory use(memory_.get());
    for (int i = 0; i < 5000; ++i) world_->numbers.push_back(i * by);
    world_->names.clear();
    world_->names["another long name that no small string can hold"] = std::string(3000, 'y');
    world_->one.reset();
    world_->dense.data()[5000] = static_cast<std::byte>(by);
    world_->sparse.page_at(4096)[7] = std::byte{9};
    world_->sparse.page_at(512 * 1024)[1] = static_cast<std::byte>(by);
    (void)new World;  // nobody destroys it
  }
  std::unique_ptr<RunMemory> memory_;
  World* world_ = nullptr;
};

TEST_F(BaseRunMemory, BringsBackWhatWasKept) {
  for (int round = 1; round < 4; ++round) {
    change(round);
    EXPECT_FALSE(memory_->is_as_kept());
    memory_->restore();
    EXPECT_TRUE(memory_->is_as_kept());
    EXPECT_EQ(world_->numbers, (std::vector<int>{1, 2, 3}));
    EXPECT_EQ(world_->names.begin()->first, "a name that is longer than any small string");
    EXPECT_EQ(*world_->one, 1);
    EXPECT_EQ(world_->dense.data()[5000], std::byte{0});
    EXPECT_EQ(world_->sparse.page_at(4096)[7], std::byte{7});
    EXPECT_EQ(world_->sparse.page_at(512 * 1024)[1], std::byte{0});
  }
}

TEST_F(BaseRunMemory, EqualStatesHaveEqualDigests) {
  const StateDigest kept = memory_->digest();
  change(1);
  const StateDigest one = memory_->digest();
  memory_->restore();
  EXPECT_EQ(memory_->digest(), kept);
  change(2);
  EXPECT_NE(memory_->digest(), one);
  memory_->restore();
  change(1);
  EXPECT_EQ(memory_->digest(), one);
}

TEST_F(BaseRunMemory, HandsOutTheSameAddressesEachTime) {
  const UseRunMemory use(memory_.get());
  const auto* first = new int(5);
  memory_->restore();
  EXPECT_EQ(first, new int(6));
}

TEST_F(BaseRunMemory, WhatIsOutsideStays) {
  std::vector<int> outlives;
  {
    const UseRunMemory use(memory_.get());
    const OutsideRunMemory outside;
    outlives.assign(1000, 7);
  }
  EXPECT_FALSE(RunMemory::owns(outlives.data()));
  memory_->restore();
  EXPECT_EQ(outlives, std::vector<int>(1000, 7));
}

TEST_F(BaseRunMemory, AlignedBlocksAreAlignedAndUsedAgain) {
  struct alignas(256) Wide {
    char bytes[300];
  };
  const UseRunMemory use(memory_.get());
  auto* first = new Wide;
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 256, 0U);
  delete first;
  auto* second = new Wide;
  EXPECT_EQ(first, second);
  delete second;
}

// Of a large block only what was asked for is looked at: one that is used again may reach further.
TEST_F(BaseRunMemory, ALargeBlockUsedAgainByMoreComesBackWhole) {
  constexpr std::size_t kLittle = 33 << 10, kMuch = 64 << 10;  // of one class
  void* little = nullptr;
  {
    const UseRunMemory use(memory_.get());
    little = memory_->allocate(kLittle, 16);
    ASSERT_NE(little, nullptr);
    RunMemory::release(little);
    ASSERT_TRUE(memory_->keep());
  }
  StateDigest digests[2];
  for (unsigned round = 0; round < 3; ++round) {
    const UseRunMemory use(memory_.get());
    auto* much = static_cast<std::byte*>(memory_->allocate(kMuch, 16));
    ASSERT_EQ(much, little);
    for (std::size_t at = 0; at < kMuch; at += 1000) much[at] = std::byte{5};
    if (round > 0) {
      digests[round - 1] = memory_->digest();
      memory_->restore_digested();
    } else {
      memory_->restore();
    }
    EXPECT_TRUE(memory_->is_as_kept());
    for (std::size_t at = 0; at < kMuch; ++at)
      ASSERT_TRUE(at < 8 || much[at] == std::byte{0}) << at;  // 8: the link of free blocks
  }
  EXPECT_EQ(digests[0], digests[1]);
}

// Lines are found to change one after the other, in any order, and come back each time.
TEST_F(BaseRunMemory, WhatChangesForTheFirstTimeLateComesBackToo) {
  for (std::size_t round = 0; round < 64; ++round) {
    const std::size_t at = round * 37 % 64 * 128;
    world_->dense.data()[at] = std::byte{1};
    if (round >= 3) world_->dense.data()[(round - 3) * 37 % 64 * 128] = std::byte{2};
    const StateDigest digest = memory_->digest();
    EXPECT_NE(digest, StateDigest{}) << round;
    if (round % 2 == 0)
      memory_->restore();
    else
      memory_->restore_digested();
    EXPECT_TRUE(memory_->is_as_kept()) << round;
    EXPECT_EQ(memory_->digest(), StateDigest{}) << round;
  }
}

TEST_F(BaseRunMemory, ADigestSaysWhere) {
  world_->dense.data()[64] = std::byte{1};
  const StateDigest one = memory_->digest();
  memory_->restore_digested();
  world_->dense.data()[128] = std::byte{1};
  EXPECT_NE(memory_->digest(), one);
}

TEST_F(BaseRunMemory, ADigestIsNotOfWhatIsFree) {
  const UseRunMemory use(memory_.get());
  const StateDigest kept = memory_->digest();
  auto one = std::make_unique<World>(), two = std::make_unique<World>();
  one.reset();
  two.reset();
  EXPECT_EQ(memory_->digest(), kept);
  memory_->restore_digested();
  EXPECT_TRUE(memory_->is_as_kept());
}

TEST(BaseRunMemories, SmallBlocksThatAreFreeWhenItIsKeptAreNotUsedAgain) {
  const auto memory = RunMemory::create();
  if (memory == nullptr) GTEST_SKIP() << "this build has none";
  const UseRunMemory use(memory.get());
  auto block = std::make_unique<std::array<std::byte, 1000>>();
  const void* const at = block.get();
  block.reset();
  EXPECT_EQ((block = std::make_unique<std::array<std::byte, 1000>>()).get(), at);
  block.reset();
  ASSERT_TRUE(memory->keep());
  for (int round = 0; round < 2; ++round) {
    block = std::make_unique<std::array<std::byte, 1000>>();
    EXPECT_NE(block.get(), at);
    block.reset();
    memory->restore();
    EXPECT_TRUE(memory->is_as_kept());
  }
}

// A promise, which is_as_kept() holds against what is there.
TEST(BaseRunMemories, NobodyLooksAtConstants) {
  const auto memory = RunMemory::create();
  if (memory == nullptr) GTEST_SKIP() << "this build has none";
  const UseRunMemory use(memory.get());
  // Volatile: what nobody else was told of the compiler takes to be nobody else's.
  volatile int *constant = nullptr, *other = nullptr;
  {
    const ConstantMemory constants;
    constant = new int[1000]{7};
    delete new volatile int(3);
  }
  other = new int(5);
  ASSERT_TRUE(memory->keep());
  const StateDigest kept = memory->digest();
  EXPECT_EQ(constant[0], 7);
  *other = 6;
  EXPECT_NE(memory->digest(), kept);
  memory->restore();
  EXPECT_EQ(*other, 5);
  EXPECT_TRUE(memory->is_as_kept());
  {
    const ConstantMemory constants;  // too late: part of the schedule
    *const_cast<volatile int*>(new int(9)) = 4;
  }
  EXPECT_NE(memory->digest(), kept);
  memory->restore();
  EXPECT_TRUE(memory->is_as_kept());
  constant[0] = 8;
  EXPECT_EQ(memory->digest(), kept);
  EXPECT_FALSE(memory->is_as_kept());
}

// Its pages are whole, but nobody is to use more of them than was asked for.
TEST(BaseRunMemories, NobodyLooksBehindTheEndOfAMapping) {
  const auto memory = RunMemory::create();
  if (memory == nullptr) GTEST_SKIP() << "this build has none";
  const UseRunMemory use(memory.get());
  const Mapping mapping = Mapping::reserve(4096 + 100).value;
  ASSERT_TRUE(memory->keep());
  const StateDigest kept = memory->digest();
  for (const std::size_t at : {0, 4095, 4096, 4195, 4223}) {
    mapping.data()[at] = std::byte{1};
    EXPECT_NE(memory->digest(), kept) << at;
    memory->restore();
    EXPECT_EQ(mapping.data()[at], std::byte{0}) << at;
  }
  mapping.data()[4224] = std::byte{1};
  EXPECT_EQ(memory->digest(), kept);
  EXPECT_FALSE(memory->is_as_kept());
}

TEST_F(BaseRunMemory, IsFullSomeTimeAndSaysSo) {
  const UseRunMemory use(memory_.get());
  EXPECT_THROW(
      {
        auto* volatile huge = new char[std::size_t{1} << 30];
        delete[] huge;
      },
      std::bad_alloc);
}

TEST(BaseRunMemories, SeveralLiveBesideEachOther) {
  const auto one = RunMemory::create(), two = RunMemory::create();
  if (one == nullptr) GTEST_SKIP() << "this build has none";
  ASSERT_NE(two, nullptr);
  int* in_one = nullptr;
  {
    const UseRunMemory use(one.get());
    in_one = new int(1);
  }
  const UseRunMemory use(two.get());
  auto* in_two = new int(2);
  EXPECT_NE(in_one, in_two);
  EXPECT_EQ(RunMemory::place_of(in_one), RunMemory::place_of(in_two));
  delete in_one;  // knows whose it is
  delete in_two;
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
