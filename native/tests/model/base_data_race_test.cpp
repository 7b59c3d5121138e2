// Happens-before: which pairs of plain accesses are reported, and which are not.
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/atomic.h"
#include "base/completion.h"
#include "base/lock.h"
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

TEST(BaseDataRace, AFieldThatIsMadeAnewHasNoPast) {
  alignas(Plain<int>) static std::byte room[sizeof(Plain<int>)];
  auto make = [] {
    auto* field = ::new (room) Plain<int>;
    *field = 1;
    field->~Plain();
  };
  const FiberBody bodies[] = {body(make), body(make)};
  EXPECT_EQ(random_runs(bodies, 100, [] {})[Outcome::kClean], 100U);
}

}  // namespace
