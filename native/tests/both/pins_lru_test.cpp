// Schemes over the list words: off the LRU while pinned, and back.
#include "pins_fixture.h"

namespace {

using namespace pagebox;
using pagebox::testing::for_each_fit;
using pagebox::testing::make_box;

template <class Test>
void for_each_isolating(Test test) {
  for_each_fit([&](const SchemeSpec& scheme, const Layout& layout) {
    if (scheme.isolates()) test(scheme, layout);
  });
}

TEST(PinsLru, TheFirstPinIsolatesAndTheLastUnpinPutsBack) {
  for_each_isolating([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    for (std::uint64_t pfn = 0; pfn < 8; ++pfn) box->set_up(pfn);
    ASSERT_EQ(box->pins->try_pin_speculative(Pfn{3}, 1, 0), Errc::kOk);
    EXPECT_FALSE(box->page(3).test(Flag::kLru));
    EXPECT_EQ(box->listed(), 7U);
    ASSERT_EQ(box->pins->pin_referenced(Pfn{3}, 1, 0), Errc::kOk);
    ASSERT_TRUE(box->pins->unpin(Pfn{3}, 1, 0));
    EXPECT_EQ(box->listed(), 7U);
    ASSERT_TRUE(box->pins->unpin(Pfn{3}, 1, 0));
    EXPECT_TRUE(box->page(3).test(Flag::kLru));
    EXPECT_EQ(box->listed(), 8U);
  });
}

TEST(PinsLru, OtherSchemesLeaveTheListAlone) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    if (scheme.isolates()) return;
    auto box = make_box(scheme, layout);
    box->set_up(1);
    ASSERT_EQ(box->pins->pin_referenced(Pfn{1}, 1, 0), Errc::kOk);
    EXPECT_TRUE(box->page(1).test(Flag::kLru));
    EXPECT_EQ(box->listed(), 1U);
  });
}

TEST(PinsLru, APageOnNoListStaysOnNone) {
  for_each_isolating([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    box->set_up(1, PageType::kAnon, 0, false);
    ASSERT_EQ(box->pins->pin_referenced(Pfn{1}, 2, 0), Errc::kOk);
    ASSERT_TRUE(box->pins->unpin(Pfn{1}, 2, 0));
    EXPECT_EQ(box->listed(), 0U);
  });
}

// Reclaim isolates, somebody pins, reclaim gives the page back: it may not go on
// a list over the count, and must not be lost either.
void given_back_while_pinned(const SchemeSpec& scheme, const Layout& layout) {
  auto box = make_box(scheme, layout);
  box->set_up(1);
  const Result<bool> isolated = box->pins->isolate(Pfn{1});
  ASSERT_TRUE(isolated && isolated.value);
  ASSERT_EQ(box->pins->pin_referenced(Pfn{1}, 3, 0), Errc::kOk);
  ASSERT_EQ(box->pins->putback(Pfn{1}), Errc::kOk);
  EXPECT_EQ(box->listed(), scheme.isolates() ? 0U : 1U);
  EXPECT_TRUE(box->pins->maybe_pinned(Pfn{1}));
  ASSERT_TRUE(box->pins->unpin(Pfn{1}, 3, 0));
  EXPECT_EQ(box->listed(), 1U);
  EXPECT_TRUE(box->page(1).test(Flag::kLru));
}
TEST(PinsLru, APageGivenBackWhilePinnedWaitsForTheLastUnpin) {
  for_each_fit(given_back_while_pinned);
}
TEST(PinsLru, APageGivenBackWhilePinnedWaitsBesideNarrowCountsToo) {
  unsigned fits = 0;
  for (const char* name : {"flag-and-word", "lru-overlay"}) {
    SchemeSpec narrow = *find_scheme(name);
    narrow.name = std::string("narrow-") + name;
    narrow.count_bits = 4;
    narrow.at_limit = AtLimit::kSpill;
    complete_scheme(narrow);
    for (const Layout& layout : builtin_layouts()) {
      if (!scheme_fits(narrow, layout_for(narrow, layout))) continue;
      SCOPED_TRACE(narrow.name + " on " + layout.name);
      given_back_while_pinned(narrow, layout);
      ++fits;
    }
  }
  EXPECT_GT(fits, 0U);
}

TEST(PinsLru, APinnedPageCannotBeIsolated) {
  for_each_isolating([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    box->set_up(1);
    ASSERT_EQ(box->pins->pin_referenced(Pfn{1}, 1, 0), Errc::kOk);
    const Result<bool> isolated = box->pins->isolate(Pfn{1});
    ASSERT_TRUE(isolated);
    EXPECT_FALSE(isolated.value);
  });
}

TEST(PinsLru, AListedPageNeverReadsAsPinned) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    if (scheme.answer != PinAnswer::kExact) return;
    auto box = make_box(scheme, layout);
    for (std::uint64_t pfn = 0; pfn < 64; ++pfn) box->set_up(pfn);
    for (std::uint64_t pfn = 0; pfn < 64; ++pfn) {
      EXPECT_FALSE(box->pins->maybe_pinned(Pfn{pfn})) << pfn;
      EXPECT_EQ(box->pins->pins(Pfn{pfn}).pins, 0U) << pfn;
    }
  });
}

TEST(PinsLru, ACorruptNeighbourIsReportedAndNothingPinned) {
  for_each_isolating([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    for (std::uint64_t pfn = 0; pfn < 3; ++pfn) box->set_up(pfn);
    const std::int32_t refs = box->page(1).refcount();
    box->page(1).set_word(2, 0xdeadbee8);
    EXPECT_EQ(box->pins->pin_referenced(Pfn{1}, 1, 0), Errc::kCorrupt);
    EXPECT_EQ(box->pins->try_pin_speculative(Pfn{1}, 1, 0), Errc::kCorrupt);
    EXPECT_EQ(box->page(1).refcount(), refs);
    EXPECT_FALSE(box->pins->maybe_pinned(Pfn{1}));
  });
}

}  // namespace
