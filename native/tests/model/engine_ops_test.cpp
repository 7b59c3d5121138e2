// Operations of several threads under random seeded schedules: clean, the same
// again with the same seed; and what a schedule can come to is told apart.
#include "explore/model_ops.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <tuple>

#include "base/sanitizer.h"
#include "pins/registry.h"

#ifdef PAGEBOX_ASAN
#include <sanitizer/lsan_interface.h>
#endif

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Schedules of each case; PAGEBOX_SCHEDULES overrides it.
std::uint64_t schedules(std::uint64_t otherwise) {
  const char* given = std::getenv("PAGEBOX_SCHEDULES");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

OpMix mix_of(std::initializer_list<const char*> names) {
  OpMix mix;
  for (const char* name : names) EXPECT_TRUE(mix.add(name, 1)) << name;
  return mix;
}

ModelOpsSettings settings_for(const char* scheme, unsigned threads, const OpMix& mix) {
  ModelOpsSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme(scheme);
  settings.threads = threads;
  settings.mixes = {mix};
  return settings;
}

std::string text_of(const ModelOpsReport& report) {
  std::string text;
  for (const ModelOpsFinding& finding : report.first) {
    text += "run " + std::to_string(finding.run) + ": " +
            std::string(ops_outcome_name(finding.outcome)) + " " + finding.text + "\n";
    for (const std::string& line : finding.trace) text += "  " + line + "\n";
  }
  return text;
}

using Case = std::tuple<const char*, unsigned>;  // scheme, threads
class ModelOps : public testing::TestWithParam<Case> {
 protected:
  static void expect_clean(const OpMix& mix, std::uint64_t seed) {
    ModelOpsSettings settings = settings_for(std::get<0>(GetParam()), std::get<1>(GetParam()), mix);
    settings.seed = seed;
    settings.schedules = schedules(200);
    ModelOpsReport report;
    ASSERT_EQ(explore_ops(settings, report), Errc::kOk);
    EXPECT_EQ(report.findings(), 0U) << "seed " << seed << "\n" << text_of(report);
    EXPECT_EQ(report.schedules, settings.schedules);
    EXPECT_GT(report.distinct, settings.schedules / 2);
    EXPECT_EQ(report.ops, report.schedules * settings.threads * settings.ops);
  }
};
INSTANTIATE_TEST_SUITE_P(Schemes, ModelOps,
                         testing::Combine(testing::Values("refcount-bias", "folio-pincount"),
                                          testing::Values(2U, 3U)));

TEST_P(ModelOps, mm_operations_leave_a_clean_audit) { expect_clean(mix_of({"mm", "chaos"}), 11); }
TEST_P(ModelOps, device_operations_leave_a_clean_audit) {
  expect_clean(mix_of({"touch", "device", "chaos"}), 12);
}

TEST(ModelOpsSeed, decides_results_and_words) {
  ModelOpsSettings settings = settings_for("refcount-bias", 3, mix_of({"mm", "device", "chaos"}));
  settings.schedules = 50;
  ModelOpsReport once, again, other;
  ASSERT_EQ(explore_ops(settings, once), Errc::kOk);
  ASSERT_EQ(explore_ops(settings, again), Errc::kOk);
  settings.seed = 2;
  ASSERT_EQ(explore_ops(settings, other), Errc::kOk);
  EXPECT_EQ(once.hash, again.hash);
  EXPECT_NE(once.hash, other.hash);
}

TEST(ModelOpsSeed, a_run_alone_is_the_run_among_others) {
  ModelOpsSettings settings = settings_for("refcount-bias", 2, mix_of({"mm"}));
  settings.first_run = 41;
  settings.schedules = 1;
  ModelOpsReport alone, after;
  ASSERT_EQ(explore_ops(settings, alone), Errc::kOk);
  // Something else runs in between.
  settings.first_run = 3;
  ASSERT_EQ(explore_ops(settings, after), Errc::kOk);
  settings.first_run = 41;
  ASSERT_EQ(explore_ops(settings, after), Errc::kOk);
  EXPECT_EQ(alone.hash, after.hash);
}

Op op_of(OpCode code) {
  Op op;
  op.code = code;
  return op;
}

Op repeat_of(std::uint64_t times, std::uint64_t body) {
  Op op = op_of(OpCode::kRepeat);
  op.n = times;
  op.pages = body;
  return op;
}

TEST(ModelOpsScenario, threads_meet_at_barriers) {
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
  ModelOpsSettings settings = settings_for("refcount-bias", 2, {});
  settings.scenario = &scenario;
  settings.schedules = 100;
  ModelOpsReport report;
  ASSERT_EQ(explore_ops(settings, report), Errc::kOk);
  EXPECT_EQ(report.findings(), 0U) << text_of(report);
  EXPECT_EQ(report.ops, 400U);
}

TEST(ModelOpsScenario, refuses_threads_that_would_wait_forever) {
  ScenarioOps scenario;
  scenario.threads = {{op_of(OpCode::kBarrier)}, {repeat_of(2, 1), op_of(OpCode::kBarrier)}};
  ModelOpsSettings settings = settings_for("refcount-bias", 2, {});
  settings.scenario = &scenario;
  ModelOpsReport report;
  std::string reason;
  EXPECT_EQ(explore_ops(settings, report, &reason), Errc::kInval);
  EXPECT_EQ(reason, "thread 0 meets 1 barriers, thread 1 2: one would wait forever");
  scenario.threads = {{repeat_of(2, 1)}};
  EXPECT_EQ(explore_ops(settings, report, &reason), Errc::kInval);
  EXPECT_EQ(reason, "a repeat's body is longer than its list");
}

TEST(ModelOpsScenario, the_step_limit_is_an_outcome_and_can_be_repeated) {
#ifdef PAGEBOX_ASAN
  // A schedule that is given up keeps its machine for good: its fibers hold locks.
  const __lsan::ScopedDisabler not_a_leak;
#endif
  ModelOpsSettings settings = settings_for("refcount-bias", 2, mix_of({"mm"}));
  settings.max_steps = 50;
  settings.schedules = 2;
  ModelOpsReport report, again;
  ASSERT_EQ(explore_ops(settings, report), Errc::kOk);
  EXPECT_EQ(report.outcomes[static_cast<unsigned>(OpsOutcome::kLimit)], 2U);
  ASSERT_EQ(report.first.size(), 2U);
  EXPECT_FALSE(report.first[0].trace.empty());
  settings.first_run = report.first[1].run;
  settings.schedules = 1;
  ASSERT_EQ(explore_ops(settings, again), Errc::kOk);
  EXPECT_EQ(again.first.at(0).schedule_hash, report.first[1].schedule_hash);
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
