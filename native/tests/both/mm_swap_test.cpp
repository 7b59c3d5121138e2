// Swap slots: as many as there are, and no more.
#include "mm/swap/swap.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

TEST(MmSwap, TheLastSlotIsHandedOutAndNoneBehindIt) {
  MmBox box;
  Swap& swap = box.machine->swap;
  for (std::uint64_t i = 0; i < swap.slots(); ++i)
    ASSERT_TRUE(swap.alloc_slot(Pfn{i + 1})) << i << " of " << swap.slots();
  EXPECT_EQ(swap.alloc_slot(Pfn{1}).error, Errc::kNoSpc);
  EXPECT_EQ(swap.used_slots(), swap.slots());
}

}  // namespace
}  // namespace pagebox::testing
