// The tools built on the seam, under random schedules.
#include <gtest/gtest.h>

#include "base/completion.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/percpu_ref.h"
#include "base/plain.h"
#include "base/rcu.h"
#include "base/seqcount.h"
#include "base_run_helpers.h"

namespace {

using namespace pagebox;
using pagebox::testing::AllSchedules;
using pagebox::testing::body;
using pagebox::testing::random_runs;

TEST(BaseSync, SpinLockExcludesInEverySchedule) {
  SpinLock lock;
  Plain<int> inside;
  auto enter = [&] {
    Guard hold(lock);
    inside += 1;
  };
  const FiberBody bodies[] = {body(enter), body(enter)};
  ModelRunner runner;
  AllSchedules strategy;
  const auto runs = explore_runs(
      runner, bodies, strategy, {}, 100'000, [&] { inside = 0; },
      [&](const RunOutcome& outcome) {
        EXPECT_EQ(outcome.end, Outcome::kClean);
        EXPECT_EQ(inside.get(), 2);
        EXPECT_FALSE(lock.is_locked());
        return true;
      });
  // To take it is one step that waits for its turn: an order of the two is a schedule.
  EXPECT_EQ(runs, 2U);
}

TEST(BaseSync, RwLockLetsReadersShareAndWritersExclude) {
  RwLock lock;
  Plain<int> field;
  Atomic<std::uint32_t> readers;
  std::uint32_t most = 0;
  auto read = [&] {
    for (int i = 0; i < 2; ++i) {
      SharedGuard hold(lock);
      const int seen = field.get();
      most = std::max(most, readers.fetch_add(1) + 1);
      EXPECT_EQ(field.get(), seen);
      readers.fetch_sub(1);
    }
  };
  auto write = [&] {
    for (int i = 0; i < 2; ++i) {
      Guard hold(lock);
      EXPECT_EQ(readers.load(), 0U);
      field += 1;
    }
  };
  const FiberBody bodies[] = {body(read), body(read), body(write), body(write)};
  EXPECT_EQ(random_runs(bodies, 3000, [] {})[Outcome::kClean], 3000U);
  EXPECT_EQ(most, 2U);
}

TEST(BaseSync, AWaitingWriterStopsNewReaders) {
  RwLock lock;
  Atomic<std::uint32_t> stage;
  auto old_reader = [&] {
    lock.lock_shared();
    stage.store(1);
    while (stage.load() != 2) cpu_relax();
    lock.unlock_shared();
  };
  auto writer = [&] {
    while (stage.load() != 1) cpu_relax();
    Guard hold(lock);
  };
  auto new_reader = [&] {
    while (stage.load() != 1) cpu_relax();
    while (lock.try_lock_shared()) {
      lock.unlock_shared();
      cpu_relax();
    }
    stage.store(2);  // the writer waits: we are kept out
  };
  const FiberBody bodies[] = {body(old_reader), body(writer), body(new_reader)};
  EXPECT_EQ(random_runs(bodies, 300, [&] { stage.store(0); })[Outcome::kClean], 300U);
}

TEST(BaseSync, SeqCountReadersSeeWholeWrites) {
  SeqCount sequence;
  Atomic<std::uint32_t> words[2];
  auto write = [&] {
    for (std::uint32_t i = 1; i <= 3; ++i) {
      sequence.write_begin();
      words[0].store(i);
      words[1].store(i);
      sequence.write_end();
    }
  };
  bool torn = false;
  auto read = [&] {
    std::uint32_t begun = 0;
    std::uint32_t a = 0;
    std::uint32_t b = 0;
    do {
      begun = sequence.read_begin();
      a = words[0].load();
      b = words[1].load();
      torn |= a != b;
    } while (sequence.read_retry(begun));
    EXPECT_EQ(a, b);
  };
  const FiberBody bodies[] = {body(write), body(read)};
  const auto reset = [&] {
    words[0].store(0);
    words[1].store(0);
  };
  EXPECT_EQ(random_runs(bodies, 3000, reset)[Outcome::kClean], 3000U);
  EXPECT_TRUE(torn) << "no schedule needed the retry";
}

TEST(BaseSync, PercpuRefKillWaitsForTheLastPut) {
  PercpuRef ref;
  Plain<int> object;
  auto use = [&] {
    if (!ref.tryget_live(0)) return;
    EXPECT_EQ(object.get(), 1);
    ref.put(0);
  };
  auto remove = [&] {
    ref.kill();
    ref.wait_zero();
    object = 2;  // nobody looks any more, or this races
    EXPECT_FALSE(ref.tryget_live(0));
  };
  const FiberBody bodies[] = {body(use), body(use), body(remove)};
  const auto reset = [&] {
    ref.reinit();
    object = 1;
  };
  EXPECT_EQ(random_runs(bodies, 5000, reset)[Outcome::kClean], 5000U);
}

struct RcuNode {
  RcuHead head;
  Plain<int> value;
  Plain<int>* freed_sum = nullptr;
  static void free(RcuHead* head) {
    auto* node = reinterpret_cast<RcuNode*>(head);
    const int value = node->value;
    node->value = -1;
    *node->freed_sum += value;
  }
};

// One writer replaces the node twice; readers look at whichever they find.
void replace_under_readers(bool with_callbacks) {
  RcuDomain rcu;
  RcuNode nodes[3];
  Plain<int> freed_sum;
  Atomic<RcuNode*> current;
  auto read = [&] {
    RcuReadGuard reading(rcu, 0);
    RcuNode* node = current.load();
    EXPECT_GT(node->value.get(), 0);
    EXPECT_GT(node->value.get(), 0);
  };
  auto replace = [&] {
    for (int i = 1; i < 3; ++i) {
      RcuNode* old = current.exchange(&nodes[i]);
      if (with_callbacks) {
        rcu.call_rcu(&old->head, RcuNode::free);
      } else {
        rcu.synchronize();
        RcuNode::free(&old->head);
      }
    }
  };
  const FiberBody bodies[] = {body(read), body(read), body(replace)};
  ModelRunner runner;
  RandomStrategy strategy(1);
  explore_runs(
      runner, bodies, strategy, {}, 3000,
      [&] {
        rcu.reset();
        for (int i = 0; i < 3; ++i) {
          nodes[i].value = i + 1;
          nodes[i].freed_sum = &freed_sum;
        }
        freed_sum = 0;
        current.store(&nodes[0]);
      },
      [&](const RunOutcome& outcome) {
        EXPECT_EQ(outcome.end, Outcome::kClean) << outcome_name(outcome.end);
        EXPECT_EQ(freed_sum.get(), 3) << "all callbacks run before a run ends";
        return !::testing::Test::HasFailure();
      });
}
TEST(BaseSync, RcuCallbacksWaitForReaders) { replace_under_readers(true); }
TEST(BaseSync, RcuSynchronizeWaitsForReaders) { replace_under_readers(false); }

TEST(BaseSync, FreeingWithoutAGracePeriodIsFound) {
  RcuDomain rcu;
  RcuNode node;
  Plain<int> freed_sum;
  node.freed_sum = &freed_sum;
  Atomic<RcuNode*> current;
  auto read = [&] {
    RcuReadGuard reading(rcu, 0);
    if (RcuNode* seen = current.load()) static_cast<void>(seen->value.get());
  };
  auto replace = [&] { RcuNode::free(&current.exchange(nullptr)->head); };
  const FiberBody bodies[] = {body(read), body(replace)};
  const auto ends = random_runs(bodies, 300, [&] {
    rcu.reset();
    current.store(&node);
  });
  EXPECT_GT(ends[Outcome::kDataRace], 30U);
}

TEST(BaseSync, FileCallsAreWholeSteps) {
  FileStore store;
  File file = std::move(
      File::open(store, "f", OpenFlags::kRead | OpenFlags::kWrite | OpenFlags::kCreate).value);
  auto write_with = [&](char letter) {
    const char bytes[2] = {letter, letter};
    ASSERT_TRUE(file.pwrite(bytes, 2, 0));
  };
  auto a = [&] { write_with('a'); };
  auto b = [&] { write_with('b'); };
  auto read = [&] {
    char bytes[2] = {};
    if (file.pread(bytes, 2, 0).value == 2) {
      EXPECT_EQ(bytes[0], bytes[1]);
    }
  };
  const FiberBody bodies[] = {body(a), body(b), body(read)};
  EXPECT_EQ(random_runs(bodies, 100, [] {})[Outcome::kClean], 100U);
}

}  // namespace
