// The allocator: carving, merging, determinism, damage, and a random run against
// a model of pages in use.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include "base/rng.h"
#include "page_allocator_fixture.h"

namespace pagebox {
namespace {

TEST_F(AllocatorTest, CarvesFromTheLowEnd) {
  make("linux-6.12", 4096);
  EXPECT_EQ(allocator_->free_pages(), 4096U);
  EXPECT_EQ(alloc(), Pfn{0});
  EXPECT_EQ(alloc(), Pfn{1});
  EXPECT_EQ(alloc(9), Pfn{512});
  EXPECT_EQ(alloc(), Pfn{2});  // what alignment skipped
  EXPECT_EQ(allocator_->free_pages(), 4096U - 512 - 3);
  EXPECT_TRUE(memmap_->is_untouched({1024}));
}

/// Every word that says something of every descriptor: links only where a block begins.
std::vector<std::uint64_t> words_of(const Memmap& memmap) {
  const Shape& shape = memmap.shape();
  std::vector<std::uint64_t> words;
  for (Pfn pfn{0}; pfn.value < memmap.pages(); pfn = pfn + 1) {
    const Page page = memmap.page(pfn);
    const bool on_list = page.mapcount_raw() == static_cast<std::int32_t>(shape.buddy_type);
    for (unsigned n = 0; n < shape.stride_bytes / shape.word_bytes; ++n)
      words.push_back((n == 1 || n == 2) && !on_list ? 0 : page.word(n));
  }
  return words;
}

TEST_F(AllocatorTest, SeveralAtOnceAreAsManyOneByOne) {
  for (const char* layout : {"linux-6.12", "linux-4.20-32"}) {
    make(layout, 512, 3);
    std::unique_ptr<Memmap> other_memmap;
    ASSERT_EQ(Memmap::create(*find_layout(layout), 512, 512, other_memmap), Errc::kOk);
    Allocator other(*other_memmap, Pfn{3}, Pfn{512});
    const std::uint64_t locked = memmap_->page({0}).mask_of(Flag::kLocked);
    Rng rng(9);
    std::vector<Pfn> used;
    for (int step = 0; step < 400; ++step) {
      if (used.empty() || rng.below(2) == 0) {
        std::vector<Pfn> run(1 + rng.below(100));
        run.resize(allocator_->alloc_each(run, {.flags = locked}));
        for (const Pfn pfn : run) {
          ASSERT_EQ(other.alloc(0).value, pfn);
          EXPECT_EQ(other_memmap->page(pfn).set_bits(locked) & locked, 0U);
        }
        used.insert(used.end(), run.begin(), run.end());
      } else {
        // Now and then in the order of their pfns, where neighbours follow each other.
        if (rng.below(2) == 0) std::sort(used.begin(), used.end());
        const std::uint64_t from = rng.below(used.size());
        const std::uint64_t size = 1 + rng.below(used.size() - from);
        const auto begin = used.begin() + static_cast<std::ptrdiff_t>(from);
        const auto end = begin + static_cast<std::ptrdiff_t>(size);
        std::vector<Pfn> run(begin, end);
        used.erase(begin, end);
        for (const Pfn pfn : run) {
          memmap_->page(pfn).set_refcount(0);
          other_memmap->page(pfn).set_refcount(0);
        }
        allocator_->free_each(run);
        for (const Pfn pfn : run) other.free(pfn, 0);
      }
      ASSERT_EQ(words_of(*memmap_), words_of(*other_memmap)) << "step " << step;
      ASSERT_EQ(allocator_->free_pages(), other.free_pages());
    }
  }
}

TEST_F(AllocatorTest, SeveralAtOnceEndWithTheMemory) {
  make("linux-6.12", 8);
  std::vector<Pfn> run(10);
  EXPECT_EQ(allocator_->alloc_each(run, {}), 8U);
  EXPECT_EQ(allocator_->free_pages(), 0U);
  EXPECT_EQ(allocator_->alloc_each(run, {}), 0U);
}

TEST_F(AllocatorTest, HandsOutInitialisedPages) {
  make("linux-4.20", 4096);
  const Pfn pfn = alloc(3);
  for (std::uint64_t i = 0; i < 8; ++i) {
    const Page page = memmap_->page(pfn + i);
    EXPECT_EQ(page.refcount(), i == 0 ? 1 : 0);
    EXPECT_EQ(page.mapcount_raw(), -1);
    EXPECT_EQ(page.word(0), memmap_->shape().flags_of_new_page(i, kZoneNormal));
  }
}

TEST_F(AllocatorTest, LastFreedIsFirstHandedOut) {
  make("linux-6.12", 4096);
  std::vector<Pfn> pages;
  for (int i = 0; i < 16; ++i) pages.push_back(alloc());
  // Every second page: nothing merges.
  for (const std::uint64_t i : {2U, 8U, 4U}) release(pages[i]);
  EXPECT_EQ(alloc(), Pfn{4});
  EXPECT_EQ(alloc(), Pfn{8});
  EXPECT_EQ(alloc(), Pfn{2});
  EXPECT_EQ(alloc(), Pfn{16});
}

TEST_F(AllocatorTest, BuddiesMergeToTheLargestOrder) {
  make("linux-4.20-32", 2048);
  for (int i = 0; i < 1024; ++i) alloc();
  for (std::uint64_t i = 0; i < 1024; i += 2) release({i});
  for (std::uint64_t i = 1; i < 1024; i += 2) release({i});
  EXPECT_EQ(alloc(kMaxOrder), Pfn{0});
  EXPECT_EQ(alloc(kMaxOrder), Pfn{1024});
  EXPECT_EQ(allocator_->alloc(0).error, Errc::kNoMem);
  EXPECT_EQ(allocator_->free_pages(), 0U);
}

TEST_F(AllocatorTest, FreePagesAreMarked) {
  for (const std::string_view layout : {"linux-4.20", "linux-6.12"}) {
    make(layout, 64);
    const Pfn pfn = alloc(2);
    release(pfn, 2);
    const Page page = memmap_->page(pfn);
    EXPECT_EQ(static_cast<std::uint32_t>(page.mapcount_raw()),
              layout == "linux-6.12" ? 0xf0000000U : ~0x80U);
    EXPECT_EQ(page.word(5), 2U);
    EXPECT_EQ(page.refcount(), 0);
    EXPECT_EQ(classify(*memmap_, pfn), PageType::kFree);
    EXPECT_TRUE(memmap_->addresses().object_at(ObjectKind::kLruAnchor, page.word(1)));
  }
}

TEST_F(AllocatorTest, FreeingCleansWhatTheOwnerLeft) {
  make("linux-6.12", 64);
  const Pfn pfn = alloc(), keep = alloc();
  const Page page = memmap_->page(pfn);
  page.set(Flag::kDirty);
  page.set_word(3, 0x123);
  page.set_word(7, 0x456);
  release(pfn);
  EXPECT_EQ(alloc(), pfn);
  EXPECT_EQ(page.word(0), memmap_->shape().flags_of_new_page(pfn.value, kZoneNormal));
  EXPECT_EQ(page.word(3), 0U);
  EXPECT_EQ(page.word(7), 0U);
  EXPECT_NE(keep, pfn);
}

TEST_F(AllocatorTest, Refusals) {
  make("linux-6.12", 100, 3);
  EXPECT_EQ(allocator_->alloc(kMaxOrder + 1).error, Errc::kInval);
  EXPECT_EQ(allocator_->alloc(kMaxOrder).error, Errc::kNoMem);
  EXPECT_EQ(allocator_->alloc(7).error, Errc::kNoMem);
  EXPECT_EQ(alloc(), Pfn{3});
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 96; ++i) EXPECT_TRUE(seen.insert(alloc().value).second);
  EXPECT_EQ(allocator_->alloc(0).error, Errc::kNoMem);
}

TEST_F(AllocatorTest, FreeingTwiceChangesNothing) {
  make("linux-6.12", 64);
  const Pfn pfn = alloc(), keep = alloc();
  release(pfn);
  allocator_->free(pfn, 0);
  EXPECT_EQ(allocator_->free_pages(), 63U);
  EXPECT_EQ(alloc(), pfn);
  EXPECT_NE(alloc(), pfn);
  memmap_->page(pfn).set_refcount(0);
  allocator_->free_each(std::array{pfn, pfn});
  EXPECT_EQ(allocator_->free_pages(), 62U);
  release(keep);
}

TEST_F(AllocatorTest, PopulatesInPlaceOnce) {
  make("linux-4.20", 64);
  allocator_->init_page({7});
  const Page page = memmap_->page({7});
  EXPECT_EQ(page.refcount(), 1);
  EXPECT_EQ(classify(*memmap_, {7}), PageType::kAnon);
  EXPECT_TRUE(page.test(Flag::kUptodate) && page.test(Flag::kSwapBacked));
  page.ref_add(5);
  allocator_->init_page({7});
  EXPECT_EQ(page.refcount(), 6);
  EXPECT_EQ(allocator_->free_pages(), 63U);
  page.ref_sub(5);
  std::set<std::uint64_t> seen;  // it is never handed out a second time
  for (int i = 0; i < 63; ++i) seen.insert(alloc().value);
  EXPECT_EQ(seen.size(), 63U);
  EXPECT_FALSE(seen.contains(7));
  release({7});
  EXPECT_EQ(alloc(), Pfn{7});
}

TEST_F(AllocatorTest, ADamagedFreeListIsNotFollowed) {
  make("linux-6.12", 64);
  std::vector<Pfn> pages;
  for (int i = 0; i < 8; ++i) pages.push_back(alloc());
  release(pages[1]);
  release(pages[3]);
  memmap_->page(pages[3]).set_word(1, 0xdeadbeef);
  EXPECT_EQ(allocator_->alloc(0).error, Errc::kCorrupt);
  release(pages[5]);
  EXPECT_EQ(alloc(), pages[5]);
  // Its buddy comes free: it cannot be merged with a block whose links are broken.
  release(pages[2]);
  EXPECT_EQ(alloc(), pages[2]);
}

TEST_F(AllocatorTest, SeveralAtOnceEndWhereAListIsDamaged) {
  make("linux-6.12", 8);
  std::vector<Pfn> run(8);
  ASSERT_EQ(allocator_->alloc_each(run, {}), 8U);
  for (const std::uint64_t pfn : {1, 3, 5, 7}) release(Pfn{pfn});
  memmap_->page({3}).set_word(1, 0xdeadbeef);
  EXPECT_EQ(allocator_->alloc_each(run, {}), 2U);
  EXPECT_EQ(run[0], Pfn{7});
  EXPECT_EQ(run[1], Pfn{5});
  EXPECT_EQ(memmap_->page({3}).word(1), 0xdeadbeefU);
  EXPECT_EQ(allocator_->free_pages(), 2U);
}

TEST_F(AllocatorTest, LinksInARingGiveNoPageTwice) {
  make("linux-6.12", 8);
  std::vector<Pfn> run(8);
  ASSERT_EQ(allocator_->alloc_each(run, {}), 8U);
  for (const std::uint64_t pfn : {1, 3, 5, 7}) release(Pfn{pfn});
  // 7 and 5 lead to each other, both ways.
  const std::uint64_t seven = memmap_->page({5}).word(2), five = memmap_->page({7}).word(1);
  memmap_->page({5}).set_word(1, seven);
  memmap_->page({7}).set_word(2, five);
  run.resize(allocator_->alloc_each(run, {}));
  EXPECT_LE(run.size(), 2U);
  std::ranges::sort(run, {}, &Pfn::value);
  EXPECT_EQ(std::ranges::adjacent_find(run), run.end());
}

TEST_F(AllocatorTest, ResetForgetsEverything) {
  make("linux-6.12", 64);
  alloc(3);
  release(alloc());
  memmap_->reset();
  allocator_->reset();
  EXPECT_EQ(allocator_->free_pages(), 64U);
  EXPECT_EQ(alloc(), Pfn{0});
}

class AllocatorRandom : public AllocatorTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(AllocatorRandom, AgainstASetOfPagesInUse) {
  make(GetParam(), 4096 + 100, 5);
  Rng rng(412);
  std::map<std::uint64_t, unsigned> blocks;
  std::uint64_t used = 0;
  std::vector<std::uint64_t> trace;
  for (int step = 0; step < 3000; ++step) {
    if (blocks.empty() || rng.below(100) < 55) {
      const auto order = static_cast<unsigned>(rng.below(4) == 0 ? rng.below(10) : rng.below(3));
      const Result<Pfn> block = allocator_->alloc(order);
      if (!block) {
        ASSERT_EQ(block.error, Errc::kNoMem);
        continue;
      }
      const std::uint64_t at = block.value.value, end = at + (1ULL << order);
      ASSERT_EQ(at % (1ULL << order), 0U);
      ASSERT_GE(at, 5U);
      ASSERT_LE(end, 4196U);
      const auto next = blocks.lower_bound(at);
      ASSERT_TRUE(next == blocks.end() || next->first >= end);
      if (next != blocks.begin()) {
        const auto before = std::prev(next);
        ASSERT_LE(before->first + (1ULL << before->second), at);
      }
      blocks[at] = order;
      used += 1ULL << order;
    } else {
      auto it = blocks.begin();
      std::advance(it, rng.below(blocks.size()));
      release({it->first}, it->second);
      used -= 1ULL << it->second;
      blocks.erase(it);
    }
    ASSERT_EQ(allocator_->free_pages(), 4191 - used);
  }
  for (const auto& [at, order] : blocks) release({at}, order);
  EXPECT_EQ(allocator_->free_pages(), 4191U);
  for (std::uint64_t base = 1024; base + 1024 <= 4196; base += 1024) alloc(kMaxOrder);
}
INSTANTIATE_TEST_SUITE_P(Widths, AllocatorRandom, ::testing::Values("linux-6.12", "linux-4.20-32"),
                         [](const auto& info) { return info.index == 0 ? "wide" : "narrow"; });

}  // namespace
}  // namespace pagebox
