// Partial-order reduction against the count of classes that is known.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/atomic.h"
#include "base/check.h"
#include "base/lock.h"
#include "base/plain.h"
#include "base/sched.h"
#include "tests/model/explore_toy.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

using Word = Atomic<std::uint32_t>;

TEST(ExploreDpor, IndependentStepsAreOneClass) {
  for (unsigned n = 1; n <= 6; ++n) {
    Word one, two;
    Toy toy;
    toy.threads = {[&] {
                     for (unsigned i = 0; i < n; ++i) (void)one.fetch_add(1);
                   },
                   [&] {
                     for (unsigned i = 0; i < n; ++i) (void)two.fetch_add(1);
                   }};
    EXPECT_EQ(classes_of(toy), 1U) << n;
  }
}

// What is asked for comes about: no run is begun and then given up.
TEST(ExploreDpor, NoRunIsInVainWhereStepsDoNotMeet) {
  Word one, two;
  Plain<int> mine, yours;
  Toy toy;
  toy.threads = {[&] {
                   (void)one.fetch_add(1);
                   mine = 1;
                   (void)one.load();
                 },
                 [&] {
                   (void)two.fetch_add(1);
                   yours = 1;
                   (void)two.load();
                 }};
  DporStrategy dpor;
  const Visited visited = visit(toy, dpor);
  EXPECT_EQ(visited.ended, 1U);
  EXPECT_EQ(visited.abandoned, 0U);
  EXPECT_TRUE(visited.complete);
}

// n writers of one word: every order of them is another class.
TEST(ExploreDpor, WritersOfOneWordAreAsManyClassesAsOrders) {
  std::uint64_t orders = 1;
  for (unsigned n = 1; n <= 5; ++n) {
    orders *= n;
    Word word;
    Toy toy;
    for (unsigned i = 0; i < n; ++i) toy.threads.push_back([&word, i] { word.store(i + 1); });
    toy.reset = [&] { word.store(0); };
    toy.result = [&] { return std::to_string(word.load()); };
    EXPECT_EQ(classes_of(toy), orders) << n;
  }
}

// The first and the last of more threads than a clock has room for at first.
TEST(ExploreDpor, ClocksGrowWithTheThreadsAndForgetNothing) {
  Word word;
  std::vector<Word> own(12);
  Toy toy;
  for (unsigned i = 0; i < own.size(); ++i)
    toy.threads.push_back([&, i] {
      (void)own[i].fetch_add(1);
      if (i % 5 == 0) word.store(i + 1);
    });
  toy.reset = [&] { word.store(0); };
  toy.result = [&] { return std::to_string(word.load()); };
  // All orders of twelve threads are too many to be held against it.
  DporStrategy dpor;
  const Visited reduced = visit(toy, dpor);
  EXPECT_TRUE(reduced.complete);
  EXPECT_EQ(reduced.ended, 6U);
  EXPECT_EQ(reduced.results, (std::set<std::string>{"clean 1", "clean 6", "clean 11"}));
}

// One writer and n readers of a word: each reader is before it or after, among themselves
// they do not matter.
TEST(ExploreDpor, ReadersDoNotSeeEachOther) {
  for (unsigned n = 1; n <= 4; ++n) {
    Word word;
    std::vector<std::uint32_t> seen(n);
    Toy toy;
    toy.threads.push_back([&] { word.store(1); });
    for (unsigned i = 0; i < n; ++i) toy.threads.push_back([&, i] { seen[i] = word.load(); });
    toy.reset = [&] { word.store(0); };
    toy.result = [&] {
      std::string text;
      for (const std::uint32_t each : seen) text += std::to_string(each);
      return text;
    };
    EXPECT_EQ(classes_of(toy), std::uint64_t{1} << n) << n;
  }
}

