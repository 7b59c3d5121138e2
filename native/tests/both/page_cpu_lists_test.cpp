// Each CPU's list of free pages in front of the allocator.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "base/rng.h"
#include "page_allocator_fixture.h"

namespace pagebox {
namespace {

class CpuListsTest : public AllocatorTest {
 protected:
  static constexpr std::uint64_t kPages = 4096;
  static constexpr unsigned kCpus = 2;
  void SetUp() override {
    make("linux-6.12", kPages);
    allocator_->set_cpus(kCpus, Allocator::kBatch);
  }
  Pfn alloc_on(unsigned cpu) {
    const Result<Pfn> page = allocator_->alloc(0, cpu);
    EXPECT_TRUE(page);
    EXPECT_EQ(memmap_->page(page.value).refcount(), 1);
    EXPECT_EQ(memmap_->page(page.value).mapcount_raw(), -1);
    return page.value;
  }
  void free_on(unsigned cpu, Pfn pfn) {
    EXPECT_EQ(memmap_->page(pfn).ref_sub(1), 1);
    allocator_->free(pfn, 0, cpu);
  }
};

TEST_F(CpuListsTest, EachIsRefilledByABatch) {
  EXPECT_EQ(alloc_on(0), Pfn{0});
  EXPECT_EQ(alloc_on(1), Pfn{31});
  EXPECT_EQ(alloc_on(0), Pfn{1});
  EXPECT_EQ(alloc(), Pfn{62});  // past the lists
  EXPECT_EQ(allocator_->free_pages(), kPages - 4);
  for (std::uint64_t i = 2; i < 31; ++i) EXPECT_EQ(alloc_on(0), Pfn{i});
  EXPECT_EQ(alloc_on(0), Pfn{63});
}

TEST_F(CpuListsTest, WhoOnlyTakesIsRefilledByMore) {
  // The first of each refill, up to a batch less than a list holds; all that was between went to
  // that list.
  std::uint64_t next = 0;
  for (const std::uint64_t pages : {31, 62, 124, 225, 225}) {
    EXPECT_EQ(alloc(), Pfn{next});
    for (std::uint64_t i = 1; i <= pages; ++i) EXPECT_EQ(alloc_on(0), Pfn{next + i});
    next += pages + 1;
  }
  // Who gives one back is refilled by a batch again.
  free_on(0, Pfn{next - 1});
  EXPECT_EQ(alloc_on(0), Pfn{next - 1});
  EXPECT_EQ(alloc_on(0), Pfn{next});
  EXPECT_EQ(alloc(), Pfn{next + 31});
}

TEST_F(CpuListsTest, PagesComeWithTheFlagsAndReferencesAskedFor) {
  const std::uint64_t locked = memmap_->page({0}).mask_of(Flag::kLocked);
  // Off a list, and more than a list has room for.
  for (const std::size_t pages : {std::size_t{3}, std::size_t{Allocator::kBatch}}) {
    std::vector<Pfn> out(pages);
    ASSERT_EQ(allocator_->alloc_each(out, {.flags = locked, .refs = 2}, 0), pages);
    for (const Pfn pfn : out) {
      EXPECT_EQ(memmap_->page(pfn).refcount(), 2);
      EXPECT_TRUE(memmap_->page(pfn).test(Flag::kLocked));
      memmap_->page(pfn).set_refcount(0);
      allocator_->free(pfn, 0, 0);
    }
  }
  const Pfn plain = alloc_on(0);  // and say nothing of it to who has them next
  EXPECT_EQ(memmap_->page(plain).refcount(), 1);
  EXPECT_FALSE(memmap_->page(plain).test(Flag::kLocked));
}

TEST_F(CpuListsTest, WhatWasFreedLastComesFirst) {
  const Pfn first = alloc_on(0), second = alloc_on(0);
  free_on(0, first);
  free_on(0, second);
  EXPECT_EQ(alloc_on(0), second);
  EXPECT_EQ(alloc_on(0), first);
}

TEST_F(CpuListsTest, AListedPageIsFreeForWhoLooksAtIt) {
  const Pfn pfn = alloc_on(0);
  const Page page = memmap_->page(pfn);
  page.set(Flag::kDirty);
  free_on(0, pfn);
  EXPECT_EQ(page.refcount(), 0);
  EXPECT_EQ(page.mapcount_raw(), static_cast<std::int32_t>(memmap_->shape().buddy_type));
  EXPECT_FALSE(page.test(Flag::kDirty));
  EXPECT_EQ(allocator_->free_pages(), kPages);
}

TEST_F(CpuListsTest, ListWordsAreAsAfterAList) {
  const std::uint64_t poison1 = memmap_->addresses().list_poison1();
  const std::uint64_t poison2 = memmap_->addresses().list_poison2();
  std::vector<Pfn> used;
  for (int i = 0; i < 64; ++i) used.push_back(alloc());
  // As a page table leaves its own, which waited for RCU.
  for (const Pfn pfn : used) memmap_->page(pfn).set_rcu_head(0xffff, 1);
  for (const Pfn pfn : used) free_on(0, pfn);
  for (int i = 0; i < 64; ++i) {
    const Page page = memmap_->page(alloc_on(0));
    EXPECT_EQ(page.word(1), poison1);
    EXPECT_EQ(page.word(2), poison2);
    page.set_rcu_head(0xffff, 1);
  }
  // Through the blocks, by several and by a list's batch.
  for (const Pfn pfn : used) memmap_->page(pfn).set_refcount(0);
  allocator_->free_each(used);
  std::vector<Pfn> run(33);
  EXPECT_EQ(allocator_->alloc_each(run, {}), run.size());
  for (int i = 0; i < 31; ++i) run.push_back(alloc_on(1));
  for (const Pfn pfn : run) {
    ASSERT_TRUE(std::ranges::find(used, pfn) != used.end());
    EXPECT_EQ(memmap_->page(pfn).word(1), poison1);
    EXPECT_EQ(memmap_->page(pfn).word(2), poison2);
  }
}

TEST_F(CpuListsTest, AListHoldsItsShareOfMemoryAndWhoOnlyGivesMakesRoomForAsMany) {
  constexpr std::uint64_t kHeld = kPages / 8 / kCpus, kBatch = Allocator::kBatch;
  std::vector<Pfn> used;
  for (std::uint64_t i = 0; i < 2 * kHeld; ++i) used.push_back(alloc());
  for (std::uint64_t i = 0; i < kHeld; ++i) free_on(0, used[i]);
  // The one that is too many sends away all but a batch.
  free_on(0, used[kHeld]);
  EXPECT_EQ(allocator_->free_pages(), kPages - kHeld + 1);
  for (std::uint64_t i = 0; i <= kBatch; ++i) EXPECT_EQ(alloc_on(0), used[kHeld - i]);
  std::set<Pfn> others;
  for (std::uint64_t i = 0; i < kHeld - kBatch; ++i) others.insert(alloc());
  EXPECT_EQ(others, std::set(used.begin(), used.begin() + (kHeld - kBatch)));
  // Who has taken one since sends away a batch.
  for (const Pfn pfn : others) free_on(1, pfn);
  for (std::uint64_t i = 0; i < kBatch; ++i) free_on(1, used[kHeld - i]);
  const Pfn taken = alloc_on(1);
  free_on(1, taken);
  free_on(1, used[kHeld - kBatch]);
  std::uint64_t sent = 0;
  for (std::uint64_t i = 0; i < kHeld; ++i) sent += std::ranges::count(used, alloc());
  EXPECT_EQ(sent, kBatch);
}

TEST_F(CpuListsTest, WhatIsShortOfMemoryDrainsAll) {
  std::vector<Pfn> used;
  for (std::uint64_t i = 0; i < kPages; ++i) used.push_back(alloc_on(i % kCpus));
  EXPECT_EQ(std::set(used.begin(), used.end()).size(), kPages);
  EXPECT_EQ(allocator_->alloc(0, 0).error, Errc::kNoMem);
  EXPECT_EQ(allocator_->free_pages(), 0U);
  // One page on another's list will do.
  free_on(1, used.back());
  EXPECT_EQ(alloc_on(0), used.back());
  for (const Pfn pfn : used) free_on(pfn.value % kCpus, pfn);
  EXPECT_EQ(allocator_->free_pages(), kPages);
  for (std::uint64_t i = 0; i < kPages >> kMaxOrder; ++i) alloc(kMaxOrder);
}

TEST_F(CpuListsTest, SeveralAtOnceTakeWhatListsHold) {
  std::vector<Pfn> run(7);
  const std::uint64_t locked = memmap_->page({0}).mask_of(Flag::kLocked);
  EXPECT_EQ(allocator_->alloc_each(run, {.flags = locked}, 1), 7U);
  for (std::uint64_t i = 0; i < 7; ++i) {
    EXPECT_EQ(run[i], Pfn{i});
    EXPECT_TRUE(memmap_->page(run[i]).test(Flag::kLocked));
    memmap_->page(run[i]).set_refcount(0);
  }
  allocator_->free_each(run, 1);
  EXPECT_EQ(allocator_->free_pages(), kPages);
  EXPECT_EQ(alloc_on(1), Pfn{0}) << "in the order in which they came together";
  std::vector<Pfn> all(kPages);
  EXPECT_EQ(allocator_->alloc_each(all, {}, 0), kPages - 1);
}

TEST_F(CpuListsTest, APageIsFreedOnce) {
  const Pfn pfn = alloc_on(0);
  free_on(0, pfn);
  allocator_->free(pfn, 0, 0);
  allocator_->free(pfn, 0, 1);
  allocator_->free(pfn, 0);
  allocator_->free_each(std::span(&pfn, 1));
  EXPECT_EQ(allocator_->free_pages(), kPages);
  EXPECT_EQ(alloc_on(0), pfn);
  EXPECT_NE(alloc_on(1), pfn);
}

TEST_F(CpuListsTest, APageThatWasTakenMeanwhileIsNotHandedOut) {
  const Pfn pfn = alloc_on(0);
  free_on(0, pfn);
  memmap_->page(pfn).set_refcount(1);
  EXPECT_EQ(allocator_->alloc(0, 0).error, Errc::kCorrupt);
  EXPECT_NE(alloc_on(1), pfn);
  allocator_->drain_cpus();  // it is lost, and not counted
  EXPECT_EQ(allocator_->free_pages(), kPages - 2);
  EXPECT_NE(alloc_on(0), pfn);
}

TEST_F(CpuListsTest, LittleMemoryHasNone) {
  make("linux-6.12", 256);
  allocator_->set_cpus(8, Allocator::kBatch);
  EXPECT_EQ(alloc_on(0), Pfn{0});
  EXPECT_EQ(alloc_on(1), Pfn{1});
  make("linux-6.12", 8);
  allocator_->set_cpus(0, Allocator::kBatch);
  EXPECT_EQ(alloc_on(0), Pfn{0});
}

TEST_F(CpuListsTest, RandomlyAsOneOwnerEach) {
  Rng rng(4);
  std::map<Pfn, unsigned> used;  // by order
  std::uint64_t pages = 0;
  for (int step = 0; step < 20'000; ++step) {
    const auto cpu = static_cast<unsigned>(rng.below(kCpus + 1));
    if (rng.below(2) == 0) {
      const auto order = static_cast<unsigned>(rng.below(8) == 0 ? rng.below(5) : 0);
      const Result<Pfn> block = allocator_->alloc(order, cpu);
      if (!block) continue;
      for (std::uint64_t i = 0; i < 1ULL << order; ++i)
        ASSERT_FALSE(used.contains(block.value + i)) << "step " << step;
      used[block.value] = order;
      pages += 1ULL << order;
    } else if (!used.empty()) {
      auto at = used.begin();
      std::advance(at,
                   static_cast<std::ptrdiff_t>(rng.below(std::min<std::size_t>(used.size(), 50))));
      memmap_->page(at->first).set_refcount(0);
      allocator_->free(at->first, at->second, cpu);
      pages -= 1ULL << at->second;
      used.erase(at);
    }
    ASSERT_EQ(allocator_->free_pages(), kPages - pages) << "step " << step;
  }
}

}  // namespace
}  // namespace pagebox
