// Operations of several threads of the system against each other, audited after
// each round. PAGEBOX_SECONDS makes the races longer.
#include "engine/race/race.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "pins/registry.h"
#include "pins/scheme.h"
#include "tests/tools/op_of.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::uint64_t race_ns() {
  const char* given = std::getenv("PAGEBOX_SECONDS");
  return given != nullptr ? std::strtoull(given, nullptr, 10) * 1'000'000'000 : 1'000'000'000;
}

OpMix mix_of(std::initializer_list<const char*> names) {
  OpMix mix;
  for (const char* name : names) EXPECT_TRUE(mix.add(name, 1)) << name;
  return mix;
}

ScenarioRaceSettings settings_for(const char* scheme, unsigned threads) {
  ScenarioRaceSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme(scheme);
  settings.threads = threads;
  return settings;
}

std::string text_of(const RaceResult& result) {
  std::string text = result.leaks;
  for (const AuditRow& row : result.audit.rows) text += row_text(row) + "\n";
  return text;
}

class RaceOps : public ::testing::TestWithParam<const char*> {
 protected:
  static void expect_clean(ScenarioRaceSettings settings) {
    settings.duration_ns = race_ns();
    RaceControl control;
    RaceResult result;
    ASSERT_EQ(run_race(settings, control, result), Errc::kOk);
    EXPECT_TRUE(result.audit.clean() && result.leaks.empty())
        << "seed " << settings.seed << ", round " << result.dirty_round << "\n"
        << text_of(result);
    EXPECT_EQ(result.stopped_by, StoppedBy::kTime);
    std::uint64_t ops = 0;
    for (const OpResult& op : result.total) ops += op.ops;
    EXPECT_EQ(ops, control.ops());
    EXPECT_GT(ops, 1000U);
    RecordProperty("ops", std::to_string(ops));
  }
};
INSTANTIATE_TEST_SUITE_P(Schemes, RaceOps, ::testing::Values("refcount-bias", "folio-pincount"));

TEST_P(RaceOps, MmOperationsAndChaosLeaveACleanAudit) {
  ScenarioRaceSettings settings = settings_for(GetParam(), 4);
  settings.random = {4, 7, 8};
  settings.mixes = {mix_of({"mm"}), mix_of({"mm"}), mix_of({"mm"}), mix_of({"chaos"})};
  expect_clean(settings);
}

TEST_P(RaceOps, DeviceOperationsAndChaosLeaveACleanAudit) {
  ScenarioRaceSettings settings = settings_for(GetParam(), 4);
  settings.random = {3, 7, 8};
  settings.mixes = {mix_of({"touch"}), mix_of({"device"}), mix_of({"touch", "device"}),
                    mix_of({"chaos"})};
  expect_clean(settings);
}

/// A count over `private`, where the name of a swap slot is.
SchemeSpec count_in_private() {
  SchemeSpec scheme;
  scheme.name = "count-in-private";
  scheme.protocol = Protocol::kFlagAndWord;
  scheme.place = CountPlace::kWord;
  scheme.pinned = {0, FlagPlace::kLowestFree};
  scheme.count_word = 5;
  scheme.count_bits = 32;
  complete_scheme(scheme);
  EXPECT_TRUE(check_scheme(scheme).empty());
  return scheme;
}

TEST(RaceOpsThatWaitInVain, EndOnTimeWithAFinding) {
  ScenarioRaceSettings settings = settings_for("refcount-bias", 2);
  settings.scheme = count_in_private();
  settings.random = {1, 2, 8};
  settings.mixes = {mix_of({"pin", "unpin", "gup", "store", "load"}),
                    mix_of({"compact", "pageout", "migrate_to_dev", "migrate_to_sys"})};
  settings.duration_ns = 1'000'000'000;
  for (settings.seed = 1; settings.seed <= 5; ++settings.seed) {
    RaceControl control;
    RaceResult result;
    ASSERT_EQ(run_race(settings, control, result), Errc::kOk);
    if (result.livelocks.empty()) {
      EXPECT_TRUE(result.stopped_by == StoppedBy::kAudit || result.stopped_by == StoppedBy::kTime);
      continue;
    }
    for (const Livelock& each : result.livelocks) {
      EXPECT_FALSE(each.waits_for.empty());
      EXPECT_TRUE(each.page || !each.op.empty()) << each.waits_for;
    }
  }
}