// Contents of frames meet by the frame, whichever bytes of it; what one step copies is one
// step, of two frames.
TEST(ExploreDpor, ContentsMeetByTheirFrames) {
  constexpr std::size_t kFrame = 4096;
  struct alignas(kFrame) Frame {
    std::uint64_t words[kFrame / sizeof(std::uint64_t)];
  };
  static Frame frames[3];
  const auto store = [](unsigned frame, unsigned word, std::uint64_t value) {
    std::uint64_t* at = &frames[frame].words[word];
    sched_point(Access::kBytesWrite, at, sizeof *at);
    *at = value;
  };
  const auto copy = [](unsigned to, unsigned from) {
    sched_point(Access::kBytesRead, &frames[from], kFrame);
    sched_touched(Access::kBytesWrite, &frames[to], kFrame);
    frames[to] = frames[from];
  };
  Toy toy;
  toy.reset = [] {
    for (Frame& frame : frames) frame = {};
  };
  toy.result = [] {
    return std::to_string(frames[0].words[0]) + " " + std::to_string(frames[1].words[0]);
  };
  toy.threads = {[&] { store(0, 0, 1); }, [&] { store(1, 0, 1); }};
  EXPECT_EQ(classes_of(toy), 1U);
  toy.threads = {[&] { store(0, 0, 1); }, [&] { store(0, 9, 1); }};
  EXPECT_EQ(classes_of(toy), 2U);
  // The copy against who stores to what it reads, and to what it writes.
  toy.threads = {[&] { copy(1, 0); }, [&] { store(0, 0, 1); }};
  EXPECT_EQ(classes_of(toy), 2U);
  toy.threads = {[&] { copy(1, 0); }, [&] { store(1, 0, 1); }};
  EXPECT_EQ(classes_of(toy), 2U);
  toy.threads = {[&] { copy(1, 0); }, [&] { copy(2, 0); }};
  EXPECT_EQ(classes_of(toy), 1U);
  // Two frames at once, as of a huge page.
  toy.threads = {[] { sched_point(Access::kBytesWrite, &frames[0], 2 * kFrame); },
                 [&] { store(1, 3, 1); }, [&] { store(2, 3, 1); }};
  EXPECT_EQ(classes_of(toy), 2U);
}

// Adds whose result nobody looks at commute; those that somebody looks at do not.
TEST(ExploreDpor, AddsCommuteUnlessTheirResultIsLookedAt) {
  std::uint32_t word = 0, seen[3] = {};
  Toy blind;
  for (unsigned i = 0; i < 3; ++i) blind.threads.push_back([&] { atomics::add(&word, 1U); });
  blind.reset = [&] { word = 0; };
  blind.result = [&] { return std::to_string(word); };
  EXPECT_EQ(classes_of(blind), 1U);
  Toy looking;
  for (unsigned i = 0; i < 3; ++i)
    looking.threads.push_back([&, i] { seen[i] = atomics::fetch_add(&word, 1U); });
  looking.reset = blind.reset;
  looking.result = [&] {
    return std::to_string(seen[0]) + std::to_string(seen[1]) + std::to_string(seen[2]);
  };
  EXPECT_EQ(classes_of(looking), 6U);
  // Two blind adds and one who loads: it sees none, one of either, or both.
  Toy third;
  third.threads = {[&] { atomics::add(&word, 1U); }, [&] { atomics::add(&word, 2U); },
                   [&] { seen[0] = atomics::load(&word); }};
  third.reset = blind.reset;
  third.result = [&] { return std::to_string(seen[0]); };
  EXPECT_EQ(classes_of(third), 4U);
}

TEST(ExploreDpor, FieldsOfOneWordAreAsGoodAsWords) {
  std::uint64_t word = 0;
  std::uint64_t seen[2] = {};
  Toy apart;
  apart.threads = {[&] { seen[0] = atomics::set_bits(&word, std::uint64_t{0x0f}); },
                   [&] { seen[1] = atomics::set_bits(&word, std::uint64_t{0xf0}); },
                   [&] { (void)atomics::load_bits(&word, std::uint64_t{0x100}); }};
  apart.reset = [&] { word = 0; };
  apart.result = [&] { return std::to_string(seen[0]) + " " + std::to_string(seen[1]); };
  EXPECT_EQ(classes_of(apart), 1U);
  Toy meeting;
  meeting.threads = {[&] { seen[0] = atomics::set_bits(&word, std::uint64_t{0x1f}); },
                     [&] { seen[1] = atomics::clear_bits(&word, std::uint64_t{0xf0}); }};
  meeting.reset = apart.reset;
  meeting.result = [&] { return apart.result() + " " + std::to_string(word); };
  EXPECT_EQ(classes_of(meeting), 2U);
  // A half of the word, by its address.
  Toy halves;
  halves.threads = {[&] { atomics::store(reinterpret_cast<std::uint32_t*>(&word), 1U); },
                    [&] { atomics::store(reinterpret_cast<std::uint32_t*>(&word) + 1, 1U); },
                    [&] { seen[0] = atomics::load_bits(&word, std::uint64_t{1} << 32); }};
  halves.reset = apart.reset;
  halves.result = [&] { return std::to_string(seen[0]); };
  EXPECT_EQ(classes_of(halves), 2U);
}

// Two that fail to swap have only looked.
TEST(ExploreDpor, ASwapThatFailsIsALook) {
  Word word;
  Toy toy;
  for (unsigned i = 0; i < 3; ++i)
    toy.threads.push_back([&] {
      std::uint32_t expected = 7;
      (void)word.compare_exchange(expected, 1);
    });
  toy.reset = [&] { word.store(0); };
  EXPECT_EQ(classes_of(toy), 1U);
}

