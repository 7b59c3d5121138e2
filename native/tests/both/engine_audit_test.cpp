// Each kind of planted damage gives a row with the invariant that it breaks.
#include "tests/both/engine_fixture.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

class AuditFinds : public ::testing::Test {
 protected:
  void SetUp() override {
    box_ = TestBox{}.make();
    ASSERT_EQ(box_->setup_range(Pfn{0}, 16, {}), Errc::kOk);
    ASSERT_EQ(box_->setup(Pfn{16}, {.order = 2}), Errc::kOk);
    ASSERT_EQ(box_->setup(Pfn{20}, {.type = PageType::kDevicePrivateAnon}), Errc::kOk);
    ASSERT_EQ(box_->setup(Pfn{21}, {.type = PageType::kFile}), Errc::kOk);
    ASSERT_EQ(box_->setup(Pfn{22}, {}), Errc::kOk);
    ASSERT_EQ(box_->release(Pfn{22}), Errc::kOk);
    ASSERT_EQ(box_->pin(Pfn{4}, 2), Errc::kOk);
    ASSERT_EQ(box_->pin(Pfn{17}), Errc::kOk);
    ASSERT_EQ(box_->get(Pfn{5}), Errc::kOk);
    ASSERT_TRUE(box_->isolate(Pfn{6}).value);
    EXPECT_CLEAN(*box_);
  }

  Page page(std::uint64_t pfn) { return box_->memmap().page(Pfn{pfn}); }

  /// The first row of that invariant; fails where there is none.
  AuditRow found(Invariant invariant) {
    const AuditReport report = audit_of(*box_);
    EXPECT_GT(report.by_invariant[static_cast<unsigned>(invariant)], 0U) << text_of(report);
    for (const AuditRow& row : report.rows)
      if (row.invariant == invariant) return row;
    return {};
  }

  std::shared_ptr<Box> box_;
};

TEST(AuditReport, IsEmptyWhenCleared) {
  AuditReport report;
  report.rows.emplace_back();
  report.unknown.emplace_back("lru");
  report.rows_total = report.pages = report.by_invariant[0] = 1;
  report.clear();
  const AuditReport fresh;
  EXPECT_TRUE(report.rows.empty());
  EXPECT_EQ(std::tie(report.unknown, report.rows_total, report.pages, report.by_invariant),
            std::tie(fresh.unknown, fresh.rows_total, fresh.pages, fresh.by_invariant));
}

TEST_F(AuditFinds, AReferenceTooMany) {
  page(5).ref_add(1);
  const AuditRow row = found(Invariant::kRefcountAccounted);
  EXPECT_EQ(row.place.pfn(), Pfn{5});
  EXPECT_EQ(row.found, row.expected + 1);
  EXPECT_NE(row.explanation.find("1 from get"), std::string::npos) << row.explanation;
}

TEST_F(AuditFinds, AReferenceOfATail) {
  page(18).set_refcount(1);
  EXPECT_EQ(found(Invariant::kRefcountAccounted).place.pfn(), Pfn{18});
}

TEST_F(AuditFinds, APinThatTheLedgerDoesNotKnow) {
  ASSERT_EQ(box_->scheme().kernel().pin(box_->scheme().frame(), 7, 1, 0), Errc::kOk);
  const AuditRow row = found(Invariant::kRefcountAccounted);
  EXPECT_EQ(row.place.pfn(), Pfn{7});
  EXPECT_EQ(row.found, row.expected + kPinBias);
}

TEST_F(AuditFinds, ALostPin) {
  page(4).ref_sub(2 * static_cast<std::int32_t>(kPinBias));
  EXPECT_EQ(found(Invariant::kPincountBound).place.pfn(), Pfn{4});
  EXPECT_EQ(found(Invariant::kMaybePinnedSound).place.pfn(), Pfn{4});
}

