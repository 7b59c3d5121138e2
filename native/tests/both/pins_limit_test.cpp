// Limits are the kernel's: refused at or below zero before the add, the pin that
// crosses is kept, packed counts refuse before they carry.
#include <algorithm>

#include "pins_fixture.h"

namespace {

using namespace pagebox;
using pagebox::testing::for_each_fit;
using pagebox::testing::make_box;
using pagebox::testing::PinBox;

constexpr std::int64_t kMax = 0x7fffffff;

/// Pins as often as leaves `_refcount` positive, or as the packed count takes.
std::uint64_t fill_up(PinBox& box, std::uint64_t field_max) {
  const Page page = box.page(1);
  const std::int64_t each = box.pins->refs_per_pin(page);
  const auto room = static_cast<std::uint64_t>((kMax - page.refcount()) / each);
  const std::uint64_t pins = std::min(room, field_max);
  EXPECT_EQ(box.pins->pin_referenced(Pfn{1}, static_cast<std::uint32_t>(pins), 0), Errc::kOk);
  EXPECT_GT(page.refcount(), 0);
  return pins;
}

TEST(PinsLimit, EachSchemeEndsWhereItsConstantSays) {
  for_each_fit([](const SchemeSpec& scheme, const Layout& layout) {
    auto box = make_box(scheme, layout);
    box->set_up(1);
    const std::int32_t others = box->page(1).refcount();
    const std::uint64_t pins = fill_up(*box, scheme.max_pins);
    // Without the bias other references share the budget of `_refcount`.
    EXPECT_EQ(pins, scheme.max_pins == kRefcountMax
                        ? kRefcountMax - static_cast<std::uint64_t>(others)
                        : scheme.max_pins);
    if (scheme.answer == PinAnswer::kExact) {
      EXPECT_EQ(box->pins->pins(Pfn{1}).pins, pins);
    }
    EXPECT_TRUE(box->pins->maybe_pinned(Pfn{1}));

    if (pins == scheme.max_pins && scheme.protocol == Protocol::kPackedWord) {
      const std::int32_t refs = box->page(1).refcount();
      EXPECT_EQ(box->pins->pin_referenced(Pfn{1}, 1, 0), Errc::kPinLimit);
      EXPECT_EQ(box->pins->try_pin_speculative(Pfn{1}, 1, 0), Errc::kPinLimit);
      EXPECT_EQ(box->page(1).refcount(), refs);
      EXPECT_EQ(box->pins->pins(Pfn{1}).pins, scheme.max_pins);
      ASSERT_TRUE(box->pins->unpin(Pfn{1}, static_cast<std::uint32_t>(pins), 0));
    } else {
      EXPECT_EQ(box->pins->pin_referenced(Pfn{1}, 1, 0), Errc::kOk) << "the one that crosses";
      EXPECT_LT(box->page(1).refcount(), 0);
      EXPECT_TRUE(box->pins->maybe_pinned(Pfn{1}));
      EXPECT_EQ(box->pins->pin_referenced(Pfn{1}, 1, 0), Errc::kNoMem);
      EXPECT_EQ(box->pins->try_pin_speculative(Pfn{1}, 1, 0), Errc::kNoMem);
      EXPECT_TRUE(box->pins->unpin(Pfn{1}, 1, 0));
      EXPECT_GT(box->page(1).refcount(), 0);
      ASSERT_TRUE(box->pins->unpin(Pfn{1}, static_cast<std::uint32_t>(pins), 0));
    }
    EXPECT_EQ(box->page(1).refcount(), others);
    EXPECT_EQ(box->listed(), 1U);
  });
}

// Each round pins every sub-page of a 2 MiB folio once.
TEST(PinsLimit, TheBiasOfAHugePageOverflowsInTheRoundsOfTheFacts) {
  auto box = make_box("refcount-bias", "linux-6.12");
  box->set_up(512, PageType::kCompoundHead, 9);
  const Page head = box->page(512);
  head.set_refcount(1);
  unsigned rounds = 0;
  while (head.refcount() > 0 && rounds < 5000) {
    for (std::uint64_t sub = 0; sub < 512; sub += 64)
      if (box->pins->pin_referenced(Pfn{512 + sub}, 64, 0) != Errc::kOk) break;
    ++rounds;
  }
  EXPECT_EQ(rounds, 4096U);  // 2^21 - 1 pins are 4095 full rounds and 511
  EXPECT_EQ(((1U << 21) - 1) / 512, 4095U);
  EXPECT_EQ(box->pins->try_pin_speculative(Pfn{600}, 1, 0), Errc::kNoMem);
}

TEST(PinsLimit, AnExactTailCountLasts1024TimesLonger) {
  auto box = make_box("folio-pincount", "linux-6.12");
  box->set_up(512, PageType::kCompoundHead, 9);
  for (unsigned round = 0; round < 5000; ++round)
    ASSERT_EQ(box->pins->pin_referenced(Pfn{512}, 512, 0), Errc::kOk);
  EXPECT_EQ(box->pins->pins(Pfn{700}).pins, 5000U * 512);
}

TEST(PinsLimit, ACustomPackedCountRefusesBeforeItCarries) {
  SchemeSpec scheme;
  scheme.name = "narrow";
  scheme.protocol = Protocol::kPackedWord;
  scheme.place = CountPlace::kWord;
  scheme.count_word = 2;
  scheme.count_shift = 2;
  scheme.count_bits = 5;
  scheme.packed_bits = 32;
  scheme.pinned = {2, 0};
  scheme.was_lru = {2, 1};
  complete_scheme(scheme);
  auto box = make_box(scheme, *find_layout("linux-4.20"));
  box->set_up(1);
  for (unsigned i = 0; i < 31; ++i)
    ASSERT_EQ(box->pins->try_pin_speculative(Pfn{1}, 1, 0), Errc::kOk);
  EXPECT_EQ(box->pins->try_pin_speculative(Pfn{1}, 1, 0), Errc::kPinLimit);
  EXPECT_EQ(box->pins->pin_referenced(Pfn{1}, 40, 0), Errc::kPinLimit);
  EXPECT_EQ(box->page(1).word(2) & 0xff, 0x7fU);
  ASSERT_TRUE(box->pins->unpin(Pfn{1}, 31, 0));
  EXPECT_EQ(box->listed(), 1U);
}

}  // namespace
