// Memory that is copied back: what was kept comes back byte for byte, at the same
// addresses, whoever wrote it and however it was allocated.
#include "base/model/run_memory.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/atomic.h"
#include "base/block_move.h"
#include "base/constant_memory.h"
#include "base/lock.h"
#include "base/mapping.h"
#include "base/memory_changes.h"
#include "base/plain.h"
#include "base/shared_bytes.h"
#include "base/tally.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

struct World {
  std::vector<int> numbers{1, 2, 3};
  std::map<std::string, std::string> names{{"a name that is longer than any small string", "x"}};
  std::unique_ptr<int> one = std::make_unique<int>(1);
  Mapping dense = Mapping::reserve(8192).value;
  Mapping sparse = Mapping::reserve_large(std::size_t{1} << 20).value;
};

/// As base/'s stores do it.
void store(const Mapping& to, std::size_t at, int value) {
  memory_changes(to.data() + at, 1);
  to.data()[at] = static_cast<std::byte>(value);
}

class BaseRunMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    memory_ = RunMemory::create();
    if (memory_ == nullptr) GTEST_SKIP() << "this build has none";
    const UseRunMemory use(memory_.get());
    world_ = new World;
    store(world_->sparse, 4096 + 7, 7);
    ASSERT_TRUE(memory_->keep());
  }
  void change(int by) {
    const UseRunMemory use(memory_.get());
    for (int i = 0; i < 5000; ++i) world_->numbers.push_back(i * by);
    world_->names.clear();
    world_->names["another long name that no small string can hold"] = std::string(3000, 'y');
    world_->one.reset();
    store(world_->dense, 5000, by);
    store(world_->sparse, 4096 + 7, 9);
    store(world_->sparse, 512 * 1024 + 1, by);
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
    EXPECT_EQ(world_->sparse.data()[4096 + 7], std::byte{7});
    EXPECT_EQ(world_->sparse.data()[512 * 1024 + 1], std::byte{0});
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
TEST(BaseRunMemories, ALargeBlockUsedAgainByMoreComesBackWhole) {
  const auto memory = RunMemory::create();
  if (memory == nullptr) GTEST_SKIP() << "this build has none";
  constexpr std::size_t kLittle = 33 << 10, kMuch = 64 << 10;  // of one class
  void* little = nullptr;
  {
    const UseRunMemory use(memory.get());
    little = memory->allocate(kLittle, 16);
    ASSERT_NE(little, nullptr);
    RunMemory::release(little);
    ASSERT_TRUE(memory->keep());
  }
  StateDigest digests[2];
  for (unsigned round = 0; round < 3; ++round) {
    const UseRunMemory use(memory.get());
    auto* much = static_cast<std::byte*>(memory->allocate(kMuch, 16));
    ASSERT_EQ(much, little);
    for (std::size_t at = 0; at < kMuch; at += 1000) much[at] = std::byte{5};
    if (round > 0) {
      digests[round - 1] = memory->digest();
      memory->restore_digested();
    } else {
      memory->restore();
    }
    EXPECT_TRUE(memory->is_as_kept());
    for (std::size_t at = 0; at < kMuch; ++at)
      ASSERT_TRUE(at < 8 || much[at] == std::byte{0}) << at;  // 8: the link of free blocks
  }
  EXPECT_EQ(digests[0], digests[1]);
}

// Lines are found to change one after the other, in any order, and come back each time.
TEST_F(BaseRunMemory, WhatChangesForTheFirstTimeLateComesBackToo) {
  for (std::size_t round = 0; round < 64; ++round) {
    const std::size_t at = round * 37 % 64 * 128;
    store(world_->dense, at, 1);
    if (round >= 3) store(world_->dense, (round - 3) * 37 % 64 * 128, 2);
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
  store(world_->dense, 64, 1);
  const StateDigest one = memory_->digest();
  memory_->restore_digested();
  store(world_->dense, 128, 1);
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

// A promise too: of mappings only what was told of comes back.
TEST(BaseRunMemories, WhoWritesAMappingSaysSo) {
  const auto memory = RunMemory::create();
  if (memory == nullptr) GTEST_SKIP() << "this build has none";
  const UseRunMemory use(memory.get());
  const Mapping mapping = Mapping::reserve(3 * 4096).value;
  store(mapping, 4096, 3);
  ASSERT_TRUE(memory->keep());
  const StateDigest kept = memory->digest();
  for (const auto& [at, bytes] :
       {std::pair{0, 1}, {4095, 1}, {4096, 1}, {60, 8}, {4090, 12}, {100, 8100}, {0, 12288}}) {
    memory_changes(mapping.data() + at, static_cast<std::size_t>(bytes));
    for (int i = at; i < at + bytes; ++i) mapping.data()[i] = std::byte{1};
    EXPECT_NE(memory->digest(), kept) << at;
    memory->restore();
    EXPECT_TRUE(memory->is_as_kept()) << at;
    EXPECT_EQ(memory->digest(), kept) << at;
  }
  mapping.data()[64] = std::byte{1};
  EXPECT_EQ(memory->digest(), kept);
  EXPECT_FALSE(memory->is_as_kept());
}

// Each of them once, and nothing else: what tells is not written down a second time.
TEST(BaseRunMemories, EachStoreOfBaseSaysSo) {
  const auto memory = RunMemory::create();
  if (memory == nullptr) GTEST_SKIP() << "this build has none";
  Mapping mapping;
  {
    const UseRunMemory use(memory.get());
    mapping = Mapping::reserve(2 * 4096).value;
  }
  auto* const word = reinterpret_cast<std::uint64_t*>(mapping.data());
  ASSERT_TRUE(memory->keep());
  auto* const lock = reinterpret_cast<SpinLock*>(mapping.data() + 128);
  std::uint64_t source[16] = {5};
  const std::vector<std::function<void()>> stores = {
      [&] { atomics::store(word, std::uint64_t{1}); },
      [&] { (void)atomics::exchange(word, std::uint64_t{2}); },
      [&] { (void)atomics::fetch_add(word, std::uint64_t{3}); },
      [&] { (void)atomics::fetch_sub(word, std::uint64_t{3}); },
      [&] { (void)atomics::fetch_or(word, std::uint64_t{8}); },
      [&] { atomics::add(word, std::uint64_t{1}); },
      [&] { atomics::sub(word, std::uint64_t{1}); },
      [&] { (void)atomics::add_look(word, std::uint64_t{1}, std::uint64_t{1} << 63); },
      [&] { (void)atomics::add_unless(word, std::uint64_t{1}, std::uint64_t{1} << 63); },
      [&] { (void)atomics::set_bits(word, std::uint64_t{4}); },
      [&] {
        std::uint64_t expected = 0;
        EXPECT_TRUE(atomics::compare_exchange(word, expected, std::uint64_t{9}));
      },
      [&] { EXPECT_TRUE(lock->try_lock()); },
      [&] { reinterpret_cast<Plain<std::uint64_t>*>(word)->set(7); },
      [&] { tally::store(*word, std::uint64_t{1}); },
      [&] { (void)tally::add(*word, std::uint64_t{1}); },
      [&] { (void)tally::set_bits(*word, std::uint64_t{1}); },
      [&] { copy_shared_words(word, source, 1); },
      [&] { copy_block(word, source, 16); },
      [&] { stream_block(word, source, 16); }};
  for (std::size_t i = 0; i < stores.size(); ++i) {
    stores[i]();
    EXPECT_FALSE(memory->is_as_kept()) << i;
    memory->restore();
    EXPECT_TRUE(memory->is_as_kept()) << i;
  }
  // To zero what was not.
  *word = word[1] = 9;
  mapping.data()[4096] = std::byte{9};
  const std::vector<std::function<void()>> clears = {
      [&] { (void)atomics::fetch_and(word, std::uint64_t{0}); },
      [&] { (void)atomics::clear_bits(word, ~std::uint64_t{0}); },
      [&] { EXPECT_TRUE(tally::try_sub(*word, std::uint64_t{9})); },
      [&] { (void)tally::clear_bits(*word, ~std::uint64_t{0}); },
      [&] { clear_shared_words(word, 2); },
      [&] { clear_block(word, 16); },
      [&] { EXPECT_EQ(mapping.discard(0, 4096), Errc::kOk); }};
  memory_changes(mapping.data(), 2 * 4096);
  ASSERT_TRUE(memory->keep());
  for (std::size_t i = 0; i < clears.size(); ++i) {
    clears[i]();
    EXPECT_EQ(*word, 0U) << i;
    memory->restore();
    EXPECT_TRUE(memory->is_as_kept()) << i;
  }
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