TEST_F(AuditFinds, AMapping) {
  page(1).mapcount_raw_add(1);
  const AuditRow row = found(Invariant::kMapcountAccounted);
  EXPECT_EQ(row.place.pfn(), Pfn{1});
  EXPECT_EQ(row.expected, 0U);
  EXPECT_EQ(row.found, 1U);
}

TEST_F(AuditFinds, AnLruFlagLost) {
  page(2).clear(Flag::kLru);
  EXPECT_EQ(found(Invariant::kLruMembership).place.pfn(), Pfn{2});
  EXPECT_EQ(found(Invariant::kLruLinked).field, "lru") << "and it is still on its list";
}

TEST_F(AuditFinds, AnLruFlagThatNothingExplains) {
  page(6).set(Flag::kLru);
  EXPECT_EQ(found(Invariant::kLruMembership).place.pfn(), Pfn{6});
  EXPECT_EQ(found(Invariant::kLruLinked).place.pfn(), Pfn{6}) << "it is on no list";
}

TEST_F(AuditFinds, ABrokenLink) {
  page(3).set_word(2, page(3).word(2) ^ 0x40);
  EXPECT_EQ(found(Invariant::kLruLinked).field, "lru.prev");
}

TEST_F(AuditFinds, ALinkToNowhere) {
  page(3).set_word(1, 0x1234);
  const AuditRow row = found(Invariant::kLruLinked);
  EXPECT_EQ(row.found, 0x1234U);
}

TEST_F(AuditFinds, ARingThatMissesTheAnchor) {
  page(3).set_word(1, box_->memmap().addresses().of_lru(Pfn{3}));
  EXPECT_EQ(found(Invariant::kLruLinked).field, "lru.prev");
}

TEST_F(AuditFinds, APageOnTheWrongList) {
  page(2).set(Flag::kUnevictable);
  EXPECT_EQ(found(Invariant::kLruLinked).field, "list");
  EXPECT_EQ(found(Invariant::kFlagsOfType).place.pfn(), Pfn{2});
}

TEST_F(AuditFinds, AFlag) {
  page(1).set(Flag::kWriteback);
  EXPECT_EQ(found(Invariant::kFlagsOfType).place.pfn(), Pfn{1});
}

TEST_F(AuditFinds, AZoneBit) {
  page(1).set_word(0, page(1).word(0) ^ 1ULL << page(1).shape().zone_shift);
  EXPECT_EQ(found(Invariant::kZoneAndNode).place.pfn(), Pfn{1});
}

TEST_F(AuditFinds, AHeadOfAnother) {
  page(18).set_word(1, box_->memmap().addresses().of_page(Pfn{0}) | 1);
  const AuditRow row = found(Invariant::kCompoundIntact);
  EXPECT_EQ(row.place.pfn(), Pfn{18});
  EXPECT_EQ(row.expected, box_->memmap().addresses().of_page(Pfn{16}) | 1);
}

TEST_F(AuditFinds, AHeadThatIsNowhere) {
  page(19).set_word(1, 0x7777);
  EXPECT_EQ(found(Invariant::kCompoundIntact).place.pfn(), Pfn{19});
}

TEST_F(AuditFinds, TheMappingOfAPage) {
  page(21).set_word(3, page(21).word(3) + 64);
  EXPECT_EQ(found(Invariant::kFieldsIntact).place.pfn(), Pfn{21});
}

TEST_F(AuditFinds, ThePgmapOfADevicePage) {
  const std::uint16_t pgmap = box_->memmap().shape().pgmap;
  page(20).set_word(pgmap / 8U, page(20).word(pgmap / 8U) | 2);
  const AuditRow row = found(Invariant::kPgmapIntact);
  EXPECT_EQ(row.place.pfn(), Pfn{20});
  EXPECT_EQ(row.found, row.expected | 2);
}

TEST_F(AuditFinds, AReferenceToAFreePage) {
  page(22).set_refcount(1);
  EXPECT_EQ(found(Invariant::kFreeIsFree).place.pfn(), Pfn{22});
}

