// How runs end badly, and that the runner is usable afterwards.
#include <gtest/gtest.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/lock.h"
#include "base/retry.h"
#include "base_run_helpers.h"

namespace {

using namespace pagebox;
using pagebox::testing::body;
using pagebox::testing::random_runs;

TEST(BaseRunEnd, DeadlockOfTwoLocksIsFound) {
  SpinLock first;
  SpinLock second;
  auto one = [&] {
    Guard a(first);
    Guard b(second);
  };
  auto other = [&] {
    Guard b(second);
    Guard a(first);
  };
  const auto reset = [&] {
    if (first.is_locked()) first.unlock();
    if (second.is_locked()) second.unlock();
  };
  const FiberBody crossed[] = {body(one), body(other)};
  const auto bad = random_runs(crossed, 500, reset);
  EXPECT_GT(bad[Outcome::kDeadlock], 50U);
  EXPECT_EQ(bad[Outcome::kDeadlock] + bad[Outcome::kClean], 500U);
  const FiberBody ordered[] = {body(one), body(one)};
  EXPECT_EQ(random_runs(ordered, 500, reset)[Outcome::kClean], 500U);
}

TEST(BaseRunEnd, DeadlockNamesTheSleepers) {
  SpinLock lock;
  auto twice = [&] {
    lock.lock();
    lock.lock();
  };
  auto nothing = [] {};
  const FiberBody bodies[] = {body(nothing), body(twice)};
  ModelRunner runner;
  RandomStrategy strategy(1);
  const RunOutcome outcome = runner.run(bodies, strategy);
  EXPECT_EQ(outcome.end, Outcome::kDeadlock);
  EXPECT_EQ(outcome.sleeping, fiber_bit(1));
  EXPECT_EQ(outcome.pending[1].access, Access::kLock);
}

TEST(BaseRunEnd, SpinLoopsWithoutEndAreALivelock) {
  Atomic<std::uint32_t> never;
  auto spin = [&] {
    while (never.load() == 0) cpu_relax();
  };
  const FiberBody bodies[] = {body(spin), body(spin)};
  EXPECT_EQ(random_runs(bodies, 3, [] {})[Outcome::kLivelock], 3U);
}

/// Each says what it wants and looks whether the other does: then both let go and try again.
struct AfterYou {
  Atomic<std::uint32_t> wants[2];
  std::uint64_t tries = 0;

  void enter(unsigned me) {
    for (Retry retry("the other to let go"); tries < 1000; ++tries) {
      wants[me].store(1);
      if (wants[1 - me].load() == 0) break;
      wants[me].store(0);
      if (!retry.again()) break;
    }
    wants[me].store(0);
  }
  void reset() {
    for (auto& each : wants) each.store(0);
    tries = 0;
  }
};

/// Step by step in turn.
class InTurn final : public Strategy {
 public:
  bool begin(std::uint64_t) override { return true; }
  FiberId next_fiber(const Choice& choice) override {
    const FiberSet others = choice.runnable & ~fiber_bit(last_);
    last_ = static_cast<FiberId>(std::countr_zero(others != 0 ? others : choice.runnable));
    return last_;
  }

