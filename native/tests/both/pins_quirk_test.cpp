// Each historic defect shows when it is on, and not when it is off. (The double
// last unpin needs two threads: tests/model.)
#include "pins_fixture.h"

namespace {

using namespace pagebox;
using pagebox::testing::make_box;

PinOptions with(Quirk quirk) {
  PinOptions options;
  options.quirks = quirk_set(quirk);
  return options;
}

bool listed_pages_read_as_pinned(const char* layout, PinOptions options) {
  auto box = make_box("lru-overlay", layout, options);
  for (std::uint64_t pfn = 0; pfn < 8; ++pfn) box->set_up(pfn);
  unsigned pinned = 0;
  for (std::uint64_t pfn = 0; pfn < 8; ++pfn) pinned += box->pins->maybe_pinned(Pfn{pfn}) ? 1 : 0;
  return pinned != 0;
}

TEST(PinsQuirk, MaskAsBitNumberMakesListedPagesPinnedOn32Bits) {
  unsigned layouts = 0;
  for (const Layout& layout : builtin_layouts()) {
    if (!has_page(layout, PageType::kAnon, 0)) continue;
    EXPECT_FALSE(listed_pages_read_as_pinned(layout.name.c_str(), {})) << layout.name;
    EXPECT_EQ(listed_pages_read_as_pinned(layout.name.c_str(), with(Quirk::kMaskAsBitNumber)),
              layout.word_bytes == 4)
        << layout.name;
    ++layouts;
  }
  EXPECT_GT(layouts, 1U);
}

TEST(PinsQuirk, StrictlyGreaterMissesAPageWhoseOnlyReferenceIsAPin) {
  for (const bool on : {false, true}) {
    auto box =
        make_box("refcount-bias", "linux-6.12", on ? with(Quirk::kStrictlyGreater) : PinOptions{});
    box->set_up(1);
    const std::int32_t refs = box->page(1).refcount();
    ASSERT_EQ(box->pins->pin_referenced(Pfn{1}, 1, 0), Errc::kOk);
    box->page(1).ref_sub(refs);
    EXPECT_EQ(box->pins->maybe_pinned(Pfn{1}), !on);
  }
}

TEST(PinsQuirk, NoZeroTestNeverFreesThePage) {
  for (const bool on : {false, true}) {
    auto box =
        make_box("refcount-bias", "linux-6.12", on ? with(Quirk::kNoZeroTest) : PinOptions{});
    box->set_up(1);
    const std::int32_t refs = box->page(1).refcount();
    ASSERT_EQ(box->pins->pin_referenced(Pfn{1}, 1, 0), Errc::kOk);
    box->page(1).ref_sub(refs);
    const Result<bool> last = box->pins->unpin(Pfn{1}, 1, 0);
    ASSERT_TRUE(last);
    EXPECT_EQ(last.value, !on);
    EXPECT_EQ(box->page(1).refcount(), 0);
  }
}

TEST(PinsQuirk, OneBiasForManyUnderflowsWhenEachSubPageIsReleased) {
  for (const bool on : {false, true}) {
    auto box =
        make_box("refcount-bias", "linux-6.12", on ? with(Quirk::kOneBiasForMany) : PinOptions{});
    box->set_up(512, PageType::kCompoundHead, 9);
    const std::int32_t refs = box->page(512).refcount();
    ASSERT_EQ(box->pins->try_pin_speculative(Pfn{512}, 8, 0), Errc::kOk);
    EXPECT_EQ(box->page(512).refcount(), refs + (on ? 1 : 8) * 1024);
    unsigned refused = 0;
    for (std::uint64_t sub = 0; sub < 8; ++sub)
      refused += box->pins->unpin(Pfn{512 + sub}, 1, 0) ? 0 : 1;
    EXPECT_EQ(refused, on ? 7U : 0U);
  }
}

TEST(PinsQuirk, AFlagWithoutCountForgetsTheSecondPin) {
  for (const bool on : {false, true}) {
    auto box =
        make_box("flag-and-word", "linux-4.20", on ? with(Quirk::kFlagWithoutCount) : PinOptions{});
    box->set_up(1);
    const std::int32_t refs = box->page(1).refcount();
    ASSERT_EQ(box->pins->pin_referenced(Pfn{1}, 1, 0), Errc::kOk);
    ASSERT_EQ(box->pins->pin_referenced(Pfn{1}, 1, 1), Errc::kOk);
    ASSERT_TRUE(box->pins->unpin(Pfn{1}, 1, 0));
    EXPECT_EQ(box->pins->maybe_pinned(Pfn{1}), !on);
    ASSERT_TRUE(box->pins->unpin(Pfn{1}, 1, 1));
    EXPECT_EQ(box->page(1).refcount(), refs);
    EXPECT_EQ(box->listed(), 1U);
  }
}

TEST(PinsQuirk, PutForUnpinLeaks1023References) {
  for (const bool on : {false, true}) {
    auto box =
        make_box("refcount-bias", "linux-6.12", on ? with(Quirk::kPutForUnpin) : PinOptions{});
    box->set_up(1);
    const std::int32_t refs = box->page(1).refcount();
    ASSERT_EQ(box->pins->pin_referenced(Pfn{1}, 1, 0), Errc::kOk);
    ASSERT_TRUE(box->pins->unpin(Pfn{1}, 1, 0));
    EXPECT_EQ(box->page(1).refcount(), refs + (on ? 1023 : 0));
    EXPECT_EQ(box->pins->maybe_pinned(Pfn{1}), on) << "the leak reads as a pin for ever";
  }
}

TEST(PinsQuirk, PutForUnpinLeavesAnExactCountBehind) {
  auto box = make_box("side-table", "linux-6.12", with(Quirk::kPutForUnpin));
  box->set_up(1);
  ASSERT_EQ(box->pins->pin_referenced(Pfn{1}, 1, 0), Errc::kOk);
  ASSERT_TRUE(box->pins->unpin(Pfn{1}, 1, 0));
  EXPECT_EQ(box->pins->pins(Pfn{1}).pins, 1U);
}

}  // namespace
