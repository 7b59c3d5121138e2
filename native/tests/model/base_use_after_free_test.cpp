// Who goes to what a schedule has freed.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <type_traits>

#include "base/atomic.h"
#include "base/fixed.h"
#include "base/model/run_memory.h"
#include "base/plain.h"
#include "base_run_helpers.h"

namespace {

using namespace pagebox;
using pagebox::testing::body;

struct Node {
  Atomic<std::uint32_t> word;
  Plain<int> field;
  Fixed<int> fixed{7};
};

/// On memory that is copied back after each run: how it ends if one uses a Node that the
/// other frees. Nothing: this build has no such memory.
template <class Use>
std::map<Outcome, std::uint64_t> ends_of(Use use) {
  std::map<Outcome, std::uint64_t> ends;
  const auto memory = RunMemory::create();
  if (memory == nullptr) return ends;
  ModelRunner runner;
  RandomStrategy strategy(1);
  bool is_right = true;
  {
    const UseRunMemory in_use(memory.get());
    auto* shared = new Atomic<Node*>(new Node);
    is_right = memory->keep();
    auto first = [&] { use(*shared); };
    auto second = [&] { delete shared->exchange(nullptr); };
    const FiberBody bodies[] = {body(first), body(second)};
    for (std::uint64_t run = 0; run < 200; ++run) {
      (void)strategy.begin(run);
      const RunOutcome outcome = runner.run(bodies, strategy);
      if (outcome.end == Outcome::kUseAfterFree)
        is_right = is_right && outcome.fiber == 0 && outcome.other == 1;
      memory->restore();
      is_right = is_right && memory->is_as_kept();
      const OutsideRunMemory outside;
      ++ends[outcome.end];
    }
  }
  EXPECT_TRUE(is_right);
  return ends;
}

template <class Use>
void expect_use_after_free(Use use) {
  auto ends = ends_of(use);
  if (ends.empty()) GTEST_SKIP() << "this build has no memory that is copied back";
  EXPECT_GT(ends[Outcome::kUseAfterFree], 20U);
  EXPECT_GT(ends[Outcome::kClean], 20U);
  EXPECT_EQ(ends[Outcome::kUseAfterFree] + ends[Outcome::kClean], 200U);
}

TEST(BaseUseAfterFree, OfAnAtomicIsFound) {
  expect_use_after_free([](Atomic<Node*>& shared) {
    if (Node* node = shared.load()) node->word.fetch_add(1);
  });
}

// Nothing was written there in this run.
TEST(BaseUseAfterFree, OfAnAtomicThatIsOnlyReadIsFound) {
  expect_use_after_free([](Atomic<Node*>& shared) {
    if (Node* node = shared.load()) static_cast<void>(node->word.load());
  });
}

TEST(BaseUseAfterFree, OfAPlainFieldIsFound) {
  expect_use_after_free([](Atomic<Node*>& shared) {
    Node* node = shared.load();
    shared.load();
    if (node != nullptr) static_cast<void>(node->field.get());
  });
}

// Whose reads have no order, and are in no race.
TEST(BaseUseAfterFree, OfAFixedFieldIsFound) {
  expect_use_after_free([](Atomic<Node*>& shared) {
    Node* node = shared.load();
    shared.load();
    if (node != nullptr) EXPECT_EQ(node->fixed.get(), 7);
  });
}

TEST(BaseUseAfterFree, WhatHadCheckedFieldsIsNotUsedAgainInTheSchedule) {
  const auto memory = RunMemory::create();
  if (memory == nullptr) GTEST_SKIP() << "this build has no memory that is copied back";
  using Buffer = std::array<Atomic<std::uint32_t>, 100>;
  struct Found {
    std::uintptr_t node = 0, again = 0, buffer = 0, buffer_again = 0;
    std::uintptr_t lowest = ~std::uintptr_t{0}, highest = 0, kept = 0, after_kept = 0;
    bool operator==(const Found&) const = default;
  };
  const auto made_and_freed = []<class T>(std::type_identity<T>) {
    auto* at = new T;
    const auto address = reinterpret_cast<std::uintptr_t>(at);
    delete at;
    return address;
  };
  const std::type_identity<Node> a_node;
  const std::type_identity<Buffer> a_buffer;
  Found found[2];
  unsigned run = 0;
  Node* kept = nullptr;
  auto make = [&] {
    Found& into = found[run];
    into.node = made_and_freed(a_node);
    into.again = made_and_freed(a_node);
    into.buffer = made_and_freed(a_buffer);
    into.buffer_again = made_and_freed(a_buffer);
    for (int i = 0; i < 200'000; ++i) {
      const std::uintptr_t at = made_and_freed(a_node);
      into.lowest = std::min(into.lowest, at);
      into.highest = std::max(into.highest, at);
    }
    into.kept = reinterpret_cast<std::uintptr_t>(kept);
    delete kept;
    into.after_kept = made_and_freed(a_node);
  };
  const FiberBody bodies[] = {body(make)};
  ModelRunner runner;
  RandomStrategy strategy(1);
  bool is_as_kept = true;
  {
    const UseRunMemory in_use(memory.get());
    kept = new Node;
    ASSERT_TRUE(memory->keep());
    for (; run < 2; ++run) {
      (void)strategy.begin(run);
      (void)runner.run(bodies, strategy);
      memory->restore();
      is_as_kept = is_as_kept && memory->is_as_kept();
    }
  }
  EXPECT_TRUE(is_as_kept);
  EXPECT_NE(found[0].node, found[0].again);
  EXPECT_EQ(found[0].buffer, found[0].buffer_again);
  EXPECT_GT(found[0].highest - found[0].lowest, 1U << 20);
  EXPECT_LT(found[0].highest - found[0].lowest, 4U << 20) << "a megabyte is held back";
  EXPECT_NE(found[0].kept, found[0].after_kept) << "what was kept is held back all the same";
  EXPECT_EQ(found[0], found[1]) << "every schedule begins with the same";
}

}  // namespace
