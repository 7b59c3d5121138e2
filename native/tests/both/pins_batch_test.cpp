// Batches: the same as page by page, failures counted, first one named.
#include <numeric>

#include "base/rng.h"
#include "pins_fixture.h"

namespace {

using namespace pagebox;
using pagebox::testing::for_each_fit;
using pagebox::testing::make_box;

std::vector<std::uint32_t> upto(std::uint32_t pages) {
  std::vector<std::uint32_t> pfns(pages);
  std::iota(pfns.begin(), pfns.end(), 0U);
  return pfns;
}

TEST(PinsBatch, DoesWhatSingleCallsDo) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    for (const bool ledger : {false, true}) {
      auto box = make_box(scheme, layout, {}, 2048, ledger);
      for (std::uint64_t pfn = 0; pfn < 100; ++pfn) box->set_up(pfn);
      const std::int32_t refs = box->page(7).refcount(),
                         each = box->pins->refs_per_pin(box->page(7));
      const auto pfns = upto(100);
      BatchResult result = box->pins->pin_many(pfns, 0);
      EXPECT_EQ(result.done, 100U);
      result = box->pins->try_pin_many(pfns, 0);
      EXPECT_EQ(result.done, 100U);
      EXPECT_EQ(result.failed, 0U);
      for (std::uint64_t pfn = 0; pfn < 100; ++pfn)
        ASSERT_EQ(box->page(pfn).refcount(), refs + 2 * each);
      EXPECT_EQ(box->pins->maybe_pinned_many(pfns).done, 100U);
      EXPECT_EQ(box->ledger.total(), ledger ? 200U : 0U);
      EXPECT_EQ(box->pins->unpin_many(pfns, 0).done, 100U);
      EXPECT_EQ(box->pins->pin_unpin_many(pfns, 0).done, 100U);
      EXPECT_EQ(box->pins->try_pin_unpin_many(pfns, 0).done, 100U);
      EXPECT_EQ(box->pins->unpin_many(pfns, 0).done, 100U);
      EXPECT_EQ(box->pins->get_put_many(pfns).done, 100U);
      for (std::uint64_t pfn = 0; pfn < 100; ++pfn) ASSERT_EQ(box->page(pfn).refcount(), refs);
      EXPECT_EQ(box->ledger.total(), 0U);
      EXPECT_EQ(box->listed(), 100U);
    }
  });
}

TEST(PinsBatch, GoesOnAfterAFailureAndNamesTheFirst) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    for (std::uint64_t pfn = 0; pfn < 50; ++pfn)
      if (pfn != 20 && pfn != 30) box->set_up(pfn);
    auto pfns = upto(50);
    pfns[40] = 4000;
    BatchResult result = box->pins->try_pin_many(pfns, 0);
    EXPECT_EQ(result.done, 47U);
    EXPECT_EQ(result.failed, 3U);
    EXPECT_EQ(result.first_failed, 20U);
    EXPECT_EQ(result.first_error, Errc::kAgain);
    result = box->pins->pin_many(std::span(pfns).subspan(25), 0);
    EXPECT_EQ(result.first_failed, 5U);
    EXPECT_EQ(result.first_error, Errc::kNoMem);
    EXPECT_EQ(box->pins->maybe_pinned_many(std::span(pfns).first(41)).failed, 1U);
  });
}

TEST(PinsBatch, AllOrNothingUndoes) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    for (const bool ledger : {false, true}) {
      auto box = make_box(scheme, layout, {}, 2048, ledger);
      for (std::uint64_t pfn = 0; pfn < 10; ++pfn) box->set_up(pfn);
      const std::int32_t refs = box->page(0).refcount();
      const BatchResult result = box->pins->try_pin_all(upto(12), 2);
      EXPECT_EQ(result.done, 0U);
      EXPECT_EQ(result.first_failed, 10U);
      EXPECT_EQ(result.first_error, Errc::kAgain);
      for (std::uint64_t pfn = 0; pfn < 10; ++pfn) EXPECT_EQ(box->page(pfn).refcount(), refs);
      EXPECT_EQ(box->listed(), 10U);
      EXPECT_EQ(box->pins->try_pin_all(upto(10), 2).done, 10U);
      EXPECT_EQ(box->ledger.total(), ledger ? 10U : 0U);
    }
  });
}

/// More pages than one run has, the last of which somebody else pinned.
TEST(PinsBatch, AllOrNothingOfUnpinsWithALedger) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout, {}, 2048, true);
    const std::vector<std::uint32_t> pfns = upto(600);
    for (const std::uint32_t pfn : pfns) box->set_up(pfn);
    const std::int32_t refs = box->page(0).refcount();
    ASSERT_EQ(box->pins->try_pin_all(std::span(pfns).first(599), 0).done, 599U);
    ASSERT_EQ(box->pins->try_pin_speculative(Pfn{599}, 1, 1), Errc::kOk);
    const std::int32_t pinned = box->page(0).refcount();
    const auto unchanged = [&] {
      for (const std::uint32_t pfn : pfns)
        if (box->page(pfn).refcount() != pinned) return false;
      return box->ledger.total() == 600;
    };
    BatchResult result = box->pins->unpin_all(pfns, 0);
    EXPECT_EQ(result.first_failed, 599U);
    EXPECT_EQ(result.first_error, Errc::kNotPinned);
    EXPECT_TRUE(unchanged());
    // A page twice, pinned once.
    std::vector<std::uint32_t> twice(pfns.begin(), pfns.begin() + 599);
    twice.push_back(7);
    result = box->pins->unpin_all(twice, 0);
    EXPECT_EQ(result.first_failed, 599U);
    EXPECT_TRUE(unchanged());
    const std::vector<std::uint32_t> counts{1, 2};
    result = box->pins->unpin_all(std::span(pfns).first(2), 0, {}, counts);
    EXPECT_EQ(result.first_failed, 1U);
    EXPECT_TRUE(unchanged());
    EXPECT_EQ(box->pins->unpin_all(std::span(pfns).first(599), 0).done, 599U);
    EXPECT_EQ(box->page(0).refcount(), refs);
    EXPECT_EQ(box->ledger.total(), 1U);
  });
}

