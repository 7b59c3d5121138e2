// What a thread of random operations knows of letters.
#include "engine/scenario/known.h"

#include <gtest/gtest.h>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// A letter that failed is left alone until a time; that time over, nothing is remembered of it.
TEST(Known, AChildStaysAwayFromWhatItInheritedOfAFailureThatIsNotOver) {
  constexpr std::uint64_t kUntil = 10, kForGood = ~std::uint64_t{0};
  Known known(1, 1, 4);
  known.letter(0, 0)->mapped = known.whole();
  known.letter(0, 0)->shy_until = kUntil;
  known.fork(0, 100, kUntil - 1);
  known.fork(0, 101, kUntil);
  EXPECT_EQ(known.letter(100, 0)->shy_until, kForGood);
  EXPECT_EQ(known.letter(101, 0)->shy_until, kUntil);
  EXPECT_EQ(known.letter(101, 0)->mapped, known.whole());
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