TEST(RaceOpsScenario, EachRoundRunsTheListsOnce) {
  ScenarioOps scenario;
  Op map = op_of(OpCode::kMmap);
  map.pages = 4;
  map.prot = kProtRead | kProtWrite;
  scenario.setup = {map};
  Op repeat = op_of(OpCode::kRepeat);
  repeat.n = 10;
  repeat.pages = 2;
  Op store = op_of(OpCode::kStore);
  store.pick = PagePick::kZipf;
  scenario.threads = {{repeat, store, op_of(OpCode::kBarrier)},
                      {repeat, op_of(OpCode::kCompact), op_of(OpCode::kBarrier)}};
  ScenarioRaceSettings settings = settings_for("refcount-bias", 0);
  settings.scenario = &scenario;
  settings.rounds = 5;
  RaceControl control;
  RaceResult result;
  ASSERT_EQ(run_race(settings, control, result), Errc::kOk);
  EXPECT_TRUE(result.audit.clean() && result.leaks.empty()) << text_of(result);
  EXPECT_EQ(result.stopped_by, StoppedBy::kRounds);
  EXPECT_EQ(result.rounds, 5U);
  EXPECT_EQ(result.total[static_cast<unsigned>(OpCode::kStore)].ops, 50U);
  EXPECT_EQ(result.threads[0][static_cast<unsigned>(OpCode::kCompact)].ops, 0U);
  EXPECT_EQ(result.threads[1][static_cast<unsigned>(OpCode::kCompact)].ops, 50U);
}

TEST(RaceOpsScenario, StopsInABarrierWhenItIsToldTo) {
  ScenarioOps scenario;
  Op repeat = op_of(OpCode::kRepeat);
  repeat.n = std::uint64_t{1} << 31;
  repeat.pages = 2;
  scenario.threads = {{repeat, op_of(OpCode::kYield), op_of(OpCode::kBarrier)},
                      {repeat, op_of(OpCode::kYield), op_of(OpCode::kBarrier)}};
  ScenarioRaceSettings settings = settings_for("refcount-bias", 0);
  settings.scenario = &scenario;
  settings.duration_ns = 50'000'000;
  RaceControl control;
  RaceResult result;
  ASSERT_EQ(run_race(settings, control, result), Errc::kOk);
  EXPECT_EQ(result.stopped_by, StoppedBy::kTime);
  control.stop();
  settings.duration_ns = 0;
  settings.rounds = 1;
  ASSERT_EQ(run_race(settings, control, result), Errc::kOk);
  EXPECT_EQ(result.stopped_by, StoppedBy::kAbort);
}

TEST(RaceOpsScenario, RefusesSettingsOutOfRange) {
  ScenarioRaceSettings settings = settings_for("refcount-bias", 2);
  RaceControl control;
  RaceResult result;
  std::string reason;
  EXPECT_EQ(run_race(settings, control, result, &reason), Errc::kInval);
  EXPECT_EQ(reason, "mix: none");
  settings.mixes = {OpMix{}};
  EXPECT_EQ(run_race(settings, control, result, &reason), Errc::kInval);
  EXPECT_EQ(reason, "mix: no weight above 0");
  settings.mixes = {mix_of({"mm"})};
  settings.threads = 65;
  EXPECT_EQ(run_race(settings, control, result, &reason), Errc::kInval);
  EXPECT_EQ(reason, "threads: 1 to 64");
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
