// LRU lists in the descriptors' own words: order, isolation, corruption found
// and not followed, and a random run against std::list.
#include "page/zone.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>

#include "base/rng.h"
#include "page/setup.h"
#include "tests/both/test_name.h"

namespace pagebox {
namespace {

class ZoneTest : public ::testing::TestWithParam<const char*> {
 protected:
  ZoneTest() {
    EXPECT_EQ(Memmap::create(*find_layout(GetParam()), 1024, 1024, memmap_), Errc::kOk);
    zone_ = std::make_unique<Zone>(*memmap_, kZoneNormal);
  }
  Page setup(std::uint64_t pfn, PageType type = PageType::kAnon) {
    EXPECT_EQ(setup_page(*memmap_, *zone_, {pfn}, {.type = type}), Errc::kOk);
    return memmap_->page({pfn});
  }
  std::vector<std::uint64_t> pfns(LruKind kind) {
    std::vector<std::uint64_t> found;
    const Guard guard(zone_->lru_lock());
    EXPECT_EQ(
        zone_->for_each(kind, [&](Page page) { found.push_back(memmap_->pfn_of(page).value); }),
        Errc::kOk);
    EXPECT_EQ(found.size(), zone_->length(kind));
    return found;
  }
  Errc walk(LruKind kind) {
    const Guard guard(zone_->lru_lock());
    return zone_->for_each(kind, [](Page) {});
  }
  std::uint64_t lru(std::uint64_t pfn) const { return memmap_->addresses().of_lru({pfn}); }

