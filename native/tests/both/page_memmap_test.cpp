#include "page/memmap.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include <chrono>
#include <fstream>
#include <vector>

#include "page/frames.h"

namespace pagebox {
namespace {

std::unique_ptr<Memmap> make(std::string_view layout, std::uint64_t pages,
                             std::uint64_t capacity = 0) {
  std::unique_ptr<Memmap> memmap;
  EXPECT_EQ(Memmap::create(*find_layout(layout), pages, capacity == 0 ? pages : capacity, memmap),
            Errc::kOk);
  return memmap;
}

using Runs = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
Runs touched_runs(const Memmap& memmap) {
  Runs runs;
  memmap.for_each_touched([&](Pfn first, Pfn end) { runs.emplace_back(first.value, end.value); });
  return runs;
}

std::uint64_t resident_bytes() {
  std::uint64_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * 4096;
}

TEST(Memmap, LimitsOfThePfn) {
  std::unique_ptr<Memmap> memmap;
  const auto create = [&](std::string_view layout, std::uint64_t pages, std::uint64_t capacity) {
    return Memmap::create(*find_layout(layout), pages, capacity, memmap);
  };
  EXPECT_EQ(create("linux-6.12", 0, 0), Errc::kInval);
  EXPECT_EQ(create("linux-6.12", 10, 9), Errc::kInval);
  EXPECT_EQ(create("linux-6.12", 1, (1ULL << 32) + 1), Errc::kInval);
  EXPECT_EQ(create("linux-6.12-32", 1ULL << 24, 1ULL << 24), Errc::kOk);
  EXPECT_EQ(create("linux-6.12-32", 1ULL << 24, (1ULL << 24) + 1), Errc::kInval);
  EXPECT_EQ(create("linux-6.12-32", ~0ULL, ~0ULL), Errc::kInval);
}

TEST(Memmap, ATebibyteCostsWhatIsTouched) {
  using Clock = std::chrono::steady_clock;
  const std::uint64_t before = resident_bytes();
  const auto start = Clock::now();
  const auto memmap = make("linux-6.12", 1ULL << 28);
  const auto took = Clock::now() - start;
  for (std::uint64_t i = 0; i < 100; ++i) memmap->init_descriptor({i << 20}, kZoneNormal);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(took, std::chrono::milliseconds(10));
  EXPECT_LT(resident_bytes() - before, 4U << 20);
#else
  (void)before, (void)took;
#endif
  EXPECT_EQ(touched_runs(*memmap).size(), 100U);
}

TEST(Memmap, DescriptorsBeginAllZeroAndAreInitialisedOnce) {
  const auto memmap = make("linux-4.20", 4096);
  EXPECT_TRUE(memmap->is_untouched({77}));
  EXPECT_FALSE(memmap->touched({77}));
  EXPECT_FALSE(memmap->page({77}).try_ref_add_unless_zero(1));
  memmap->init_descriptor({77}, kZoneNormal);
  EXPECT_FALSE(memmap->is_untouched({77}));
  EXPECT_TRUE(memmap->touched({77}));
  EXPECT_EQ(memmap->page({77}).mapcount_raw(), -1);
  EXPECT_EQ(memmap->page({77}).refcount(), 0);
  EXPECT_EQ(memmap->shape().zone_of(memmap->page({77}).word(0)), kZoneNormal);
  EXPECT_EQ(memmap->pfn_of(memmap->page({77})), Pfn{77});
}

TEST(Memmap, SectionNumbersOfPaeSparsemem) {
  const auto memmap = make("linux-4.20-32", 1ULL << 24);
  const Shape& shape = memmap->shape();
  ASSERT_EQ(shape.section_bits, 7);
  const std::uint64_t last = (1ULL << 24) - 1;
  memmap->init_descriptor({last}, kZoneNormal);
  EXPECT_EQ(memmap->page({last}).word(0) >> shape.section_shift, 127U);
}

TEST(Memmap, TouchedBlocksComeAsAscendingRuns) {
  constexpr std::uint64_t kBlock = Memmap::kBlockPages;
  const std::uint64_t pages = kBlock * 200 + 5;
  const auto memmap = make("linux-4.20", pages);
  EXPECT_EQ(touched_runs(*memmap), Runs{});
  for (const std::uint64_t block : {0U, 1U, 2U, 62U, 63U, 64U, 65U, 127U, 130U, 200U})
    memmap->mark_touched({block * kBlock + 3});
  EXPECT_EQ(touched_runs(*memmap), (Runs{{0, 3 * kBlock},
                                         {62 * kBlock, 66 * kBlock},
                                         {127 * kBlock, 128 * kBlock},
                                         {130 * kBlock, 131 * kBlock},
                                         {200 * kBlock, pages}}));
}

TEST(Memmap, AllBlocksAreOneRun) {
  const std::uint64_t pages = Memmap::kBlockPages * 128;
  const auto memmap = make("linux-4.20", pages);
  for (std::uint64_t pfn = 0; pfn < pages; pfn += Memmap::kBlockPages) memmap->mark_touched({pfn});
  EXPECT_EQ(touched_runs(*memmap), (Runs{{0, pages}}));
}

TEST(Memmap, ResetZeroesWhatWasTouched) {
  for (const std::string_view layout : {"linux-4.20", "linux-4.20-32", "linux-4.20-counter"}) {
    const std::uint64_t pages = 1 << 17;
    const auto memmap = make(layout, pages);
    for (std::uint64_t pfn = 0; pfn < pages; pfn += pfn < 70000 ? 1 : 997)
      memmap->init_descriptor({pfn}, kZoneNormal);
    memmap->reset();
    EXPECT_EQ(touched_runs(*memmap), Runs{});
    const auto* const bytes = reinterpret_cast<const unsigned char*>(memmap->base());
    const std::uint64_t size = pages * memmap->shape().stride_bytes;
    EXPECT_TRUE(std::all_of(bytes, bytes + size, [](unsigned char byte) { return byte == 0; }))
        << layout;
  }
}

TEST(Page, FlagsOfBothWidths) {
  for (const std::string_view layout : {"linux-4.20", "linux-4.20-32"}) {
    const auto memmap = make(layout, 16);
    const Page page = memmap->page({3});
    EXPECT_FALSE(page.test_and_set(Flag::kLru));
    EXPECT_TRUE(page.test_and_set(Flag::kLru));
    EXPECT_EQ(page.word(0), 1U << 4);
    EXPECT_TRUE(page.test_and_clear(Flag::kLru));
    EXPECT_EQ(page.word(0), 0U);
    page.set(Flag::kOwner2);  // does not exist in this era
    EXPECT_FALSE(page.test(Flag::kOwner2));
    EXPECT_EQ(page.word(0), 0U);
  }
}

TEST(Page, GrabsOnlyWhatIsAboveZero) {
  const auto memmap = make("linux-6.12", 16);
  const Page page = memmap->page({3});
  EXPECT_FALSE(page.try_ref_add_unless_zero(1));
  page.set_refcount(INT32_MIN);
  EXPECT_FALSE(page.try_ref_add_unless_zero(1));
  EXPECT_EQ(page.refcount(), INT32_MIN);
  page.set_refcount(2);
  EXPECT_TRUE(page.try_ref_add_unless_zero(1024));
  EXPECT_EQ(page.refcount(), 1026);
  EXPECT_FALSE(page.try_freeze(1025));
  EXPECT_TRUE(page.try_freeze(1026));
  EXPECT_FALSE(page.try_ref_add_unless_zero(1));
  page.unfreeze(1026);
  EXPECT_EQ(page.ref_sub(1026), 1026);
  EXPECT_EQ(page.refcount(), 0);
}

TEST(Frames, BytesOfAMemfdAtTheirOffsets) {
  std::unique_ptr<Frames> frames;
  EXPECT_EQ(Frames::create({0}, 0, "frames", frames), Errc::kInval);
  ASSERT_EQ(Frames::create({100}, 50, "frames", frames), Errc::kOk);
  EXPECT_FALSE(frames->has({99}));
  EXPECT_TRUE(frames->has({149}));
  EXPECT_FALSE(frames->has({150}));
  frames->data({101})[5] = std::byte{42};
  unsigned char read = 0;
  ASSERT_EQ(pread(frames->fd(), &read, 1, 4096 + 5), 1);
  EXPECT_EQ(read, 42);
  EXPECT_EQ(frames->discard({101}), Errc::kOk);
  EXPECT_EQ(frames->data({101})[5], std::byte{0});
  EXPECT_EQ(frames->discard({149}, 2), Errc::kRange);
  EXPECT_EQ(frames->discard({99}), Errc::kRange);
}

}  // namespace
}  // namespace pagebox
