// Races are exact: whatever the threads did, the accounts explain every word.
#include "engine/race/race.h"

#include <thread>

#include "tests/both/engine_fixture.h"
#include "tests/both/test_name.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

RaceSettings mixed(unsigned threads, std::uint64_t ops) {
  RaceSettings settings;
  settings.threads = threads;
  settings.ops = ops;
  settings.ops_per_round = ops / 4 + 1;
  settings.mix.fill(1);
  return settings;
}

std::uint64_t total_ops(const RaceResult& result) {
  std::uint64_t ops = 0;
  for (const OpResult& op : result.total) ops += op.ops;
  return ops;
}

class RaceOfEveryScheme : public ::testing::TestWithParam<SchemeSpec> {};

TEST_P(RaceOfEveryScheme, IsExactOnAFewPages) {
  auto box = TestBox{.scheme = GetParam().name, .pages = 8}.make();
  ASSERT_EQ(box->setup_range(Pfn{0}, 4, {}), Errc::kOk);
  ASSERT_EQ(box->setup(Pfn{4}, {.order = 2}), Errc::kOk);
  RaceControl control;
  RaceResult result;
  ASSERT_EQ(run_race(*box, mixed(4, 4000), control, result), Errc::kOk);
  EXPECT_EQ(result.stopped_by, StoppedBy::kOps);
  EXPECT_TRUE(result.audit.clean()) << text_of(result.audit);
  EXPECT_EQ(total_ops(result), 16000U);
  EXPECT_EQ(control.ops(), 16000U);
  EXPECT_EQ(result.rounds, 4U);
  EXPECT_EQ(result.threads.size(), 4U);
  EXPECT_CLEAN(*box);  // all was released
  for (std::uint64_t pfn = 0; pfn < 8; ++pfn) EXPECT_EQ(box->unpin(Pfn{pfn}), Errc::kNotPinned);
}

