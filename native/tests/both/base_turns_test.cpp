// Bodies in turn on one thread: who waits lets the next go on, and nobody waits for ever.
#include "base/turns.h"

#include <gtest/gtest.h>

#include <string>

#include "base/atomic.h"
#include "base/retry.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

bool never() { return false; }

TEST(Turns, EachRunsUpToWhereItWaits) {
  std::string order;
  bool open = false;
  Turns turns;
  ASSERT_EQ(turns.run({
                          [&] {
                            order += "a";
                            while (!open && Turns::pass()) order += ".";
                            order += "A";
                          },
                          [&] { order += "b"; },
                          [&] {
                            order += "c";
                            open = true;
                            Turns::progressed();
                            order += "C";
                          },
                      },
                      never),
            Errc::kOk);
  EXPECT_EQ(order, "ab.cC.A");
  EXPECT_FALSE(Turns::is_active());
}

TEST(Turns, WhoWaitsForWhatNeverComesIsTold) {
  unsigned gave_up = 0, asked = 0;
  const auto body = [&] {
    while (Turns::pass()) {}
    ++gave_up;
  };
  Turns turns;
  ASSERT_EQ(turns.run({body, body}, [&] { return ++asked <= 3; }), Errc::kOk);
  EXPECT_EQ(gave_up, 2U);
  EXPECT_GT(asked, 3U);
  EXPECT_FALSE(Turns::pass());  // nobody runs
}

TEST(Turns, ARetryPassesTheTurn) {
  Atomic<std::uint32_t> word;
  std::string order;
  Turns turns;
  ASSERT_EQ(turns.run({
                          [&] {
                            for (Retry retry("the word"); word.load() == 0;)
                              if (!retry.wait_on(word.address(), 0)) return;
                            order += "woken";
                          },
                          [&] {
                            word.store(1);
                            order += "set ";
                          },
                      },
                      never),
            Errc::kOk);
  EXPECT_EQ(order, "set woken");
}

TEST(Turns, NestInEachOther) {
  std::string order;
  Turns outer;
  ASSERT_EQ(outer.run({[&] {
                        Turns inner;
                        ASSERT_EQ(inner.run({[&] { order += "x"; }, [&] { order += "y"; }}, never),
                                  Errc::kOk);
                        EXPECT_TRUE(Turns::is_active());
                        order += "z";
                      }},
                      never),
            Errc::kOk);
  EXPECT_EQ(order, "xyz");
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