TEST_F(AuditFinds, AFlagOfAFreePage) {
  page(22).set(Flag::kDirty);
  EXPECT_EQ(found(Invariant::kFreeIsFree).field, "flags");
}

TEST_F(AuditFinds, AWriteToAPageNeverHandedOut) {
  page(40).set_word(5, 9);
  const AuditRow row = found(Invariant::kNeverTouched);
  EXPECT_EQ(row.place.pfn(), Pfn{40});
  EXPECT_EQ(row.field, "word 5");
}

TEST_F(AuditFinds, ACountThatHasCrossedItsLimit) {
  ASSERT_EQ(box_->pin(Pfn{8}, kRefcountMax / kPinBias), Errc::kOk);
  EXPECT_CLEAN(*box_);
  EXPECT_EQ(box_->pin(Pfn{8}), Errc::kPinLimit);  // the ledger's word
  EXPECT_CLEAN(*box_);
  // As races pin: it crosses, and is kept, and the ledger hears of it afterwards.
  Pins& scheme = box_->scheme();
  ASSERT_EQ(scheme.kernel().try_pin(scheme.frame(), 8, 1, 0), Errc::kOk);
  ASSERT_EQ(box_->ledger()->add(0, Pfn{8}, 1), Errc::kOk);
  EXPECT_EQ(found(Invariant::kPinLimitKept).place.pfn(), Pfn{8});
  EXPECT_EQ(box_->pin(Pfn{8}), Errc::kNoMem);
  ASSERT_EQ(box_->unpin(Pfn{8}), Errc::kOk);
  EXPECT_CLEAN(*box_);
}

TEST_F(AuditFinds, AllDamageCountedAndSomeShown) {
  for (std::uint64_t pfn = 0; pfn < 16; ++pfn) page(pfn).ref_add(1);
  AuditReport report;
  ASSERT_EQ(audit(*box_, report, 3), Errc::kOk);
  EXPECT_EQ(report.rows.size(), 3U);
  EXPECT_EQ(report.rows_total, 16U);
  EXPECT_EQ(report.by_invariant[static_cast<unsigned>(Invariant::kRefcountAccounted)], 16U);
}

TEST(Audit, WithoutALedgerSaysWhatItCannotKnow) {
  auto box = TestBox{.scheme = "side-table", .ledger = false}.make();
  ASSERT_EQ(box->pin(Pfn{0}, 2), Errc::kOk);
  ASSERT_EQ(box->get(Pfn{0}), Errc::kOk);
  AuditReport report = audit_of(*box);
  EXPECT_TRUE(report.clean()) << text_of(report);
  EXPECT_EQ(report.unknown.size(), 2U);
  box->memmap().page(Pfn{0}).ref_sub(2);  // fewer than the scheme's own count needs
  report = audit_of(*box);
  EXPECT_EQ(report.by_invariant[static_cast<unsigned>(Invariant::kRefcountAccounted)], 1U);
}

TEST(Audit, LruOverlayDamagesPgmapAndDriverDataOfADevicePage) {
  auto box = TestBox{.scheme = "lru-overlay", .layout = "linux-4.20"}.make();
  ASSERT_EQ(box->setup(Pfn{0}, {.type = PageType::kDevicePrivateAnon}), Errc::kOk);
  EXPECT_CLEAN(*box);
  ASSERT_EQ(box->pin(Pfn{0}), Errc::kOk);
  AuditReport report = audit_of(*box);
  EXPECT_EQ(report.by_invariant[static_cast<unsigned>(Invariant::kPgmapIntact)], 2U)
      << text_of(report);
  ASSERT_EQ(box->unpin(Pfn{0}), Errc::kOk);
  report = audit_of(*box);
  EXPECT_EQ(report.by_invariant[static_cast<unsigned>(Invariant::kPgmapIntact)], 1U)
      << "the driver's data stays lost";
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
