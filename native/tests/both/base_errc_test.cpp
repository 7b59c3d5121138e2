#include "base/errc.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace {

using pagebox::Errc;
using pagebox::errc_name;
using pagebox::Result;

TEST(BaseErrc, NumbersAreTheSystems) {
  EXPECT_EQ(static_cast<int>(Errc::kFault), EFAULT);
  EXPECT_EQ(static_cast<int>(Errc::kBusy), EBUSY);
  EXPECT_EQ(static_cast<int>(Errc::kOpNotSupp), EOPNOTSUPP);
  EXPECT_EQ(static_cast<int>(Errc::kRemoteIo), EREMOTEIO);
  EXPECT_EQ(static_cast<int>(Errc::kCanceled), ECANCELED);
}

TEST(BaseErrc, NamesAreTheKernels) {
  EXPECT_EQ(errc_name(Errc::kFault), "EFAULT");
  EXPECT_EQ(errc_name(Errc::kCorrupt), "CORRUPT");
  EXPECT_EQ(errc_name(static_cast<Errc>(12345)), "UNKNOWN");
}

TEST(BaseErrc, ResultHoldsAValueOrAReason) {
  const Result<int> good(7);
  const Result<int> bad(Errc::kNoMem);
  EXPECT_TRUE(good);
  EXPECT_EQ(good.value, 7);
  EXPECT_FALSE(bad);
  EXPECT_EQ(bad.error, Errc::kNoMem);
}

TEST(BaseErrc, ResultMovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> made(std::make_unique<int>(3));
  const std::unique_ptr<int> taken = std::move(made.value);
  EXPECT_EQ(*taken, 3);
}

}  // namespace
