// Threads on one allocator and one zone, at full speed.
#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "page/setup.h"

namespace pagebox {
namespace {

constexpr unsigned kThreads = 3;

template <class Fn>
void on_threads(Fn&& fn) {
  std::vector<std::thread> threads;
  for (unsigned id = 1; id <= kThreads; ++id) threads.emplace_back([&fn, id] { fn(id); });
  for (std::thread& thread : threads) thread.join();
}

TEST(PageThreads, NoPageIsHandedOutTwice) {
  std::unique_ptr<Memmap> memmap;
  ASSERT_EQ(Memmap::create(*find_layout("linux-6.12"), 2048, 2048, memmap), Errc::kOk);
  Allocator allocator(*memmap, Pfn{0}, Pfn{2048});
  const auto release = [&](std::pair<Pfn, unsigned> block) {
    EXPECT_EQ(memmap->page(block.first).ref_sub(1), 1);
    allocator.free(block.first, block.second);
  };
  on_threads([&](unsigned id) {
    Rng rng(id);
    std::vector<std::pair<Pfn, unsigned>> mine;
    for (int step = 0; step < 3000; ++step) {
      const auto order = static_cast<unsigned>(rng.below(4));
      const Result<Pfn> block = mine.size() < 20 ? allocator.alloc(order) : Errc::kNoMem;
      if (block) {
        memmap->page(block.value).set_word(4, id);
        mine.emplace_back(block.value, order);
      } else if (!mine.empty()) {
        ASSERT_EQ(memmap->page(mine.back().first).word(4), id);
        release(mine.back());
        mine.pop_back();
      }
    }
    for (const auto& block : mine) release(block);
  });
  EXPECT_EQ(allocator.free_pages(), 2048U);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(allocator.alloc(kMaxOrder));  // all merged again
}

TEST(PageThreads, NoPageOfAListIsHandedOutTwice) {
  constexpr std::uint64_t kPages = 2048;
  std::unique_ptr<Memmap> memmap;
  ASSERT_EQ(Memmap::create(*find_layout("linux-6.12"), kPages, kPages, memmap), Errc::kOk);
  Allocator allocator(*memmap, Pfn{0}, Pfn{kPages});
  allocator.set_cpus(kThreads, 8);
  on_threads([&](unsigned id) {
    const unsigned cpu = id - 1;
    Rng rng(id);
    std::vector<Pfn> mine;
    for (int step = 0; step < 20'000; ++step) {
      // Up to more than there is, so that lists are drained under their owners.
      if (rng.below(2000) < 1100 - mine.size()) {
        const Result<Pfn> page = allocator.alloc(0, cpu);
        if (!page) continue;
        memmap->page(page.value).set_word(4, id);
        mine.push_back(page.value);
      } else if (!mine.empty()) {
        ASSERT_EQ(memmap->page(mine.back()).word(4), id);
        EXPECT_EQ(memmap->page(mine.back()).ref_sub(1), 1);
        allocator.free(mine.back(), 0, rng.below(8) == 0 ? id % kThreads : cpu);
        mine.pop_back();
      }
      if (step % 512 == 0) allocator.drain_cpus();
    }
    for (const Pfn pfn : mine) memmap->page(pfn).set_refcount(0);
    allocator.free_each(mine, cpu);
  });
  EXPECT_EQ(allocator.free_pages(), kPages);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(allocator.alloc(kMaxOrder));
}

TEST(PageThreads, OneOwnerAtATimeIsolatesAPage) {
  constexpr std::uint64_t kPages = 8;
  std::unique_ptr<Memmap> memmap;
  ASSERT_EQ(Memmap::create(*find_layout("linux-4.20-32"), kPages, kPages, memmap), Errc::kOk);
  Zone zone(*memmap, kZoneNormal);
  for (std::uint64_t pfn = 0; pfn < kPages; ++pfn)
    ASSERT_EQ(setup_page(*memmap, zone, {pfn}, {}), Errc::kOk);
  std::array<Atomic<std::uint32_t>, kPages> owner;
  on_threads([&](unsigned id) {
    Rng rng(id);
    for (int step = 0; step < 5000; ++step) {
      const std::uint64_t pfn = rng.below(kPages);
      const Page page = memmap->page({pfn});
      const Result<bool> isolated = zone.isolate(page);
      ASSERT_TRUE(isolated);
      if (!isolated.value) continue;
      ASSERT_EQ(owner[pfn].exchange(id), 0U);
      page.set_word(2, id);  // rule 3: the words are the isolator's
      ASSERT_EQ(page.word(2), id);
      ASSERT_EQ(owner[pfn].exchange(0), id);
      ASSERT_EQ(zone.putback(page), Errc::kOk);
    }
  });
  EXPECT_EQ(zone.length(LruKind::kInactiveAnon), kPages);
}

}  // namespace
}  // namespace pagebox
