// A 1-based page under random schedules: who drops it from 2 to 1 frees it, once,
// whoever else looks at the count meanwhile, and its next life is not freed by them.
#include <gtest/gtest.h>

#include "base_run_helpers.h"
#include "mm/swap/release.h"
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {
namespace {

struct CountingDriver final : PagemapDriver {
  void page_free(Cpu&, Page) override {
    frees.fetch_add(1);
    free.store(1);
  }
  FaultResult migrate_to_ram(Cpu&, Vma&, std::uint64_t, Page) override {
    return FaultResult::kSigbus;
  }
  Atomic<std::uint32_t> frees, free;
};

TEST(ZoneDeviceEra, each_life_of_a_page_ends_once) {
  constexpr std::uint64_t kRuns = 4000;
  constexpr Pfn kPfn{kRamPages};
  DeviceBox box(DeviceMemory::kPublic, 4, 4, "linux-4.20");
  CountingDriver driver;
  DevPagemap pagemap(*box.machine, DeviceMemory::kPublic, kPfn, 1, 0, &driver, driver);
  ASSERT_EQ(pagemap.add(), Errc::kOk);
  const Page page = box.machine->page(kPfn);
  std::uint32_t lives = 0;
  std::uint64_t wrong = 0;
  // Runs start with the page in use by one, who lets go and takes it again if it is free.
  auto user = [&] {
    folio_put(box.cpu(0), page);
    if (driver.free.load() == 0) return;
    driver.free.store(0);
    // Busy: one of the others is finding out that it is free.
    if (pagemap.init_page(box.cpu(0), kPfn) != Errc::kOk) return;
    ++lives;
    folio_put(box.cpu(0), page);
  };
  auto looker = [&](unsigned cpu) {
    for (int i = 0; i < 2; ++i)
      if (page.try_ref_add_unless_zero(1)) folio_put(box.cpu(cpu), page);
    if (pagemap.try_get(box.cpu(cpu), page)) folio_put(box.cpu(cpu), page);
  };
  auto first = [&] { looker(1); };
  auto second = [&] { looker(2); };
  const FiberBody bodies[] = {body(user), body(first), body(second)};
  const auto check = [&] {
    if (driver.frees.load() != lives || page.refcount() != 1) ++wrong;
  };
  const Ends ends = random_runs(bodies, kRuns, [&] {
    if (lives > 0) check();
    driver.free.store(0);
    if (pagemap.init_page(box.cpu(0), kPfn) == Errc::kOk) ++lives;
  });
  check();
  EXPECT_EQ(ends[Outcome::kClean], kRuns);
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(lives, kRuns + kRuns / 10);  // a second life in many of them
  pagemap.kill();
  EXPECT_EQ(pagemap.try_remove(), Errc::kOk);
}

}  // namespace
}  // namespace pagebox::testing
