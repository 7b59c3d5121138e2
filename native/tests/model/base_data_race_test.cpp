// Happens-before: which pairs of plain accesses are reported, and which are not.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "base/atomic.h"
#include "base/completion.h"
#include "base/lock.h"
#include "base/model/run_memory.h"
#include "base/plain.h"
#include "base_run_helpers.h"

namespace {

using namespace pagebox;
using pagebox::testing::body;
using pagebox::testing::random_runs;

TEST(BaseDataRace, UnlockedWritesRaceInEverySchedule) {
  Plain<int> field;
  Atomic<std::uint32_t> noise;
  auto write = [&] {
    noise.load();
    field += 1;
  };
  const FiberBody bodies[] = {body(write), body(write)};
  EXPECT_EQ(random_runs(bodies, 100, [] {})[Outcome::kDataRace], 100U);
}

TEST(BaseDataRace, ReadersAloneDoNotRace) {
  Plain<int> field(3);
  auto read = [&] { EXPECT_EQ(field.get(), 3); };
  const FiberBody bodies[] = {body(read), body(read), body(read)};
  EXPECT_EQ(random_runs(bodies, 10, [] {})[Outcome::kClean], 10U);
}

TEST(BaseDataRace, AReaderAndAWriterRace) {
  Plain<int> field;
  auto read = [&] { static_cast<void>(field.get()); };
  auto write = [&] { field = 1; };
  const FiberBody bodies[] = {body(read), body(write)};
  ModelRunner runner;
  RandomStrategy strategy(1);
  const RunOutcome outcome = runner.run(bodies, strategy);
  EXPECT_EQ(outcome.end, Outcome::kDataRace);
  EXPECT_EQ(outcome.fiber, 1);
  EXPECT_EQ(outcome.other, 0);
}

// Who finds a word in a frame has not waited for who stored it.
TEST(BaseDataRace, ContentsOfFramesOrderNothing) {
  alignas(4096) static std::byte frame[4096];
  Plain<int> field;
  auto write = [&] {
    field = 1;
    sched_point(Access::kBytesWrite, frame, sizeof frame);
  };
  auto read = [&] {
    sched_point(Access::kBytesRead, frame, sizeof frame);
    static_cast<void>(field.get());
  };
  const FiberBody bodies[] = {body(write), body(read)};
  EXPECT_EQ(random_runs(bodies, 20, [] {})[Outcome::kDataRace], 20U);
}

TEST(BaseDataRace, AVectorIsOneField) {
  PlainVector<int> vector;
  auto read = [&] { static_cast<void>(vector.size()); };
  auto write = [&] { vector.push_back(1); };
  const FiberBody readers[] = {body(read), body(read)}, both[] = {body(read), body(write)};
  EXPECT_EQ(random_runs(readers, 10, [] {})[Outcome::kClean], 10U);
  EXPECT_EQ(random_runs(both, 10, [] {})[Outcome::kDataRace], 10U);
}

TEST(BaseDataRace, AVectorUnderItsLockIsOrdered) {
  PlainVector<int> vector;
  SpinLock lock;
  auto write = [&] {
    Guard hold(lock);
    vector.push_back(1);
    vector.erase(vector.begin());
  };
  const FiberBody bodies[] = {body(write), body(write)};
  EXPECT_EQ(random_runs(bodies, 100, [] {})[Outcome::kClean], 100U);
}

TEST(BaseDataRace, AMarkStandsForWhatIsBesideIt) {
  PlainMark mark;
  auto read = [&] { mark.read(); };
  auto write = [&] { mark.write(); };
  const FiberBody bodies[] = {body(read), body(write)};
  EXPECT_EQ(random_runs(bodies, 10, [] {})[Outcome::kDataRace], 10U);
}

/// A word that one stores as a whole, with halves that others reach.
struct Halves {
  alignas(8) std::uint64_t word = 0;
  std::uint32_t* half(unsigned which) { return reinterpret_cast<std::uint32_t*>(&word) + which; }
  std::uint32_t peek(unsigned which) { return *static_cast<volatile std::uint32_t*>(half(which)); }
};

/// Few fibers' clocks lie in one place, many fibers' in another: alone, beside others, and with
/// others that come in between.
class BaseHalves : public ::testing::TestWithParam<const char*> {
 protected:
  static auto runs(std::initializer_list<FiberBody> bodies, std::uint64_t count, auto reset) {
    const std::string crowd = GetParam();
    static auto look = [] { yield_turn(); };
    static auto bring = [] {
      yield_turn();
      for (int i = 0; i < 10; ++i) (void)spawn(body(look), SpawnKind::kBody);
    };
    std::vector<FiberBody> all(bodies);
    if (crowd == "in a crowd") all.resize(bodies.size() + 10, body(look));
    if (crowd == "joined by a crowd") all.push_back(body(bring));
    return random_runs(all, count, reset);
  }
};
INSTANTIATE_TEST_SUITE_P(Crowds, BaseHalves,
                         ::testing::Values("alone", "in a crowd", "joined by a crowd"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::ranges::replace(name, ' ', '_');
                           return name;
                         });

TEST_P(BaseHalves, WhoChangesTheWholeWordHandsOnWhatOneHalfCarries) {
  for (const unsigned which : {0U, 1U}) {
    Plain<int> field;
    Halves halves;
    const std::uint64_t one = std::uint64_t{1} << 32 * which;
    auto store = [&] {
      field = 1;
      atomics::store<std::uint32_t>(halves.half(which), 1);
    };
    auto add = [&] {
      (void)atomics::fetch_add<std::uint64_t>(&halves.word,
                                              (one << 4) | std::uint64_t{2} << 32 | 2);
    };
    auto other = [&] {
      // The sum has come, and the store before it.
      if (atomics::load(halves.half(1 - which)) == 2 && halves.peek(which) == 19)
        static_cast<void>(field.get());
    };
    std::uint64_t met = 0;
    auto count = [&] {
      met += halves.peek(which) == 19 ? 1 : 0;
      halves.word = 0;
    };
    const auto ends = runs({body(store), body(add), body(other)}, 1000, count);
    EXPECT_EQ(ends[Outcome::kClean], 1000U) << which;
    EXPECT_GT(met, 100U) << which;
  }
}

TEST_P(BaseHalves, AWholeWordOrdersEachHalf) {
  Plain<int> field;
  Halves halves;
  auto store = [&] {
    field = 1;
    atomics::store<std::uint64_t>(&halves.word, 1ULL << 32 | 1);
  };
  auto add = [&] { (void)atomics::fetch_add<std::uint32_t>(halves.half(1), 1); };
  auto low = [&] {
    if (atomics::load(halves.half(0)) == 1) static_cast<void>(field.get());
  };
  auto high = [&] {
    if (atomics::load(halves.half(1)) > 1) static_cast<void>(field.get());
  };
  EXPECT_EQ(runs({body(store), body(add), body(low), body(high)}, 1000,
                 [&] { halves.word = 0; })[Outcome::kClean],
            1000U);
}

TEST_P(BaseHalves, WhoReachesOneHalfOrdersNothingByTheOther) {
  Plain<int> field;
  Halves halves;
  auto store = [&] { atomics::store<std::uint64_t>(&halves.word, 1); };
  auto add = [&] {
    field = 1;
    (void)atomics::fetch_add<std::uint32_t>(halves.half(1), 1);
  };
  auto low = [&] {
    (void)atomics::load(halves.half(0));
    // By what nobody was told of: the other has come after who stored.
    if (halves.peek(0) == 1 && halves.peek(1) == 1) static_cast<void>(field.get());
  };
  const auto ends = runs({body(store), body(add), body(low)}, 1000, [&] { halves.word = 0; });
  EXPECT_GT(ends[Outcome::kDataRace], 100U);
  EXPECT_EQ(ends[Outcome::kDataRace] + ends[Outcome::kClean], 1000U);
}

template <class Lock>
void locked_writes_are_ordered() {
  Plain<int> field;
  Lock lock;
  auto write = [&] {
    for (int i = 0; i < 3; ++i) {
      Guard hold(lock);
      field += 1;
    }
  };
  const FiberBody bodies[] = {body(write), body(write), body(write)};
  const auto ends = random_runs(bodies, 1000, [&] { field = 0; });
  EXPECT_EQ(ends[Outcome::kClean], 1000U);
  EXPECT_EQ(field.get(), 9);
}
TEST(BaseDataRace, ASpinLockOrders) { locked_writes_are_ordered<SpinLock>(); }
TEST(BaseDataRace, ARwLockOrders) { locked_writes_are_ordered<RwLock>(); }

TEST(BaseDataRace, WritingUnderAReadLockRaces) {
  Plain<int> field;
  RwLock lock;
  auto write = [&] {
    SharedGuard hold(lock);
    field += 1;
  };
  const FiberBody bodies[] = {body(write), body(write)};
  EXPECT_GT(random_runs(bodies, 200, [] {})[Outcome::kDataRace], 10U);
}

TEST(BaseDataRace, ACompletionOrders) {
  Plain<int> field;
  Completion done;
  auto produce = [&] {
    field = 5;
    done.complete_all();
  };
  auto consume = [&] {
    done.wait();
    EXPECT_EQ(field.get(), 5);
  };
  const FiberBody bodies[] = {body(produce), body(consume), body(consume)};
  EXPECT_EQ(random_runs(bodies, 500, [&] { done.reinit(); })[Outcome::kClean], 500U);
}

TEST(BaseDataRace, AFailedCompareExchangeReleasesNothing) {
  Plain<int> field;
  Atomic<std::uint32_t> word(1);
  auto write = [&] {
    field = 5;
    std::uint32_t expected = 0;
    EXPECT_FALSE(word.compare_exchange(expected, 2));
  };
  auto read = [&] {
    word.load();
    static_cast<void>(field.get());
  };
  const FiberBody bodies[] = {body(write), body(read)};
  EXPECT_EQ(random_runs(bodies, 100, [] {})[Outcome::kDataRace], 100U);
}

// Descriptors are read at 64 bits and written at 32: an edge needs a common byte.
TEST(BaseDataRace, HalvesOfAWordAreDistinct) {
  alignas(8) static std::uint32_t words[2];
  Plain<int> field;
  auto low = [&] {
    field = 5;
    atomics::fetch_add(&words[0], 1U);
  };
  auto high = [&] {
    if (atomics::fetch_add(&words[1], 1U) == 0) field = 6;
  };
  auto whole = [&] {
    const auto seen = atomics::load(reinterpret_cast<std::uint64_t*>(words));
    if ((seen & 1) != 0) {
      EXPECT_EQ(field.get(), 5);
    }
  };
  const auto reset = [&] { words[0] = words[1] = 0; };
  const FiberBody apart[] = {body(low), body(high)};
  EXPECT_EQ(random_runs(apart, 100, reset)[Outcome::kDataRace], 100U);
  const FiberBody common[] = {body(low), body(whole)};
  EXPECT_EQ(random_runs(common, 100, reset)[Outcome::kClean], 100U);
}

TEST(BaseDataRace, SpawnOrdersParentBeforeChild) {
  Plain<int> field;
  auto child = [&] { field += 1; };
  auto parent = [&] {
    field = 1;
    spawn(body(child), SpawnKind::kBody);
  };
  auto careless = [&] {
    spawn(body(child), SpawnKind::kBody);
    field = 1;
  };
  const FiberBody good[] = {body(parent)};
  EXPECT_EQ(random_runs(good, 2, [] {})[Outcome::kClean], 2U);
  const FiberBody bad[] = {body(careless)};
  EXPECT_EQ(random_runs(bad, 2, [] {})[Outcome::kDataRace], 2U);
}

TEST(BaseDataRace, WithoutDetectionPlainAccessesAreSchedulingPoints) {
  Plain<int> field;
  auto write = [&] { field += 1; };
  const FiberBody bodies[] = {body(write), body(write)};
  RunLimits limits;
  limits.detect_races = false;
  ModelRunner runner;
  pagebox::testing::AllSchedules strategy;
  std::uint64_t lost = 0;
  const auto runs = explore_runs(
      runner, bodies, strategy, limits, 100, [&] { field = 0; },
      [&](const RunOutcome&) {
        lost += field.get() != 2 ? 1 : 0;
        return true;
      });
  EXPECT_EQ(runs, 6U);
  EXPECT_EQ(lost, 4U);
}

struct Node {
  Atomic<std::uint32_t> word;
  Plain<int> field;
};

/// On memory that is copied back after each run: what comes of a Node that both reach. Nothing:
/// this build has no such memory.
template <class Use, class Free>
std::map<Outcome, std::uint64_t> runs_on_heap(Use use, Free free) {
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
    auto second = [&] { free(*shared); };
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

TEST(BaseDataRace, UseAfterFreeIsFound) {
  auto ends = runs_on_heap(
      [](Atomic<Node*>& shared) {
        if (Node* node = shared.load()) node->word.fetch_add(1);
      },
      [](Atomic<Node*>& shared) { delete shared.exchange(nullptr); });
  if (ends.empty()) GTEST_SKIP() << "this build has no memory that is copied back";
  EXPECT_GT(ends[Outcome::kUseAfterFree], 20U);
  EXPECT_GT(ends[Outcome::kClean], 20U);
}

// Nothing was written there in this run: of an atomic that is only read.
TEST(BaseDataRace, ALookAfterFreeIsFound) {
  auto ends = runs_on_heap(
      [](Atomic<Node*>& shared) {
        if (Node* node = shared.load()) static_cast<void>(node->word.load());
      },
      [](Atomic<Node*>& shared) { delete shared.exchange(nullptr); });
  if (ends.empty()) GTEST_SKIP() << "this build has no memory that is copied back";
  EXPECT_GT(ends[Outcome::kUseAfterFree], 20U);
  EXPECT_GT(ends[Outcome::kClean], 20U);
}

TEST(BaseDataRace, APlainFieldAfterFreeIsFound) {
  auto ends = runs_on_heap(
      [](Atomic<Node*>& shared) {
        Node* node = shared.load();
        shared.load();
        if (node != nullptr) static_cast<void>(node->field.get());
      },
      [](Atomic<Node*>& shared) { delete shared.exchange(nullptr); });
  if (ends.empty()) GTEST_SKIP() << "this build has no memory that is copied back";
  EXPECT_GT(ends[Outcome::kUseAfterFree], 20U);
  EXPECT_GT(ends[Outcome::kClean], 20U);
  EXPECT_EQ(ends[Outcome::kDataRace], 0U);
}

TEST(BaseDataRace, AFieldThatIsMadeAnewHasNoPast) {
  alignas(Node) static std::byte room[sizeof(Node)];
  auto make = [] {
    Node* node = ::new (room) Node;
    node->field = 1;
    node->~Node();
  };
  const FiberBody bodies[] = {body(make), body(make)};
  EXPECT_EQ(random_runs(bodies, 100, [] {})[Outcome::kClean], 100U);
}

TEST(BaseDataRace, WhatHadCheckedFieldsIsNotUsedAgainInTheSchedule) {
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