TEST(PinsBatch, WithALedgerFailuresAreLeftOut) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout, {}, 2048, true);
    const std::vector<std::uint32_t> pfns = upto(600);
    for (const std::uint32_t pfn : pfns)
      if (pfn % 100 != 50) box->set_up(pfn);
    BatchResult result = box->pins->try_pin_many(pfns, 3);
    EXPECT_EQ(result.done, 594U);
    EXPECT_EQ(result.failed, 6U);
    EXPECT_EQ(result.first_failed, 50U);
    EXPECT_EQ(result.first_error, Errc::kAgain);
    EXPECT_EQ(box->ledger.total(), 594U);
    result = box->pins->try_pin_unpin_many(pfns, 3);
    EXPECT_EQ(result.done, 594U);
    EXPECT_EQ(result.failed, 6U);
    EXPECT_EQ(box->ledger.total(), 594U);
    result = box->pins->unpin_many(pfns, 3);
    EXPECT_EQ(result.done, 594U);
    EXPECT_EQ(result.first_failed, 50U);
    EXPECT_EQ(result.first_error, Errc::kNotPinned);
    EXPECT_EQ(box->ledger.total(), 0U);
  });
}

/// A pin far up is promised its room, in a batch as alone.
TEST(PinsBatch, WithALedgerPagesNearTheLimitAreRefusedAsAlone) {
  auto box = make_box("refcount", "linux-6.12", {}, true);
  const std::vector<std::uint32_t> pfns = upto(3);
  for (const std::uint32_t pfn : pfns) box->set_up(pfn);
  const std::int32_t refs = box->page(1).refcount();
  constexpr auto kMost = static_cast<std::int32_t>(kRefcountMax);
  box->page(1).set_refcount(kMost);
  BatchResult result = box->pins->try_pin_many(pfns, 0);
  EXPECT_EQ(result.done, 2U);
  EXPECT_EQ(result.first_failed, 1U);
  EXPECT_EQ(result.first_error, Errc::kPinLimit);
  EXPECT_EQ(box->page(1).refcount(), kMost);
  box->page(1).set_refcount(kMost - 5);
  EXPECT_EQ(box->pins->try_pin_all(pfns, 0).done, 3U);
  EXPECT_EQ(box->ledger.total(), 5U);
  box->page(1).set_refcount(refs + 1);
}

TEST(PinsBatch, NamesThePagesWithoutAReference) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    const auto pfns = upto(10);
    for (const std::uint32_t pfn : pfns) box->set_up(pfn);
    const std::int32_t refs = box->page(0).refcount();
    ASSERT_EQ(box->pins->pin_many(pfns, 0).done, 10U);
    box->page(3).ref_sub(refs);
    box->page(8).ref_sub(refs);
    std::vector<std::uint32_t> freed(10);
    const BatchResult result = box->pins->unpin_many(pfns, 0, freed);
    EXPECT_EQ(result.done, 10U);
    ASSERT_EQ(result.freed, 2U);
    EXPECT_EQ(freed[0], 3U);
    EXPECT_EQ(freed[1], 8U);
  });
}

TEST(PinsBatch, NothingToDo) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    const BatchResult result = box->pins->try_pin_many({}, 0);
    EXPECT_EQ(result.done + result.failed, 0U);
    EXPECT_EQ(box->pins->maybe_pinned_many({}).done, 0U);
  });
}

TEST(PinsBatch, RandomTailsOfHugePages) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    for (std::uint64_t head = 0; head < 2048; head += 512)
      box->set_up(head, PageType::kCompoundHead, 9);
    const std::int32_t refs = box->page(0).refcount();
    Rng rng(3);
    std::vector<std::uint32_t> pfns(500);
    for (std::uint32_t& pfn : pfns) pfn = static_cast<std::uint32_t>(rng.below(2048));
    EXPECT_EQ(box->pins->try_pin_many(pfns, 0).done, 500U);
    std::uint64_t pins = 0;
    for (std::uint64_t head = 0; head < 2048; head += 512)
      pins += static_cast<std::uint64_t>(box->page(head).refcount() - refs) /
              static_cast<std::uint64_t>(box->pins->refs_per_pin(box->page(head)));
    EXPECT_EQ(pins, 500U);
    EXPECT_EQ(box->pins->unpin_many(pfns, 0).done, 500U);
    for (std::uint64_t head = 0; head < 2048; head += 512)
      EXPECT_EQ(box->page(head).refcount(), refs);
  });
}

}  // namespace