// A lock goes from hand to hand in every order, and who waits for it makes no classes.
TEST(ExploreDpor, LocksAreHandedOverInEveryOrder) {
  std::uint64_t orders = 1;
  for (unsigned n = 2; n <= 5; ++n) {
    orders *= n;
    Mutex mutex;
    Plain<std::uint32_t> order{0};
    Toy toy;
    for (unsigned i = 0; i < n; ++i)
      toy.threads.push_back([&, i] {
        mutex.lock();
        order = order * 10 + i + 1;
        mutex.unlock();
      });
    toy.reset = [&] { order = 0; };
    toy.result = [&] { return std::to_string(order.get()); };
    EXPECT_EQ(classes_of(toy), orders) << n;
  }
}

// Who holds two locks and who takes them the other way round: one after the other, or both
// wait for ever.
TEST(ExploreDpor, LocksInTwoOrdersAreADeadlock) {
  Mutex one, two;
  Toy toy;
  const auto both = [](Mutex& first, Mutex& second) {
    first.lock();
    second.lock();
    second.unlock();
    first.unlock();
  };
  toy.threads = {[&] { both(one, two); }, [&] { both(two, one); }};
  toy.reset = [&] {
    new (&one) Mutex();
    new (&two) Mutex();
  };
  EXPECT_EQ(classes_of(toy), 3U);
  DporStrategy dpor;
  EXPECT_EQ(visit(toy, dpor).results, (std::set<std::string>{"clean ", "deadlock"}));
}

TEST(ExploreDpor, WhoOnlyTriesALockMayFail) {
  Mutex mutex;
  bool got[2] = {};
  Toy toy;
  toy.threads = {[&] {
                   mutex.lock();
                   mutex.unlock();
                 },
                 [&] {
                   got[1] = mutex.try_lock();
                   if (got[1]) mutex.unlock();
                 }};
  toy.result = [&] { return std::to_string(got[1]); };
  EXPECT_EQ(classes_of(toy), 3U);  // before, while it is held, after
}

// Readers of a lock do not see each other; a writer is before each of them or after.
TEST(ExploreDpor, ReadersOfALockCommute) {
  RwLock lock;
  Toy toy;
  for (unsigned i = 0; i < 3; ++i)
    toy.threads.push_back([&] {
      lock.lock_shared();
      lock.unlock_shared();
    });
  toy.reset = [&] { new (&lock) RwLock(); };
  EXPECT_EQ(classes_of(toy), 1U);
  Plain<std::uint32_t> field{0};
  std::uint32_t seen = 0;
  Toy with_writer;
  with_writer.threads = {[&] {
                           lock.lock_shared();
                           seen = field;
                           lock.unlock_shared();
                         },
                         [&] {
                           lock.lock();
                           field = 1;
                           lock.unlock();
                         }};
  with_writer.reset = [&] {
    new (&lock) RwLock();
    field = 0;
  };
  with_writer.result = [&] { return std::to_string(seen); };
  (void)classes_of(with_writer);
}

// One who fails while he holds a lock keeps nobody from having been first.
TEST(ExploreDpor, WhatEndsARunHidesNothing) {
  Mutex mutex;
  Plain<std::uint32_t> value{0};
  Toy toy;
  toy.threads = {[&] {
                   mutex.lock();
                   PAGEBOX_CHECK(value.get() != 0);
                   mutex.unlock();
                 },
                 [&] {
                   mutex.lock();
                   value = 1;
                   mutex.unlock();
                 }};
  toy.reset = [&] {
    new (&mutex) Mutex();
    value = 0;
  };
  DporStrategy dpor;
  EXPECT_EQ(visit(toy, dpor).results, (std::set<std::string>{"clean ", "assertion"}));
}

TEST(ExploreDpor, AWakeThatComesTooEarlyIsADeadlockInSomeOrder) {
  std::uint32_t word = 0;
  Word flag;
  Toy toy;
  toy.threads = {[&] {
                   if (flag.load() == 0) wait_on(&word, 0);  // looks, then sleeps
                 },
                 [&] {
                   flag.store(1);
                   wake(&word);
                 }};
  toy.reset = [&] { flag.store(0); };
  EXPECT_EQ(classes_of(toy), 3U);
  DporStrategy dpor;
  EXPECT_EQ(visit(toy, dpor).results, (std::set<std::string>{"clean ", "deadlock"}));
}

// A race of plain fields that only one order of two adds shows.
TEST(ExploreDpor, PlainFieldsTakePart) {
  std::uint32_t word = 0;
  Plain<std::uint32_t> field{0};
  Toy toy;
  toy.threads = {[&] {
                   field = 1;
                   atomics::add(&word, 1U);
                 },
                 [&] {
                   atomics::add(&word, 1U);
                   (void)field.get();
                 }};
  const Three three = three_ways(toy);
  EXPECT_TRUE(three.reduced.results.contains("data race"));
  EXPECT_EQ(three.reduced.results, three.all.results);
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
