// What a pin, an unpin and a query do, for every scheme on every layout.
#include "pins_fixture.h"

namespace {

using namespace pagebox;
using pagebox::testing::for_each_fit;
using pagebox::testing::make_box;

TEST(PinsSemantics, EveryPinHoldsReferences) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    box->set_up(5);
    const Page page = box->page(5);
    const std::int32_t before = page.refcount(), each = box->pins->refs_per_pin(page);
    ASSERT_EQ(box->pins->pin_referenced(Pfn{5}, 3, 0), Errc::kOk);
    EXPECT_EQ(page.refcount(), before + 3 * each);
    ASSERT_EQ(box->pins->try_pin_speculative(Pfn{5}, 2, 1), Errc::kOk);
    EXPECT_EQ(page.refcount(), before + 5 * each);
    EXPECT_TRUE(box->pins->maybe_pinned(Pfn{5}));
    const PinCount count = box->pins->pins(Pfn{5});
    EXPECT_EQ(count.exact, scheme.answer == PinAnswer::kExact);
    if (count.exact) {
      EXPECT_EQ(count.pins, 5U);
    } else {
      EXPECT_GE(count.pins, 5U);
    }
    const Result<bool> unpinned = box->pins->unpin(Pfn{5}, 5, 1);
    ASSERT_TRUE(unpinned);
    EXPECT_FALSE(unpinned.value);
    EXPECT_EQ(page.refcount(), before);
    if (scheme.answer != PinAnswer::kUnknown) {
      EXPECT_FALSE(box->pins->maybe_pinned(Pfn{5}));
    }
  });
}

TEST(PinsSemantics, AFreePageIsNotPinned) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    EXPECT_EQ(box->pins->try_pin_speculative(Pfn{3}, 1, 0), Errc::kAgain);
    EXPECT_EQ(box->pins->pin_referenced(Pfn{3}, 1, 0), Errc::kNoMem);
    for (unsigned word = 0; word < 6; ++word) EXPECT_EQ(box->page(3).word(word), 0U);
    EXPECT_FALSE(box->pins->maybe_pinned(Pfn{3}));
  });
}

TEST(PinsSemantics, AFrozenPageIsNotPinned) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    box->set_up(3);
    const std::int32_t refs = box->page(3).refcount();
    ASSERT_TRUE(box->page(3).try_freeze(refs));
    EXPECT_EQ(box->pins->try_pin_speculative(Pfn{3}, 1, 0), Errc::kAgain);
    box->page(3).unfreeze(refs);
    EXPECT_EQ(box->pins->try_pin_speculative(Pfn{3}, 1, 0), Errc::kOk);
  });
}

TEST(PinsSemantics, TheLastReferenceIsReported) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    box->set_up(4);
    const std::int32_t refs = box->page(4).refcount();
    ASSERT_EQ(box->pins->pin_referenced(Pfn{4}, 2, 0), Errc::kOk);
    box->page(4).ref_sub(refs);
    EXPECT_FALSE(box->pins->unpin(Pfn{4}, 1, 0).value);
    const Result<bool> last = box->pins->unpin(Pfn{4}, 1, 0);
    ASSERT_TRUE(last);
    EXPECT_TRUE(last.value);
    EXPECT_EQ(box->page(4).refcount(), 0);
  });
}

TEST(PinsSemantics, APinOfATailGoesToTheHead) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    for (const unsigned order : {1U, 2U, 9U}) {
      auto box = make_box(scheme, layout);
      box->set_up(512, PageType::kCompoundHead, order);
      const std::uint64_t tail = 512 + (1U << order) - 1;
      const std::int32_t before = box->page(512).refcount();
      const std::int32_t each = box->pins->refs_per_pin(box->page(512));
      ASSERT_EQ(box->pins->try_pin_speculative(Pfn{tail}, 1, 0), Errc::kOk);
      ASSERT_EQ(box->pins->pin_referenced(Pfn{tail}, 1, 0), Errc::kOk);
      EXPECT_EQ(box->page(512).refcount(), before + 2 * each);
      EXPECT_EQ(box->page(tail).refcount(), 0);
      EXPECT_TRUE(box->pins->maybe_pinned(Pfn{512}));
      EXPECT_TRUE(box->pins->maybe_pinned(Pfn{tail}));
      // Any sub-page releases it.
      ASSERT_TRUE(box->pins->unpin(Pfn{512}, 2, 0));
      EXPECT_EQ(box->page(512).refcount(), before);
      if (scheme.answer != PinAnswer::kUnknown) {
        EXPECT_FALSE(box->pins->maybe_pinned(Pfn{tail}));
      }
    }
  });
}