RaceSettings pins_and_unpins(std::uint32_t pins, std::uint32_t unpins) {
  RaceSettings settings = mixed(2, 20'000);
  settings.mix.fill(0);
  settings.mix[static_cast<unsigned>(PinOp::kPin)] = pins;
  settings.mix[static_cast<unsigned>(PinOp::kUnpin)] = unpins;
  return settings;
}

TEST_P(RaceOfEveryScheme, PinsAndUnpinsInRandomOrderAreCountedOneByOne) {
  auto box = TestBox{.scheme = GetParam().name, .pages = 32}.make();
  ASSERT_EQ(box->setup_range(Pfn{0}, 32, {.order = 1}), Errc::kOk);
  const std::uint64_t before = box->pins(Pfn{0}).value.pins;  // references that look like pins
  // So many that the book is full, so many that it is empty.
  for (const auto& [pins, unpins] : {std::pair{1U, 1U}, {7U, 1U}, {1U, 7U}}) {
    RaceControl control;
    RaceResult result;
    ASSERT_EQ(run_race(*box, pins_and_unpins(pins, unpins), control, result), Errc::kOk);
    EXPECT_TRUE(result.audit.clean()) << text_of(result.audit);
    const OpResult& pin = result.total[static_cast<unsigned>(PinOp::kPin)];
    const OpResult& unpin = result.total[static_cast<unsigned>(PinOp::kUnpin)];
    EXPECT_EQ(pin.ops + unpin.ops, 40'000U);
    const double share = static_cast<double>(pin.ops) / 40'000;
    EXPECT_NEAR(share, static_cast<double>(pins) / (pins + unpins), 0.02);
    EXPECT_TRUE(pin.failures.empty());
    for (const OpFailure& failure : unpin.failures) EXPECT_EQ(failure.error, Errc::kNoEnt);
    if (unpins > pins) {
      ASSERT_EQ(unpin.failures.size(), 1U);
      // What is taken is all that can be given back.
      EXPECT_GE(unpin.failures[0].count, unpin.ops - pin.ops);
    }
    EXPECT_CLEAN(*box);
    for (std::uint64_t pfn = 0; pfn < 32; ++pfn) EXPECT_EQ(box->pins(Pfn{pfn}).value.pins, before);
  }
}

TEST(Race, PinsOfAFreePageAreTriedAgainAndFail) {
  auto box = TestBox{.pages = 2, .populate = false}.make();
  ASSERT_EQ(box->setup(Pfn{0}, {}), Errc::kOk);
  RaceSettings settings = pins_and_unpins(1, 1);
  settings.threads = 1;
  settings.pattern = Pattern::kSequential;
  RaceControl control;
  RaceResult result;
  ASSERT_EQ(run_race(*box, settings, control, result), Errc::kOk);
  const OpResult& pin = result.total[static_cast<unsigned>(PinOp::kPin)];
  ASSERT_EQ(pin.failures.size(), 1U);
  EXPECT_EQ(pin.failures[0].error, Errc::kAgain);
  EXPECT_EQ(pin.failures[0].count, pin.retries);
  EXPECT_NEAR(static_cast<double>(pin.retries) / static_cast<double>(pin.ops), 0.5, 0.05);
  EXPECT_CLEAN(*box);
}

INSTANTIATE_TEST_SUITE_P(Schemes, RaceOfEveryScheme, ::testing::ValuesIn(builtin_schemes()),
                         parameter_name);

TEST(Race, PopulatesPagesThatThreadsMeetAtOnce) {
  auto box = TestBox{.pages = 4096}.make();
  RaceSettings settings = mixed(4, 4096);
  settings.pattern = Pattern::kZipf;
  RaceControl control;
  RaceResult result;
  ASSERT_EQ(run_race(*box, settings, control, result), Errc::kOk);
  EXPECT_TRUE(result.audit.clean()) << text_of(result.audit);
}

TEST(Race, KeepsWhatOthersHeldBefore) {
  auto box = TestBox{.pages = 4}.make();
  ASSERT_EQ(box->pin(Pfn{1}, 7), Errc::kOk);
  RaceControl control;
  RaceResult result;
  ASSERT_EQ(run_race(*box, mixed(2, 2000), control, result), Errc::kOk);
  EXPECT_TRUE(result.audit.clean()) << text_of(result.audit);
  EXPECT_EQ(box->unpin(Pfn{1}, 7), Errc::kOk);
  EXPECT_EQ(box->unpin(Pfn{1}), Errc::kNotPinned);
}

TEST(Race, SameSeedSameOperations) {
  std::uint64_t counts[5][kPinOps];
  for (auto& count : counts) {
    // Few pages: isolations fail by chance, and that must not change what is drawn.
    auto box = TestBox{.scheme = "lru-overlay", .pages = 4}.make();
    RaceControl control;
    RaceResult result;
    ASSERT_EQ(run_race(*box, mixed(3, 3000), control, result), Errc::kOk);
    for (unsigned op = 0; op < kPinOps; ++op) count[op] = result.total[op].ops;
  }
  for (const auto& count : counts)
    for (unsigned op = 0; op < kPinOps; ++op) EXPECT_EQ(count[op], counts[0][op]);
}

TEST(Race, StopsByTime) {
  auto box = TestBox{}.make();
  RaceSettings settings;
  settings.threads = 2;
  settings.duration_ns = 30'000'000;
  RaceControl control;
  RaceResult result;
  ASSERT_EQ(run_race(*box, settings, control, result), Errc::kOk);
  EXPECT_EQ(result.stopped_by, StoppedBy::kTime);
  EXPECT_GT(total_ops(result), 0U);
  EXPECT_GT(result.total[0].latency.samples(), 0U);
}

TEST(Race, StopsByRounds) {
  auto box = TestBox{}.make();
  RaceSettings settings;
  settings.rounds = 3;
  settings.ops_per_round = 1000;
  RaceControl control;
  RaceResult result;
  ASSERT_EQ(run_race(*box, settings, control, result), Errc::kOk);
  EXPECT_EQ(result.stopped_by, StoppedBy::kRounds);
  EXPECT_EQ(total_ops(result), 3000U);
  EXPECT_EQ(control.rounds(), 3U);
}

TEST(Race, StopsWhenTold) {
  auto box = TestBox{}.make();
  RaceSettings settings;
  settings.threads = 2;
  settings.duration_ns = 60'000'000'000;
  RaceControl control;
  RaceResult result;
  std::thread race([&] { EXPECT_EQ(run_race(*box, settings, control, result), Errc::kOk); });
  while (control.ops() == 0) std::this_thread::yield();
  control.stop();
  race.join();
  EXPECT_EQ(result.stopped_by, StoppedBy::kAbort);
  EXPECT_TRUE(result.audit.clean()) << text_of(result.audit);
}

TEST(Race, ClosingTheBoxEndsIt) {
  auto box = TestBox{}.make();
  RaceSettings settings;
  settings.threads = 2;
  settings.duration_ns = 60'000'000'000;
  RaceControl control;
  RaceResult result;
  std::thread race([&] { EXPECT_EQ(run_race(*box, settings, control, result), Errc::kOk); });
  while (control.ops() == 0) std::this_thread::yield();
  box->gate().close();  // returns when the race is over
  EXPECT_EQ(run_race(*box, settings, control, result), Errc::kBadF);
  race.join();
  EXPECT_EQ(result.stopped_by, StoppedBy::kAbort);
}

TEST(Race, EndsAtADirtyAudit) {
  auto box = TestBox{.scheme = "lru-overlay", .layout = "linux-4.20", .pages = 4}.make();
  ASSERT_EQ(box->setup_range(Pfn{0}, 4, {.type = PageType::kDevicePrivateAnon}), Errc::kOk);
  RaceSettings settings;
  settings.threads = 2;
  settings.ops_per_round = 100;
  settings.rounds = 50;
  RaceControl control;
  RaceResult result;
  ASSERT_EQ(run_race(*box, settings, control, result), Errc::kOk);
  EXPECT_EQ(result.stopped_by, StoppedBy::kAudit);
  EXPECT_EQ(result.rounds, 1U);
  EXPECT_GT(result.audit.by_invariant[static_cast<unsigned>(Invariant::kPgmapIntact)], 0U);
}

TEST(Race, CountsFailuresByErrno) {
  auto box = TestBox{.pages = 8, .populate = false}.make();
  RaceControl control;
  RaceResult result;
  RaceSettings settings;
  settings.ops = 512;
  ASSERT_EQ(run_race(*box, settings, control, result), Errc::kOk);
  const OpResult& pairs = result.total[static_cast<unsigned>(PinOp::kPinUnpin)];
  ASSERT_EQ(pairs.failures.size(), 1U);
  EXPECT_EQ(pairs.failures[0].error, Errc::kAgain);
  EXPECT_EQ(pairs.failures[0].count, 512U);
}

TEST(Race, SettingsOutOfRangeAreNamed) {
  auto box = TestBox{.pages = 8}.make();
  RaceControl control;
  RaceResult result;
  std::string reason;
  RaceSettings settings;
  settings.threads = 0;
  EXPECT_EQ(run_race(*box, settings, control, result, &reason), Errc::kInval);
  EXPECT_NE(reason.find("threads"), std::string::npos);
  settings = {};
  settings.mix.fill(0);
  EXPECT_EQ(run_race(*box, settings, control, result, &reason), Errc::kInval);
  EXPECT_NE(reason.find("mix"), std::string::npos);
  settings = {};
  settings.first = Pfn{8};
  EXPECT_EQ(run_race(*box, settings, control, result, &reason), Errc::kInval);
  settings = {};
  settings.first = Pfn{4};
  settings.pages = 5;
  EXPECT_EQ(run_race(*box, settings, control, result, &reason), Errc::kInval);
  EXPECT_NE(reason.find("pages"), std::string::npos);
}

TEST(Race, IsStoppedWhileItSetsUpItsPages) {
  auto box = TestBox{.pages = std::uint64_t{1} << 18}.make();
  RaceSettings settings;
  settings.setup = PageSetup{.type = PageType::kAnon};
  RaceControl control;
  control.stop();
  RaceResult result;
  EXPECT_EQ(run_race(*box, settings, control, result), Errc::kCanceled);
  EXPECT_EQ(result.rounds, 0U);
  // The box is nobody's, and what was set up is as it must be.
  EXPECT_TRUE(ExclusiveRun(box->gate()));
  EXPECT_CLEAN(*box);
}

TEST(Race, SetsUpWholeFoliosFirst) {
  auto box = TestBox{.pages = 70}.make();
  RaceSettings settings;
  settings.setup = PageSetup{.type = PageType::kAnon, .order = 3};
  settings.pages = 64;
  settings.ops = 100;
  RaceControl control;
  RaceResult result;
  ASSERT_EQ(run_race(*box, settings, control, result), Errc::kOk);
  EXPECT_TRUE(result.audit.clean()) << text_of(result.audit);
  EXPECT_EQ(box->accounts().record(Pfn{56}).order, 3U);
  EXPECT_EQ(box->accounts().state(Pfn{64}), PageState::kNever);
}

TEST(Audit, ThatIsStoppedSaysWhatItHasSeen) {
  constexpr std::uint64_t kPages = std::uint64_t{1} << 21;
  auto box = TestBox{.pages = kPages, .ledger = false, .populate = false}.make();
  for (std::uint64_t pfn = 0; pfn < kPages; pfn += Memmap::kBlockPages)
    box->memmap().mark_touched(Pfn{pfn});
  const StopAsk at_once = {[](const void*) { return true; }, nullptr};
  AuditReport report;
  ASSERT_EQ(Auditor(*box).run(report, kAuditRows, at_once), Errc::kOk);
  EXPECT_TRUE(report.clean()) << text_of(report);
  EXPECT_LT(report.pages, kPages);
  EXPECT_FALSE(report.unknown.empty());
  const StopAsk never;
  ASSERT_EQ(Auditor(*box).run(report, kAuditRows, never), Errc::kOk);
  EXPECT_EQ(report.pages, kPages);
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
