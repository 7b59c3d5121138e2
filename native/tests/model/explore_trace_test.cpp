// A trace that is taken back to a mark is the trace that never went further.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/rng.h"
#include "explore/dependence.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::array<std::uint64_t, 8> words;

/// Steps of `fibers` fibers on a few words, drawn.
void go_on(Trace& trace, Rng& rng, unsigned fibers, unsigned steps) {
  constexpr std::array kKinds = {Access::kLoad, Access::kStore,    Access::kRmw,  Access::kAdd,
                                 Access::kCas,  Access::kAddLook,  Access::kLock, Access::kUnlock,
                                 Access::kWait, Access::kPlainRead};
  for (unsigned i = 0; i < steps; ++i) {
    trace.add_event(static_cast<FiberId>(rng.below(fibers)),
                    rng.below(2) == 0 ? Trace::kNone : static_cast<Trace::Index>(i));
    for (std::uint64_t touches = 1 + rng.below(3); touches != 0; --touches) {
      PendingAccess what;
      what.at =
          reinterpret_cast<const std::byte*>(&words[rng.below(words.size())]) + 4 * rng.below(2);
      what.bytes = 4;
      what.access = kKinds[rng.below(kKinds.size())];
      trace.touch(what, what.writes() && rng.below(4) != 0, 0);
    }
    if (rng.below(8) != 0) continue;
    trace.wake(&words[rng.below(words.size())], 0);
    trace.enabled(trace.events().back().fiber, fiber_bit(static_cast<FiberId>(rng.below(fibers))));
  }
}

void expect_equal(const Trace& one, const Trace& other) {
  ASSERT_EQ(one.events().size(), other.events().size());
  for (std::size_t i = 0; i < one.events().size(); ++i) {
    const Trace::Event &a = one.events()[i], &b = other.events()[i];
    ASSERT_EQ(a.fiber, b.fiber) << i;
    ASSERT_EQ(a.ordinal, b.ordinal) << i;
    ASSERT_EQ(a.choice, b.choice) << i;
    ASSERT_EQ(one.touches(a).size(), other.touches(b).size()) << i;
    for (std::size_t t = 0; t < one.touches(a).size(); ++t) {
      ASSERT_EQ(one.touches(a)[t].granule, other.touches(b)[t].granule) << i;
      ASSERT_EQ(one.touches(a)[t].bits, other.touches(b)[t].bits) << i;
      ASSERT_EQ(one.touches(a)[t].effect, other.touches(b)[t].effect) << i;
    }
  }
}

/// Of steps from `from` on: a trace that was taken back does not know of races before.
void expect_equal_races(const Trace& one, const Trace& other, Trace::Index from) {
  std::vector<Trace::Race> of_other;
  for (const Trace::Race& race : other.races())
    if (race.later >= from) of_other.push_back(race);
  ASSERT_EQ(one.races().size(), of_other.size());
  for (std::size_t i = 0; i < of_other.size(); ++i) {
    ASSERT_EQ(one.races()[i].earlier, of_other[i].earlier) << i;
    ASSERT_EQ(one.races()[i].later, of_other[i].later) << i;
    ASSERT_EQ(one.initials(one.races()[i]), other.initials(of_other[i])) << i;
  }
}

// Many fibers: clocks grow wider behind the mark, or before it.
TEST(ExploreTrace, TakenBackItIsAsIfItHadNotGoneOn) {
  std::uint64_t races = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Rng draws(seed);
    const auto few = 2 + static_cast<unsigned>(draws.below(3));
    const unsigned many = draws.below(3) == 0 ? 20 : few;
    Trace went, straight;
    went.begin();
    straight.begin();
    std::vector<std::function<void(Trace&)>> way;
    std::vector<Trace::Mark> marks;
    for (unsigned part = 0; part < 4; ++part) {
      way.emplace_back([seed, part, few, many](Trace& trace) {
        Rng rng(seed * 16 + part);
        go_on(trace, rng, part == 2 ? many : few, static_cast<unsigned>(rng.below(12)));
      });
      marks.push_back(went.mark());
      way.back()(went);
    }
    // Back to one of the marks, and another way from there; twice, the second not behind the first.
    std::size_t back = draws.below(4);
    for (unsigned turn = 0; turn < 2; ++turn) {
      went.rewind(marks[back]);
      const Trace::Index from = marks[back].events;
      straight.begin();
      for (std::size_t part = 0; part < back; ++part) way[part](straight);
      expect_equal(went, straight);
      ASSERT_EQ(straight.events().size(), from);
      for (Trace* each : {&went, &straight}) {
        Rng rng(seed * 16 + 8 + turn);
        go_on(*each, rng, few, 12);
      }
      expect_equal(went, straight);
      expect_equal_races(went, straight, from);
      races += went.races().size();
      if (::testing::Test::HasFatalFailure()) {
        ADD_FAILURE() << "seed " << seed << " turn " << turn;
        return;
      }
      back = draws.below(back + 1);
    }
  }
  EXPECT_GT(races, 1000U);
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