TEST(PinsSemantics, FolioPincountIsExactWhereTheLayoutNamesAPlace) {
  const SchemeSpec& scheme = *find_scheme("folio-pincount");
  for (const Layout& layout : builtin_layouts()) {
    SCOPED_TRACE(layout.name);
    for (const unsigned order : {0U, 1U, 2U, 9U}) {
      auto box = make_box(scheme, layout);
      box->set_up(512, order == 0 ? PageType::kAnon : PageType::kCompoundHead, order);
      const bool place =
          order >= 1 && layout.pincount.tail != 0 && order >= layout.pincount.min_order;
      EXPECT_EQ(box->pins->refs_per_pin(box->page(512)), place ? 1 : 1024) << order;
      ASSERT_EQ(box->pins->pin_referenced(Pfn{512}, 7, 0), Errc::kOk);
      const PinCount count = box->pins->pins(Pfn{512});
      EXPECT_EQ(count.exact, place) << order;
      EXPECT_EQ(count.pins, 7U) << order;
      EXPECT_EQ(max_pins(scheme, layout, order), place ? 0x7fffffffU : 0x1fffffU);
    }
  }
}

TEST(PinsSemantics, TheBiasIsFuzzyFrom1024ReferencesOn) {
  for (const char* name : {"refcount-bias", "folio-pincount"}) {
    auto box = make_box(name, "linux-6.12");
    box->set_up(1);
    box->page(1).set_refcount(1023);
    EXPECT_FALSE(box->pins->maybe_pinned(Pfn{1}));
    box->page(1).set_refcount(1024);
    EXPECT_TRUE(box->pins->maybe_pinned(Pfn{1}));
    box->page(1).set_refcount(-5);
    EXPECT_TRUE(box->pins->maybe_pinned(Pfn{1}));
  }
}

TEST(PinsSemantics, ExactSchemesSeeNoPinInReferences) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    if (scheme.answer != PinAnswer::kExact) return;
    auto box = make_box(scheme, layout);
    box->set_up(1);
    box->page(1).set_refcount(1 << 20);
    EXPECT_FALSE(box->pins->maybe_pinned(Pfn{1}));
  });
}

TEST(PinsSemantics, MapcountOverlayTellsPinsFromMappings) {
  auto box = make_box("mapcount-overlay", "linux-6.12");
  box->set_up(1);
  const std::int32_t raw = box->page(1).mapcount_raw();
  ASSERT_EQ(box->pins->pin_referenced(Pfn{1}, 2, 0), Errc::kOk);
  EXPECT_EQ(box->page(1).mapcount_raw(), raw + 2);
  box->page(1).mapcount_raw_add(3);
  box->pins->record_mappings(Pfn{1}, static_cast<std::uint32_t>(raw + 1 + 3));
  EXPECT_EQ(box->pins->pins(Pfn{1}).pins, 2U);
}

TEST(PinsSemantics, MapcountOverlayAsksTheReverseMap) {
  PinOptions options;
  std::uint32_t mappings = 1;
  options.ops.context = &mappings;
  options.ops.real_mappings = [](void* context, Pfn) {
    return *static_cast<std::uint32_t*>(context);
  };
  auto box = make_box("mapcount-overlay", "linux-6.12", options);
  box->set_up(1);
  box->page(1).set_mapcount_raw(0);
  EXPECT_FALSE(box->pins->maybe_pinned(Pfn{1}));
  mappings = 0;
  EXPECT_EQ(box->pins->pins(Pfn{1}).pins, 1U);
}

TEST(PinsSemantics, MapcountOverlayRefusesPagesWithoutAMapcount) {
  for (const Layout& layout : builtin_layouts()) {
    SCOPED_TRACE(layout.name);
    for (const PageType type : {PageType::kSlab, PageType::kPageTable}) {
      if (!has_page(layout, type, 0)) continue;
      auto box = make_box(*find_scheme("mapcount-overlay"), layout);
      box->set_up(1, type);
      const std::int32_t refs = box->page(1).refcount();
      EXPECT_EQ(box->pins->pin_referenced(Pfn{1}, 1, 0), Errc::kRefused);
      EXPECT_EQ(box->pins->try_pin_speculative(Pfn{1}, 1, 0), Errc::kRefused);
      EXPECT_EQ(box->page(1).refcount(), refs);
    }
  }
}

