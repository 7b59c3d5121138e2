// Partial-order reduction of programs that are drawn, against every schedule there is.
#include <gtest/gtest.h>

#include <new>
#include <string>
#include <vector>

#include "base/atomic.h"
#include "base/lock.h"
#include "base/plain.h"
#include "base/rng.h"
#include "base/sched.h"
#include "tests/model/explore_toy.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

using Word = Atomic<std::uint32_t>;

/// Programs of all kinds of accesses, drawn.
struct Drawn {
  explicit Drawn(std::uint64_t seed) {
    Rng rng(seed);
    const unsigned threads = 2 + static_cast<unsigned>(rng.below(2));
    const unsigned most = threads == 2 ? 5 : 3;
    for (unsigned t = 0; t < threads; ++t) {
      auto& ops = programs.emplace_back();
      const std::uint64_t count = 1 + rng.below(most);
      for (std::uint64_t i = 0; i < count; ++i) ops.push_back(rng.below(13) << 8 | rng.below(2));
    }
    seen.resize(threads);
    for (unsigned t = 0; t < threads; ++t) toy.threads.push_back([this, t] { run(t); });
    toy.reset = [this] {
      words[0] = words[1] = 0;
      total = 0;
      bits = 0;
      gate.store(0);
      guarded = 0;
      for (auto& each : seen) each = 0;
      mutex.~SpinLock();
      new (&mutex) Mutex();
    };
    toy.result = [this] {
      std::string text;
      for (const std::uint64_t each : seen) text += std::to_string(each) + " ";
      for (const std::uint32_t each : words) text += std::to_string(each) + " ";
      return text + std::to_string(total) + " " + std::to_string(bits) + " " +
             std::to_string(guarded.get());
    };
  }
  void run(unsigned t) {
    std::uint64_t& mine = seen[t];
    const auto look = [&](std::uint64_t value) { mine = mine * 31 + value + 1; };
    bool holds = false;
    for (const std::uint64_t op : programs[t]) {
      std::uint32_t& word = words[op & 1];
      switch (op >> 8) {
        case 0: look(atomics::load(&word)); break;
        case 1: atomics::store(&word, t + 1); break;
        case 2: look(atomics::fetch_add(&word, 1U)); break;
        case 3:
        case 4: atomics::add(&total, 1U << (8 * (op & 1))); break;
        case 5: look(atomics::load(&total)); break;
        case 6: look(atomics::set_bits(&bits, std::uint64_t{3} << (2 * (op & 1)))); break;
        case 7: look(atomics::load_bits(&bits, std::uint64_t{6} << (2 * (op & 1)))); break;
        case 8: {
          std::uint32_t expected = 0;
          look(atomics::compare_exchange(&word, expected, t + 5) ? 1 : expected);
          break;
        }
        case 9:
          if (holds) break;
          mutex.lock();
          guarded = guarded * 10 + t + 1;
          holds = true;
          break;
        case 10:
          if (!holds) break;
          mutex.unlock();
          holds = false;
          break;
        case 11:
          gate.store(1);
          wake(gate.address());
          break;
        case 12:
          if (t != 0) wait_on(gate.address(), 0);  // may be for ever
          break;
        default: break;
      }
    }
    if (holds) mutex.unlock();
  }
  std::vector<std::vector<std::uint64_t>> programs;
  std::uint32_t words[2] = {}, total = 0;
  std::uint64_t bits = 0;
  Word gate;
  Mutex mutex;
  Plain<std::uint32_t> guarded{0};
  std::vector<std::uint64_t> seen;
  Toy toy;
};

TEST(ExploreDpor, AgreesWithEveryScheduleOfAThousandDrawnPrograms) {
  std::uint64_t classes = 0, schedules = 0, abandoned = 0, slept = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Drawn drawn(seed);
    const Three three = three_ways(drawn.toy);
    ASSERT_TRUE(three.reduced.complete && three.sleeping.complete) << seed;
    if (three.all.complete) {
      ASSERT_EQ(three.reduced.results, three.all.results) << seed;
    }
    ASSERT_EQ(three.sleeping.results, three.reduced.results) << seed;
    ASSERT_EQ(three.reduced.ended, three.sleeping.ended) << seed;
    const Visited shared = shared_by<DporStrategy>(drawn.toy, 2 + seed % 6);
    ASSERT_TRUE(shared.complete) << seed;
    ASSERT_EQ(shared.ended, three.reduced.ended) << seed;
    ASSERT_EQ(shared.results, three.reduced.results) << seed;
    classes += three.reduced.ended;
    schedules += three.all.ended;
    abandoned += three.reduced.abandoned;
    slept += three.sleeping.abandoned;
  }
  EXPECT_LT(classes, schedules / 10);
  EXPECT_LT(abandoned, classes / 100);
  EXPECT_GT(slept, classes);
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