 private:
  FiberId last_ = 0;
};

TEST(BaseRunEnd, TwoThatKeepEachOtherFromGettingOnAreALivelock) {
  AfterYou door;
  auto one = [&] { door.enter(0); };
  auto other = [&] { door.enter(1); };
  const FiberBody bodies[] = {body(one), body(other)};
  ModelRunner runner;
  InTurn in_turn;
  EXPECT_EQ(runner.run(bodies, in_turn).end, Outcome::kLivelock);
  EXPECT_LT(door.tries, 200U);
}

TEST(BaseRunEnd, WhoFailsAFewTimesByChanceIsNoLivelock) {
  AfterYou door;
  auto one = [&] { door.enter(0); };
  auto other = [&] { door.enter(1); };
  const FiberBody bodies[] = {body(one), body(other)};
  EXPECT_EQ(random_runs(bodies, 2000, [&] { door.reset(); })[Outcome::kClean], 2000U);
}

TEST(BaseRunEnd, WhoTriesAgainWhileAnotherWorksIsNoLivelock) {
  Atomic<std::uint32_t> done, work;
  auto waits = [&] {
    for (Retry retry("the other to be done"); done.load() == 0;)
      if (!retry.again()) return;
  };
  auto slow = [&] {
    for (int i = 0; i < 500; ++i) work.fetch_add(1);
    done.store(1);
  };
  const FiberBody bodies[] = {body(waits), body(waits), body(slow)};
  EXPECT_EQ(random_runs(bodies, 100, [&] { done.store(0); })[Outcome::kClean], 100U);
}

TEST(BaseRunEnd, ASpinLoopEndsWhenAnotherComesAlong) {
  Atomic<std::uint32_t> done;
  Atomic<std::uint32_t> work;
  auto spin = [&] {
    while (done.load() == 0) cpu_relax();
  };
  auto slow = [&] {
    for (int i = 0; i < 5000; ++i) work.fetch_add(1);
    done.store(1);
  };
  const FiberBody bodies[] = {body(spin), body(slow)};
  EXPECT_EQ(random_runs(bodies, 20, [&] { done.store(0); })[Outcome::kClean], 20U);
}

TEST(BaseRunEnd, LimitStopsALongRun) {
  Atomic<std::uint32_t> word;
  auto forever = [&] {
    for (;;) word.fetch_add(1);
  };
  const FiberBody bodies[] = {body(forever), body(forever)};
  RunLimits limits;
  limits.max_steps = 100;
  EXPECT_EQ(random_runs(bodies, 10, [] {}, limits)[Outcome::kLimit], 10U);
}

TEST(BaseRunEnd, AssertionSaysWhich) {
  Atomic<std::uint32_t> word;
  auto wrong = [&] {
    word.fetch_add(1);
    PAGEBOX_CHECK(word.load() == 7);
  };
  const FiberBody bodies[] = {body(wrong)};
  ModelRunner runner;
  RandomStrategy strategy(1);
  const RunOutcome outcome = runner.run(bodies, strategy);
  EXPECT_EQ(outcome.end, Outcome::kAssertion);
  EXPECT_STREQ(outcome.text, "word.load() == 7");
  EXPECT_EQ(outcome.fiber, 0);
  EXPECT_EQ(outcome_name(outcome.end), "assertion");
}

TEST(BaseRunEnd, AssertionBeforeTheFirstPoint) {
  Atomic<std::uint32_t> word;
  auto fine = [&] { word.fetch_add(1); };
  auto wrong = [] { PAGEBOX_CHECK(false); };
  const FiberBody bodies[] = {body(fine), body(wrong), body(fine)};
  ModelRunner runner;
  RandomStrategy strategy(1);
  EXPECT_EQ(runner.run(bodies, strategy).end, Outcome::kAssertion);
  const FiberBody good[] = {body(fine), body(fine)};
  EXPECT_EQ(runner.run(good, strategy).end, Outcome::kClean);
}

TEST(BaseRunEnd, DaemonsMaySleepForever) {
  Atomic<std::uint32_t> queue;
  Atomic<std::uint32_t> served;
  auto serve = [&] {
    for (;;) {
      while (queue.load() == 0) wait_on(queue.address(), 0);
      queue.fetch_sub(1);
      served.fetch_add(1);
    }
  };
  auto ask = [&] {
    if (current_fiber() == 0) spawn(body(serve), SpawnKind::kDaemon);
    for (int i = 0; i < 3; ++i) {
      queue.fetch_add(1);
      wake(queue.address());
    }
  };
  const FiberBody bodies[] = {body(ask), body(ask)};
  ModelRunner runner;
  RandomStrategy strategy(1);
  explore_runs(
      runner, bodies, strategy, {}, 500,
      [&] {
        queue.store(0);
        served.store(0);
      },
      [&](const RunOutcome& outcome) {
        EXPECT_EQ(outcome.end, Outcome::kClean);
        EXPECT_EQ(served.load(), 6U);
        return true;
      });
}

TEST(BaseRunEnd, SpawnedBodiesAreWaitedFor) {
  Atomic<std::uint32_t> never;
  auto sleeper = [&] { wait_on(never.address(), 0); };
  auto parent = [&] { EXPECT_EQ(spawn(body(sleeper), SpawnKind::kBody), 1); };
  const FiberBody bodies[] = {body(parent)};
  EXPECT_EQ(random_runs(bodies, 2, [] {})[Outcome::kDeadlock], 2U);
}

TEST(BaseRunEndDeathTest, AWaitOutsideARunIsAMistake) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Atomic<std::uint32_t> word;
  wait_on(word.address(), 1);
  EXPECT_DEATH(wait_on(word.address(), 0), "outside a run");
  EXPECT_DEATH(PAGEBOX_CHECK(1 == 2), "1 == 2 does not hold");
}

}  // namespace
