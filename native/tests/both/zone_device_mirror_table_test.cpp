// A device's page table: runs of entries against asking for each.
#include "zone_device/mirror_table.h"

#include <gtest/gtest.h>

#include <set>

#include "base/rng.h"

namespace pagebox {
namespace {

TEST(MirrorTable, ARunEndsAtTheFirstPageWithoutAnEntry) {
  Rng rng(11);
  for (unsigned round = 0; round < 200; ++round) {
    MirrorTable table;
    std::set<std::uint64_t> there;
    const std::uint64_t first = rng.below(130), pages = rng.below(300);
    const unsigned holes = static_cast<unsigned>(rng.below(3));
    for (std::uint64_t page = first; page < first + pages; ++page) there.insert(page);
    for (unsigned i = 0; i < holes; ++i) there.erase(first + rng.below(pages + 1));
    for (const std::uint64_t page : there) table.set(page * kPageBytes, {Pfn{page}});
    for (unsigned look = 0; look < 40; ++look) {
      const std::uint64_t from = rng.below(450), most = rng.below(350);
      std::uint64_t run = 0;
      while (run < most && there.contains(from + run)) ++run;
      EXPECT_EQ(table.run_from(from * kPageBytes, most), run) << from << " " << most;
    }
  }
}

}  // namespace
}  // namespace pagebox
