// Operations of several threads under random seeded schedules: clean, the same
// again with the same seed; and what a schedule can come to is told apart.
#include "explore/explore.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "base/sanitizer.h"
#include "pins/registry.h"
#include "tests/model/explore_report_text.h"
#include "tests/tools/op_of.h"

#ifdef PAGEBOX_ASAN
#include <sanitizer/lsan_interface.h>
#endif

namespace pagebox::inline PAGEBOX_ENV {
namespace {

OpMix mix_of(std::initializer_list<const char*> names) {
  OpMix mix;
  for (const char* name : names) EXPECT_TRUE(mix.add(name, 1)) << name;
  return mix;
}

ExploreSettings settings_for(const char* scheme, unsigned threads, const OpMix& mix) {
  ExploreSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme(scheme);
  settings.threads = threads;
  settings.mixes = {mix};
  settings.schedules_each = 1;  // a program of its own for each
  return settings;
}

using Case = std::tuple<const char*, unsigned>;  // scheme, threads
class ModelOps : public ::testing::TestWithParam<Case> {
 protected:
  static void expect_clean(const OpMix& mix, std::uint64_t seed) {
    ExploreSettings settings = settings_for(std::get<0>(GetParam()), std::get<1>(GetParam()), mix);
    settings.seed = seed;
    settings.schedules = schedules_of_case(200);
    ExploreReport report;
    ASSERT_EQ(explore(settings, report), Errc::kOk);
    EXPECT_EQ(report.findings(), 0U) << "seed " << seed << "\n" << text_of(report);
    EXPECT_EQ(report.schedules, settings.schedules);
    EXPECT_GT(report.distinct, settings.schedules / 2);
    EXPECT_EQ(report.ops, report.schedules * settings.threads * settings.ops);
  }
};
INSTANTIATE_TEST_SUITE_P(Schemes, ModelOps,
                         ::testing::Combine(::testing::Values("refcount-bias", "folio-pincount"),
                                            ::testing::Values(2U, 3U)));

TEST_P(ModelOps, MmOperationsLeaveACleanAudit) { expect_clean(mix_of({"mm", "chaos"}), 11); }
TEST_P(ModelOps, DeviceOperationsLeaveACleanAudit) {
  expect_clean(mix_of({"touch", "device", "chaos"}), 12);
}

TEST(ModelOpsSeed, DecidesResultsAndWords) {
  ExploreSettings settings = settings_for("refcount-bias", 3, mix_of({"mm", "device", "chaos"}));
  settings.schedules = 50;
  ExploreReport once, again, other;
  ASSERT_EQ(explore(settings, once), Errc::kOk);
  ASSERT_EQ(explore(settings, again), Errc::kOk);
  settings.seed = 2;
  ASSERT_EQ(explore(settings, other), Errc::kOk);
  EXPECT_EQ(once.hash, again.hash);
  EXPECT_NE(once.hash, other.hash);
}

TEST(ModelOpsSeed, ARunAloneIsTheRunAmongOthers) {
  ExploreSettings settings = settings_for("refcount-bias", 2, mix_of({"mm"}));
  settings.first_run = 41;
  settings.schedules = 1;
  ExploreReport alone, after;
  ASSERT_EQ(explore(settings, alone), Errc::kOk);
  // Something else runs in between.
  settings.first_run = 3;
  ASSERT_EQ(explore(settings, after), Errc::kOk);
  settings.first_run = 41;
  ASSERT_EQ(explore(settings, after), Errc::kOk);
  EXPECT_EQ(alone.hash, after.hash);
}

Op repeat_of(std::uint64_t times, std::uint64_t body) {
  Op op = op_of(OpCode::kRepeat);
  op.n = times;
  op.pages = body;
  return op;
}

TEST(ModelOpsScenario, ThreadsMeetAtBarriers) {
  ScenarioOps scenario;
  Op map = op_of(OpCode::kMmap);
  map.pages = 2;
  map.prot = kProtRead | kProtWrite;
  scenario.setup = {map};
  Op store = op_of(OpCode::kStore);
  store.pick = PagePick::kRandom;
  store.value = 7;
  scenario.threads = {{repeat_of(3, 2), store, op_of(OpCode::kBarrier)},
                      {op_of(OpCode::kBarrier), op_of(OpCode::kBarrier), op_of(OpCode::kFork),
                       op_of(OpCode::kBarrier)}};
  scenario.threads[1][2].child = 5;
  ExploreSettings settings = settings_for("refcount-bias", 2, {});
  settings.scenario = &scenario;
  settings.schedules = 100;
  ExploreReport report;
  ASSERT_EQ(explore(settings, report), Errc::kOk);
  EXPECT_EQ(report.findings(), 0U) << text_of(report);
  EXPECT_EQ(report.ops, 400U);
}

TEST(ModelOpsScenario, RefusesThreadsThatWouldWaitForever) {
  ScenarioOps scenario;
  scenario.threads = {{op_of(OpCode::kBarrier)}, {repeat_of(2, 1), op_of(OpCode::kBarrier)}};
  ExploreSettings settings = settings_for("refcount-bias", 2, {});
  settings.scenario = &scenario;
  ExploreReport report;
  std::string reason;
  EXPECT_EQ(explore(settings, report, &reason), Errc::kInval);
  EXPECT_EQ(reason, "thread 0 meets 1 barriers, thread 1 2: one would wait forever");
  scenario.threads = {{repeat_of(2, 1)}};
  EXPECT_EQ(explore(settings, report, &reason), Errc::kInval);
  EXPECT_EQ(reason, "a repeat's body is longer than its list");
}

TEST(ModelOpsScenario, TheStepLimitIsAnOutcomeAndCanBeRepeated) {
#ifdef PAGEBOX_ASAN
  // A schedule that is given up keeps its machine for good: its fibers hold locks.
  const __lsan::ScopedDisabler not_a_leak;
#endif
  ExploreSettings settings = settings_for("refcount-bias", 2, mix_of({"mm"}));
  settings.max_steps = 50;
  settings.schedules = 2;
  ExploreReport report, again;
  ASSERT_EQ(explore(settings, report), Errc::kOk);
  EXPECT_EQ(report.outcomes[static_cast<unsigned>(Outcome::kLimit)], 2U);
  ASSERT_EQ(report.first.size(), 2U);
  EXPECT_FALSE(report.first[0].trace.empty());
  settings.first_run = report.first[1].run;
  settings.schedules = 1;
  ASSERT_EQ(explore(settings, again), Errc::kOk);
  EXPECT_EQ(again.first.at(0).schedule_hash, report.first[1].schedule_hash);
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
