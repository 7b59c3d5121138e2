// The first pins of a page meet while it is being initialised: each is granted.
#include <gtest/gtest.h>

#include <memory>

#include "base_run_helpers.h"
#include "engine/box/box.h"
#include "pins/registry.h"

namespace pagebox::testing {
namespace {

TEST(PopulateSchedules, NoPinIsRefusedBecauseAnotherOneInitialisesThePage) {
  constexpr std::uint64_t kRuns = 500;
  std::shared_ptr<Box> box;
  std::uint64_t refused = 0;
  auto renew = [&] {
    BoxSettings settings;
    settings.layout = *find_layout("linux-6.12");
    settings.scheme = *find_scheme("refcount-bias");
    settings.pages = 4;
    ASSERT_EQ(Box::create(settings, box), Errc::kOk);
  };
  const auto pin = [&](unsigned shard) { refused += box->pin({1}, 1, shard) == Errc::kOk ? 0 : 1; };
  auto one = [&] { pin(0); };
  auto other = [&] { pin(1); };
  const FiberBody bodies[] = {body(one), body(other)};
  const Ends ends = random_runs(bodies, kRuns, renew);
  EXPECT_EQ(ends[Outcome::kClean], kRuns);
  EXPECT_EQ(refused, 0U);
}

}  // namespace
}  // namespace pagebox::testing
