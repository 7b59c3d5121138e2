// The allocator and a zone under random schedules: no page has two owners, no
// unlocked access, everything back in the end.
#include <gtest/gtest.h>

#include "base_run_helpers.h"
#include "page/setup.h"

namespace {

using namespace pagebox;
using pagebox::testing::body;
using pagebox::testing::random_runs;

TEST(PageSchedules, AllocationAndFreeing) {
  constexpr std::uint64_t kPages = 16;
  std::unique_ptr<Memmap> memmap;
  ASSERT_EQ(Memmap::create(*find_layout("linux-6.12"), kPages, kPages, memmap), Errc::kOk);
  Allocator allocator(*memmap, Pfn{0}, Pfn{kPages});
  std::uint64_t served = 0, shared = 0;
  const auto user = [&](unsigned id, unsigned order) {
    for (int i = 0; i < 2; ++i) {
      const Result<Pfn> block = allocator.alloc(order);
      if (!block) continue;
      const Page page = memmap->page(block.value);
      page.set_word(4, id);
      shared += page.word(4) == id ? 0 : 1;
      ++served;
      if (page.ref_sub(1) == 1) allocator.free(block.value, order);
    }
  };
  auto one = [&] { user(1, 0); };
  auto two = [&] { user(2, 1); };
  auto three = [&] { user(3, 2); };
  const FiberBody bodies[] = {body(one), body(two), body(three)};
  std::uint64_t incomplete = 0;
  const auto reset = [&] {
    incomplete += allocator.free_pages() == kPages ? 0 : 1;
    memmap->reset();
    allocator.reset();
  };
  EXPECT_EQ(random_runs(bodies, 2000, reset)[Outcome::kClean], 2000U);
  EXPECT_EQ(served, 12000U);
  EXPECT_EQ(shared, 0U);
  EXPECT_EQ(incomplete, 0U);
}

TEST(PageSchedules, ListsOfProcessors) {
  constexpr std::uint64_t kPages = 192;
  std::unique_ptr<Memmap> memmap;
  ASSERT_EQ(Memmap::create(*find_layout("linux-6.12"), kPages, kPages, memmap), Errc::kOk);
  Allocator allocator(*memmap, Pfn{0}, Pfn{kPages});
  allocator.set_cpus(2, 2);
  std::uint64_t served = 0, shared = 0;
  const auto user = [&](unsigned id, unsigned order, unsigned cpu) {
    for (int i = 0; i < 3; ++i) {
      const Result<Pfn> block = allocator.alloc(order, cpu);
      if (!block) continue;
      const Page page = memmap->page(block.value);
      page.set_word(4, id);
      shared += page.word(4) == id ? 0 : 1;
      ++served;
      // Once to the list of the other.
      if (page.ref_sub(1) == 1) allocator.free(block.value, order, i == 1 ? 1 - cpu : cpu);
      if (i == 1) allocator.drain_cpus();
    }
  };
  auto one = [&] { user(1, 0, 0); };
  auto two = [&] { user(2, 0, 1); };
  auto three = [&] { user(3, 5, 0); };
  const FiberBody bodies[] = {body(one), body(two), body(three)};
  std::uint64_t incomplete = 0;
  const auto reset = [&] {
    incomplete += allocator.free_pages() == kPages ? 0 : 1;
    memmap->reset();
    allocator.reset();
  };
  EXPECT_EQ(random_runs(bodies, 2000, reset)[Outcome::kClean], 2000U);
  EXPECT_EQ(served, 18000U);
  EXPECT_EQ(shared, 0U);
  EXPECT_EQ(incomplete, 0U);
}

TEST(PageSchedules, IsolationAndPutback) {
  std::unique_ptr<Memmap> memmap;
  ASSERT_EQ(Memmap::create(*find_layout("linux-4.20"), 4, 4, memmap), Errc::kOk);
  Zone zone(*memmap, kZoneNormal);
  std::uint64_t won = 0, lost = 0, failed = 0;
  const auto user = [&](std::uint64_t first) {
    for (const std::uint64_t pfn : {first, std::uint64_t{1}}) {
      const Page page = memmap->page({pfn});
      const Result<bool> isolated = zone.isolate(page);
      failed += isolated ? 0 : 1;
      ++(isolated.value ? won : lost);
      if (isolated.value && zone.putback(page) != Errc::kOk) ++failed;
    }
  };
  auto one = [&] { user(0); };
  auto two = [&] { user(1); };
  auto three = [&] { user(2); };
  const FiberBody bodies[] = {body(one), body(two), body(three)};
  const auto reset = [&] {
    memmap->reset();
    zone.reset();
    for (std::uint64_t pfn = 0; pfn < 3; ++pfn)
      failed += setup_page(*memmap, zone, {pfn}, {}) == Errc::kOk ? 0 : 1;
  };
  EXPECT_EQ(random_runs(bodies, 2000, reset)[Outcome::kClean], 2000U);
  EXPECT_EQ(failed, 0U);
  EXPECT_EQ(won + lost, 12000U);
  EXPECT_GT(lost, 0U);  // schedules met in the middle
  EXPECT_EQ(zone.length(LruKind::kInactiveAnon), 3U);
}

}  // namespace
