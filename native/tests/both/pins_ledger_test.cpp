// The ledger against a plain map.
#include <gtest/gtest.h>

#include <map>

#include "base/rng.h"
#include "pins/ledger.h"
#include "pins_fixture.h"

namespace {

using namespace pagebox;
using pagebox::testing::make_box;

TEST(PinsLedger, RefusesWhatWasNotPinned) {
  Ledger ledger;
  EXPECT_EQ(ledger.remove(0, Pfn{1}, 1), Errc::kNotPinned);
  ASSERT_EQ(ledger.add(0, Pfn{1}, 2), Errc::kOk);
  EXPECT_EQ(ledger.remove(1, Pfn{1}, 1), Errc::kNotPinned);
  EXPECT_EQ(ledger.remove(0, Pfn{2}, 1), Errc::kNotPinned);
  EXPECT_EQ(ledger.remove(0, Pfn{1}, 3), Errc::kNotPinned);
  EXPECT_EQ(ledger.add(0, Pfn{1}, 0), Errc::kInval);
  EXPECT_EQ(ledger.pins(Pfn{1}), 2U);
}

TEST(PinsLedger, FullCountIsRefused) {
  Ledger ledger;
  ASSERT_EQ(ledger.add(0, Pfn{1}, 0xffffffff), Errc::kOk);
  EXPECT_EQ(ledger.add(0, Pfn{1}, 1), Errc::kPinLimit);
  EXPECT_EQ(ledger.pins_of(0, Pfn{1}), 0xffffffffU);
}

TEST(PinsLedger, PromisesCountUntilTheyLandOrAreTakenBack) {
  auto box = make_box("refcount", "linux-6.12");
  box->set_up(1);
  const Page page = box->page(1);
  const auto own = static_cast<std::uint64_t>(page.refcount());
  Ledger ledger;
  ASSERT_EQ(ledger.promise(Pfn{1}, page, 100, own + 150), Errc::kOk);
  EXPECT_EQ(ledger.promise(Pfn{1}, page, 51, own + 150), Errc::kPinLimit);
  EXPECT_EQ(ledger.promise(Pfn{2}, page, 51, own + 150), Errc::kOk);  // of another page
  ASSERT_EQ(ledger.promise(Pfn{1}, page, 50, own + 150), Errc::kOk);
  ledger.settle(Pfn{1}, 100);
  page.ref_add(1);
  EXPECT_EQ(ledger.promise(Pfn{1}, page, 100, own + 150), Errc::kPinLimit);
  EXPECT_EQ(ledger.promise(Pfn{1}, page, 99, own + 150), Errc::kOk);
}

TEST(PinsLedger, MoveHandsOver) {
  Ledger ledger;
  ASSERT_EQ(ledger.add(1, Pfn{9}, 3), Errc::kOk);
  EXPECT_EQ(ledger.move(2, 1, Pfn{9}, 1), Errc::kNotPinned);
  ASSERT_EQ(ledger.move(1, 2, Pfn{9}, 2), Errc::kOk);
  EXPECT_EQ(ledger.entries(), (std::vector<LedgerEntry>{{Pfn{9}, 1, 1}, {Pfn{9}, 2, 2}}));
}

/// A ledger without a table, with one for some of the heads, and with one for all.
class PinsLedgerTable : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Capacity, PinsLedgerTable, ::testing::Values(0, 200, 512));

TEST_P(PinsLedgerTable, TakesManyUpToTheFirstThatFails) {
  Ledger ledger;
  if (GetParam() != 0) ASSERT_EQ(ledger.reserve(GetParam()), Errc::kOk);
  std::vector<std::uint32_t> heads;
  for (std::uint32_t i = 0; i < 700; ++i) heads.push_back(i % 300);
  Errc error = Errc::kOk;
  ASSERT_EQ(ledger.add_many(1, heads, error), 700U);
  ASSERT_EQ(ledger.add_many(2, std::span(heads).first(300), error), 300U);
  EXPECT_EQ(error, Errc::kOk);
  EXPECT_EQ(ledger.total(), 1000U);
  EXPECT_EQ(ledger.pins(Pfn{99}), 4U);
  EXPECT_EQ(ledger.pins_of(2, Pfn{99}), 1U);
  // The second holder has each once: the 301st is one too many.
  EXPECT_EQ(ledger.remove_many(2, heads, error), 300U);
  EXPECT_EQ(error, Errc::kNotPinned);
  EXPECT_EQ(ledger.total(), 700U);
  error = Errc::kOk;
  EXPECT_EQ(ledger.remove_many(1, heads, error), 700U);
  EXPECT_EQ(error, Errc::kOk);
  EXPECT_TRUE(ledger.entries().empty());
}

TEST_P(PinsLedgerTable, AgreesWithAMapOverManySteps) {
  Ledger ledger;
  if (GetParam() != 0) ASSERT_EQ(ledger.reserve(GetParam()), Errc::kOk);
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint32_t> model;
  Rng rng(7);
  for (int step = 0; step < 20000; ++step) {
    const std::uint64_t pfn = rng.below(300);
    const auto holder = static_cast<std::uint32_t>(rng.below(4));
    const auto n = static_cast<std::uint32_t>(1 + rng.below(3));
    std::uint32_t& pins = model[{pfn, holder}];
    if (rng.below(2) == 0) {
      ASSERT_EQ(ledger.add(holder, Pfn{pfn}, n), Errc::kOk);
      pins += n;
    } else {
      const Errc error = ledger.remove(holder, Pfn{pfn}, n);
      ASSERT_EQ(error, pins >= n ? Errc::kOk : Errc::kNotPinned);
      if (pins >= n) pins -= n;
    }
  }
  std::vector<LedgerEntry> expected;
  std::uint64_t total = 0;
  for (const auto& [key, pins] : model) {
    if (pins != 0) expected.push_back({Pfn{key.first}, key.second, pins});
    total += pins;
  }
  EXPECT_EQ(ledger.entries(), expected);
  EXPECT_EQ(ledger.total(), total);
  ledger.clear();
  EXPECT_TRUE(ledger.entries().empty());
}

}  // namespace