  std::unique_ptr<Memmap> memmap_;
  std::unique_ptr<Zone> zone_;
  static constexpr LruKind kAnonList = LruKind::kInactiveAnon;
};

TEST_P(ZoneTest, PagesGoToTheHeadOfTheListThatTheirFlagsName) {
  for (std::uint64_t pfn : {10, 11, 12}) setup(pfn);
  setup(20, PageType::kFile);
  EXPECT_EQ(pfns(kAnonList), (std::vector<std::uint64_t>{12, 11, 10}));
  EXPECT_EQ(pfns(LruKind::kInactiveFile), (std::vector<std::uint64_t>{20}));

  const Page page = memmap_->page({11});
  EXPECT_TRUE(zone_->isolate(page).value);
  page.set(Flag::kActive);
  EXPECT_EQ(zone_->putback(page), Errc::kOk);
  EXPECT_EQ(pfns(kAnonList), (std::vector<std::uint64_t>{12, 10}));
  EXPECT_EQ(pfns(LruKind::kActiveAnon), (std::vector<std::uint64_t>{11}));
  EXPECT_TRUE(zone_->isolate(page).value);
  page.set(Flag::kUnevictable);
  EXPECT_EQ(zone_->putback(page), Errc::kOk);
  EXPECT_EQ(pfns(LruKind::kUnevictable), (std::vector<std::uint64_t>{11}));
}

TEST_P(ZoneTest, SeveralAtOnceAreAsManyOneByOne) {
  for (const unsigned there : {0U, 2U}) {
    zone_->reset();
    memmap_->reset();
    for (std::uint64_t pfn = 0; pfn < there; ++pfn) setup(pfn);
    std::vector<Page> run;
    for (std::uint64_t pfn : {13, 11, 12, 20}) {
      run.push_back(setup(pfn));
      EXPECT_TRUE(zone_->isolate(run.back()).value);
    }
    {
      const Guard guard(zone_->lru_lock());
      EXPECT_EQ(zone_->add_each(run, kAnonList), Errc::kOk);
    }
    std::vector<std::uint64_t> expected{20, 12, 11, 13};
    for (unsigned pfn = there; pfn > 0; --pfn) expected.push_back(pfn - 1);
    EXPECT_EQ(pfns(kAnonList), expected);
    const Guard guard(zone_->lru_lock());
    Zone::Removals removals(*zone_);
    EXPECT_EQ(removals.remove(memmap_->page({11})), Errc::kOk);
    EXPECT_EQ(removals.remove(memmap_->page({13})), Errc::kOk);
    EXPECT_EQ(removals.remove(memmap_->page({13})), Errc::kCorrupt);
    removals.settle();
    EXPECT_EQ(zone_->length(kAnonList), 2 + there);
    EXPECT_EQ(removals.remove(memmap_->page({20})), Errc::kOk);
    EXPECT_EQ(memmap_->page({20}).word(1), memmap_->addresses().list_poison1());
  }
  EXPECT_EQ(pfns(kAnonList), (std::vector<std::uint64_t>{12, 1, 0}));
}

TEST_P(ZoneTest, SeveralAtOnceLeaveOutWhatIsListed) {
  std::vector<Page> run{setup(10), setup(11), setup(12)};
  EXPECT_TRUE(zone_->isolate(run[0]).value);
  EXPECT_TRUE(zone_->isolate(run[2]).value);
  run.push_back(run[0]);  // twice
  {
    const Guard guard(zone_->lru_lock());
    EXPECT_EQ(zone_->add_each(run, kAnonList), Errc::kCorrupt);
  }
  EXPECT_EQ(pfns(kAnonList), (std::vector<std::uint64_t>{12, 10, 11}));
}

TEST_P(ZoneTest, SeveralAtOnceBeforeADamagedHeadChangeNothing) {
  std::vector<Page> run{setup(10), setup(11)};
  for (const Page page : run) EXPECT_TRUE(zone_->isolate(page).value);
  const Page head = setup(12);
  head.set_word(2, lru(12));
  const Guard guard(zone_->lru_lock());
  EXPECT_EQ(zone_->add_each(run, kAnonList), Errc::kCorrupt);
  for (const Page page : run) EXPECT_FALSE(page.test(Flag::kLru));
  EXPECT_EQ(zone_->length(kAnonList), 1U);
}

TEST_P(ZoneTest, RunsOfNeighboursLeaveTheirLists) {
  for (std::uint64_t pfn = 10; pfn < 20; ++pfn) setup(pfn);
  for (std::uint64_t pfn : {30, 31}) setup(pfn, PageType::kFile);
  // Towards the head, towards the tail, to both sides of the first, and one of another list
  // between.
  for (const std::vector<std::uint64_t>& run :
       {std::vector<std::uint64_t>{12, 13, 14}, {18, 17}, {31, 10, 15, 30, 11}}) {
    std::vector<Page> pages;
    for (const std::uint64_t pfn : run) pages.push_back(memmap_->page({pfn}));
    const Guard guard(zone_->lru_lock());
    Zone::Removals(*zone_).remove_dead(pages);
    for (const Page page : pages) {
      EXPECT_EQ(page.word(1), memmap_->addresses().list_poison1());
      EXPECT_EQ(page.word(2), memmap_->addresses().list_poison2());
      EXPECT_TRUE(page.test(Flag::kLru)) << "the allocator's to clear";
    }
  }
  EXPECT_EQ(pfns(kAnonList), (std::vector<std::uint64_t>{19, 16}));
  EXPECT_EQ(pfns(LruKind::kInactiveFile), (std::vector<std::uint64_t>{}));
}

TEST_P(ZoneTest, SeveralLeaveUpToTheFirstThatIsOnNoList) {
  for (std::uint64_t pfn = 10; pfn < 20; ++pfn) setup(pfn);
  for (std::uint64_t pfn : {30, 31}) setup(pfn, PageType::kFile);
  EXPECT_TRUE(zone_->isolate(memmap_->page({15})).value);
  std::vector<Page> pages;
  for (const std::uint64_t pfn : {13, 12, 30, 31, 19, 17, 15, 11})
    pages.push_back(memmap_->page({pfn}));
  {
    const Guard guard(zone_->lru_lock());
    EXPECT_EQ(Zone::Removals(*zone_).remove_each(pages), 6U);
  }
  for (const Page page : std::span(pages).first(6)) EXPECT_FALSE(page.test(Flag::kLru));
  EXPECT_EQ(pfns(kAnonList), (std::vector<std::uint64_t>{18, 16, 14, 11, 10}));
  EXPECT_EQ(pfns(LruKind::kInactiveFile), (std::vector<std::uint64_t>{}));
  EXPECT_EQ(zone_->length(kAnonList), 5U);
  const Guard guard(zone_->lru_lock());
  EXPECT_EQ(Zone::Removals(*zone_).remove_each(std::span(pages).subspan(6)), 0U);
  EXPECT_EQ(Zone::Removals(*zone_).remove_each({}), 0U);
}

TEST_P(ZoneTest, OfARunWhatIsBesideDamageStays) {
  for (std::uint64_t pfn = 10; pfn < 15; ++pfn) setup(pfn);
  memmap_->page({10}).set_word(2, lru(10));
  const std::vector<Page> run{memmap_->page({11}), memmap_->page({12}), memmap_->page({13})};
  const Guard guard(zone_->lru_lock());
  Zone::Removals(*zone_).remove_dead(run);
  EXPECT_EQ(zone_->length(kAnonList), 3U);
  EXPECT_EQ(run[0].word(1), lru(10));
  EXPECT_EQ(run[0].word(2), lru(14));
  EXPECT_EQ(memmap_->page({14}).word(1), lru(11));
  EXPECT_EQ(run[1].word(1), memmap_->addresses().list_poison1());
}

TEST_P(ZoneTest, WordsAreTheKernelsListHeads) {
  for (std::uint64_t pfn : {10, 11, 12}) setup(pfn);
  const Page page = memmap_->page({11});
  EXPECT_EQ(page.word(1), lru(10));
  EXPECT_EQ(page.word(2), lru(12));
  EXPECT_EQ(memmap_->page({12}).word(2), zone_->anchor_address(kAnonList));
  EXPECT_EQ(memmap_->page({10}).word(1), zone_->anchor_address(kAnonList));
  EXPECT_TRUE(page.test(Flag::kLru));
}

TEST_P(ZoneTest, IsolationLeavesPoisonAndTheReference) {
  const Page page = setup(10);
  const std::int32_t before = page.refcount();
  const Result<bool> first = zone_->isolate(page);
  ASSERT_TRUE(first);
  EXPECT_TRUE(first.value);
  EXPECT_FALSE(page.test(Flag::kLru));
  EXPECT_EQ(page.word(1), memmap_->addresses().list_poison1());
  EXPECT_EQ(page.word(2), memmap_->addresses().list_poison2());
  EXPECT_EQ(page.refcount(), before);
  const Result<bool> again = zone_->isolate(page);
  EXPECT_TRUE(again);
  EXPECT_FALSE(again.value);
  EXPECT_EQ(pfns(kAnonList), std::vector<std::uint64_t>{});
}

TEST_P(ZoneTest, AddsAtTheTail) {
  setup(10);
  const Page page = setup(11);
  ASSERT_TRUE(zone_->isolate(page).value);
  {
    const Guard guard(zone_->lru_lock());
    EXPECT_EQ(zone_->add_tail(page, kAnonList), Errc::kOk);
    EXPECT_EQ(zone_->last(kAnonList).value, page);
    EXPECT_EQ(zone_->add(page, kAnonList), Errc::kCorrupt);  // it is on one
  }
  EXPECT_EQ(pfns(kAnonList), (std::vector<std::uint64_t>{10, 11}));
}

TEST_P(ZoneTest, CorruptedLinksAreFoundAndNotFollowed) {
  const AddressMap& at = memmap_->addresses();
  const std::uint64_t values[] = {0,
                                  1,
                                  at.of_page({11}),
                                  at.of_lru({500}),   // a page that does not point back
                                  at.of_lru({1024}),  // one past the last
                                  at.of_object(ObjectKind::kAnonVma, 0),
                                  at.list_poison1(),
                                  zone_->anchor_address(LruKind::kActiveFile),
                                  at.of_lru({10}) | 4};
  for (const unsigned word : {1U, 2U}) {
    for (const std::uint64_t value : values) {
      for (std::uint64_t pfn : {10, 11, 12}) setup(pfn);
      const Page damaged = memmap_->page({11});
      const std::uint64_t good = damaged.word(word);
      if (value == good) continue;
      damaged.set_word(word, value);
      EXPECT_EQ(zone_->isolate(damaged).error, Errc::kCorrupt) << word << " " << value;
      EXPECT_TRUE(damaged.test(Flag::kLru));
      EXPECT_EQ(damaged.word(word), value);
      // The neighbour that believes in it is stuck too; walks stop there.
      EXPECT_EQ(zone_->isolate(memmap_->page({word == 1 ? 10U : 12U})).error, Errc::kCorrupt);
      EXPECT_EQ(walk(kAnonList), Errc::kCorrupt);
      damaged.set_word(word, good);
      EXPECT_EQ(walk(kAnonList), Errc::kOk);
    }
  }
}

TEST_P(ZoneTest, AFirstPageThatDoesNotPointBackStopsAnAdd) {
  const Page first = setup(10), page = setup(11, PageType::kFile);
  ASSERT_TRUE(zone_->isolate(page).value);
  first.set_word(2, first.word(2) ^ 4);
  const Guard guard(zone_->lru_lock());
  EXPECT_EQ(zone_->add(page, kAnonList), Errc::kCorrupt);
  EXPECT_FALSE(page.test(Flag::kLru));
  EXPECT_EQ(page.word(1), memmap_->addresses().list_poison1());
  EXPECT_EQ(zone_->length(kAnonList), 1U);
}

TEST_P(ZoneTest, ACycleWithoutTheAnchorEnds) {
  for (std::uint64_t pfn : {10, 11, 12}) setup(pfn);
  memmap_->page({10}).set_word(1, lru(11));
  memmap_->page({11}).set_word(2, lru(10));
  EXPECT_EQ(walk(kAnonList), Errc::kCorrupt);
}

TEST_P(ZoneTest, WrongListFlagsAreCorruption) {
  const Page page = setup(10);
  page.set(Flag::kActive);  // it sits on the inactive list
  EXPECT_EQ(zone_->isolate(page).error, Errc::kCorrupt);
  page.clear(Flag::kActive);
  EXPECT_TRUE(zone_->isolate(page).value);
}

TEST_P(ZoneTest, RandomRunAgainstStdList) {
  Rng rng(20181204);
  std::map<LruKind, std::list<std::uint64_t>> model;
  std::map<std::uint64_t, LruKind> on;
  for (std::uint64_t pfn = 0; pfn < 64; ++pfn) {
    setup(pfn);
    ASSERT_TRUE(zone_->isolate(memmap_->page({pfn})).value);
  }
  for (int step = 0; step < 4000; ++step) {
    const std::uint64_t pfn = rng.below(64);
    const Page page = memmap_->page({pfn});
    const auto at = on.find(pfn);
    ASSERT_EQ(page.test(Flag::kLru), at != on.end());
    if (at != on.end() && rng.below(4) == 0) {
      // It and what lies before or behind it, as far as that goes, in one run.
      std::list<std::uint64_t>& all = model[at->second];
      auto end = std::find(all.begin(), all.end(), pfn);
      std::vector<Page> run;
      for (std::uint64_t n = rng.below(6) + 1; n > 0 && end != all.end(); --n) {
        run.push_back(memmap_->page({*end}));
        on.erase(*end);
        end = all.erase(end);
      }
      if (rng.below(2) == 0) std::ranges::reverse(run);
      const Guard guard(zone_->lru_lock());
      Zone::Removals(*zone_).remove_dead(run);
      for (const Page gone : run) gone.clear(Flag::kLru);
      continue;
    }
    if (at != on.end()) {
      ASSERT_TRUE(zone_->isolate(page).value);
      model[at->second].remove(pfn);
      on.erase(at);
      continue;
    }
    for (const Flag flag : {Flag::kActive, Flag::kSwapBacked, Flag::kUnevictable}) {
      if (rng.below(3) == 0)
        page.set(flag);
      else
        page.clear(flag);
    }
    const LruKind kind = Zone::kind_of(page);
    if (rng.below(2) == 0) {
      ASSERT_EQ(zone_->putback(page), Errc::kOk);
      model[kind].push_front(pfn);
    } else {
      const Guard guard(zone_->lru_lock());
      ASSERT_EQ(zone_->add_tail(page, kind), Errc::kOk);
      model[kind].push_back(pfn);
    }
    on[pfn] = kind;
    if (step % 64 != 0) continue;
    for (unsigned i = 0; i < kLruKinds; ++i) {
      const auto& expected = model[static_cast<LruKind>(i)];
      ASSERT_EQ(pfns(static_cast<LruKind>(i)),
                std::vector<std::uint64_t>(expected.begin(), expected.end()));
    }
  }
}

/// Any single flipped bit of words 1 and 2 of a list member is seen by a walk.
TEST_P(ZoneTest, EveryFlippedBitIsSeen) {
  for (std::uint64_t pfn : {10, 11, 12}) setup(pfn);
  const Page page = memmap_->page({11});
  for (const unsigned word : {1U, 2U}) {
    for (unsigned bit = 0; bit < memmap_->shape().word_bytes * 8U; ++bit) {
      page.set_word(word, page.word(word) ^ 1ULL << bit);
      EXPECT_EQ(walk(kAnonList), Errc::kCorrupt) << word << ":" << bit;
      page.set_word(word, page.word(word) ^ 1ULL << bit);
    }
  }
  EXPECT_EQ(walk(kAnonList), Errc::kOk);
}

INSTANTIATE_TEST_SUITE_P(Layouts, ZoneTest,
                         ::testing::Values("linux-4.20", "linux-4.20-counter", "linux-6.12",
                                           "linux-4.20-32", "linux-4.20-zd-32", "linux-6.12-32"),
                         parameter_name);

}  // namespace
}  // namespace pagebox