TEST(PinsSemantics, BadCountsAndPfnsChangeNothing) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    box->set_up(0);
    const std::int32_t refs = box->page(0).refcount();
    for (const std::uint64_t pfn : {2048ULL, ~0ULL}) {
      EXPECT_EQ(box->pins->pin_referenced(Pfn{pfn}, 1, 0), Errc::kInval);
      EXPECT_EQ(box->pins->try_pin_speculative(Pfn{pfn}, 1, 0), Errc::kInval);
      EXPECT_EQ(box->pins->try_pin_speculative(Pfn{pfn}, 2, 0), Errc::kInval);
      EXPECT_EQ(box->pins->unpin(Pfn{pfn}, 1, 0).error, Errc::kInval);
      EXPECT_FALSE(box->pins->maybe_pinned(Pfn{pfn}));
    }
    EXPECT_EQ(box->pins->pin_referenced(Pfn{0}, 0, 0), Errc::kInval);
    EXPECT_EQ(box->pins->unpin(Pfn{0}, 0, 0).error, Errc::kInval);
    EXPECT_EQ(box->pins->pin_referenced(Pfn{0}, 0x80000000, 0), Errc::kPinLimit);
    EXPECT_EQ(box->pins->pin_referenced(Pfn{0}, 0xffffffff, 0), Errc::kPinLimit);
    EXPECT_EQ(box->page(0).refcount(), refs);
  });
}

TEST(PinsSemantics, AWrongUnpinChangesNothing) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    // By the ledger, always; by the scheme's own word where it has one.
    for (const bool ledger : {true, false}) {
      if (!ledger && (scheme.answer != PinAnswer::kExact || scheme.place == CountPlace::kMapcount ||
                      scheme.place == CountPlace::kSharded))
        continue;
      auto box = make_box(scheme, layout, {}, 2048, ledger);
      box->set_up(1);
      std::uint64_t words[6];
      for (unsigned i = 0; i < 6; ++i) words[i] = box->page(1).word(i);
      EXPECT_EQ(box->pins->unpin(Pfn{1}, 1, 0).error, Errc::kNotPinned);
      for (unsigned i = 0; i < 6; ++i) EXPECT_EQ(box->page(1).word(i), words[i]);
      ASSERT_EQ(box->pins->pin_referenced(Pfn{1}, 1, 0), Errc::kOk);
      EXPECT_EQ(box->pins->unpin(Pfn{1}, 2, 0).error, Errc::kNotPinned);
      EXPECT_TRUE(box->pins->unpin(Pfn{1}, 1, 0));
      EXPECT_EQ(box->listed(), 1U);
    }
  });
}

TEST(PinsSemantics, AWordThatNamesNoHeadIsReported) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    // Whatever a mask holds, it names a descriptor below.
    if (layout.compound_head == CompoundHead::kMask) return;
    auto box = make_box(scheme, layout);
    box->set_up(1, PageType::kAnon, 0, false);
    for (const std::uint64_t word : std::initializer_list<std::uint64_t>{
             std::uint64_t{1}, box->memmap->addresses().of_page(Pfn{2048}) + 1,
             box->memmap->addresses().of_page(Pfn{0}) + 5, ~0ULL}) {
      box->page(1).set_word(1, word);
      EXPECT_EQ(box->pins->try_pin_speculative(Pfn{1}, 1, 0), Errc::kCorrupt) << word;
      EXPECT_EQ(box->pins->pin_referenced(Pfn{1}, 1, 0), Errc::kCorrupt);
    }
  });
}

TEST(PinsSemantics, AnUntouchedPageIsPopulatedAtItsFirstPin) {
  PinOptions options;
  std::uint64_t populated = 0;
  options.ops.context = &populated;
  options.ops.populate = [](void* context, Pfn) {
    ++*static_cast<std::uint64_t*>(context);
    return false;
  };
  auto box = make_box("refcount-bias", "linux-6.12", options);
  EXPECT_EQ(box->pins->try_pin_speculative(Pfn{1}, 1, 0), Errc::kAgain);
  EXPECT_EQ(populated, 1U);
  // Of one that has no reference, too: another thread may be about to give it one.
  box->set_up(2);
  box->page(2).set_refcount(0);
  EXPECT_EQ(box->pins->try_pin_speculative(Pfn{2}, 1, 0), Errc::kAgain);
  EXPECT_EQ(populated, 2U);
  // Who is granted asks nobody.
  box->page(2).set_refcount(1);
  EXPECT_EQ(box->pins->try_pin_speculative(Pfn{2}, 1, 0), Errc::kOk);
  EXPECT_EQ(populated, 2U);
}

}  // namespace
