// The folio lock's sleepers: nobody sleeps through an unlock.
#include <gtest/gtest.h>

#include "base_run_helpers.h"
#include "mm/folio_state.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

TEST(MmFolioLock, NoSleeperMissesAnUnlock) {
  constexpr std::uint64_t kRuns = 5000;
  MmBox box;
  const auto folio = box.machine->alloc_folio(box.cpu());
  ASSERT_TRUE(folio);
  auto locker = [&] {
    for (int i = 0; i < 2; ++i) {
      folio_lock(folio.value);
      folio_unlock(folio.value);
    }
  };
  const FiberBody bodies[] = {body(locker), body(locker), body(locker)};
  const Ends ends = random_runs(bodies, kRuns, [&] {
    folio.value.clear(Flag::kLocked);
    folio.value.clear(Flag::kWaiters);
  });
  EXPECT_EQ(ends[Outcome::kClean], kRuns);
}

}  // namespace
}  // namespace pagebox::testing
