// A machine that is copied back is the machine that was made: the same schedules, results
// and words as with a machine for each schedule.
#include "explore/explore.h"

#include <gtest/gtest.h>

#include "base/model/run_memory.h"
#include "explore/strategies/by_name.h"
#include "explore/subject.h"
#include "pins/registry.h"
#include "tests/tools/op_of.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

ExploreSettings settings_for(const char* scheme, std::initializer_list<const char*> groups) {
  ExploreSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme(scheme);
  settings.mixes.resize(1);
  for (const char* group : groups) EXPECT_TRUE(settings.mixes[0].add(group, 1)) << group;
  settings.schedules_each = 3;
  settings.schedules = 60;
  return settings;
}

ExploreReport explored(ExploreSettings settings, bool restore) {
  settings.restore = restore;
  ExploreReport report;
  std::string reason;
  EXPECT_EQ(explore(settings, report, &reason), Errc::kOk) << reason;
  return report;
}

bool can_restore() { return RunMemory::create() != nullptr; }

class ExploreRestore
    : public ::testing::TestWithParam<std::tuple<const char*, std::vector<const char*>, unsigned>> {
};
INSTANTIATE_TEST_SUITE_P(
    Kinds, ExploreRestore,
    ::testing::Combine(::testing::Values("refcount-bias", "folio-pincount", "side-table", "sharded",
                                         "lru-overlay"),
                       ::testing::Values(std::vector<const char*>{"mm", "chaos"},
                                         std::vector<const char*>{"touch", "device", "chaos"}),
                       ::testing::Values(1U, 2U, 3U)));

TEST_P(ExploreRestore, IsTheSameAsMakingItAnew) {
  const auto& [scheme, groups, threads] = GetParam();
  ExploreSettings settings = settings_for(scheme, {});
  for (const char* group : groups) ASSERT_TRUE(settings.mixes[0].add(group, 1));
  settings.threads = threads;
  settings.ops = 6;
  const ExploreReport copied = explored(settings, true), anew = explored(settings, false);
  EXPECT_EQ(copied.restored, can_restore());
  EXPECT_FALSE(anew.restored);
  EXPECT_EQ(copied.hash, anew.hash);
  EXPECT_EQ(copied.steps, anew.steps);
  EXPECT_EQ(copied.ops, anew.ops);
  EXPECT_EQ(copied.outcomes, anew.outcomes);
  EXPECT_EQ(copied.distinct, anew.distinct);
}

TEST_P(ExploreRestore, EachByteAfterEachSchedule) {
  if (!can_restore()) GTEST_SKIP() << "this build has none";
  const auto& [scheme, groups, threads] = GetParam();
  for (const bool with_huge : {false, true}) {
    ExploreSettings settings = settings_for(scheme, {});
    for (const char* group : groups) ASSERT_TRUE(settings.mixes[0].add(group, 1));
    settings.threads = threads;
    settings.ops = 8;
    settings.schedules_each = 1;
    settings.huge_pages = with_huge;
    Subject subject(settings);
    const auto strategy = make_strategy({.name = "random", .seed = 3});
    for (std::uint64_t run = 0; run < (with_huge ? 8U : 40U); ++run) {
      ASSERT_TRUE(strategy->begin(run));
      Finding finding;
      Subject::Ran ran;
      ASSERT_EQ(subject.run(run, *strategy, run % 2 == 1, finding, ran, nullptr), Errc::kOk);
      if (!subject.restores()) break;
      ASSERT_TRUE(subject.is_as_kept()) << "run " << run;
    }
  }
}

TEST(ExploreRestores, WhatAbandonedFibersHeldIsGone) {
  if (!can_restore()) GTEST_SKIP() << "each of them keeps its machine";
  ExploreSettings settings = settings_for("refcount-bias", {"mm"});
  settings.schedules_each = 1;
  settings.max_steps = 50;
  settings.schedules = 500;
  const ExploreReport report = explored(settings, true);
  EXPECT_EQ(report.schedules, 500U);
  EXPECT_FALSE(report.gave_up);
  EXPECT_EQ(report.outcomes[static_cast<unsigned>(Outcome::kLimit)], 500U);
}

TEST(ExploreRestores, WhatNobodyWroteOfAMachineCostsNothing) {
  ExploreSettings settings = settings_for("refcount-bias", {"mm"});
  settings.pages = 1 << 21;
  settings.schedules = 3;
  const ExploreReport report = explored(settings, true);
  EXPECT_EQ(report.schedules, 3U);
  EXPECT_EQ(report.restored, can_restore());
}

TEST(ExploreRestores, AMachineTooLargeForItIsMadeAnew) {
  // 70 MiB of frames, all of them written in the setup.
  std::vector<Op> setup;
  for (const std::uint8_t buffer : {0, 1}) {
    Op map = op_of(OpCode::kMmap), fill = op_of(OpCode::kMadvise);
    map.buf = fill.buf = buffer;
    map.pages = fill.n = 9000;
    map.prot = kProtRead | kProtWrite;
    fill.advice = Advice::kPopulateWrite;
    setup.push_back(map);
    setup.push_back(fill);
  }
  const ScenarioOps scenario{
      .setup = setup, .threads = {{op_of(OpCode::kStore, 7)}, {op_of(OpCode::kLoad)}}, .after = {}};
  ExploreSettings settings = settings_for("refcount-bias", {});
  settings.mixes.clear();
  settings.scenario = &scenario;
  settings.schedules_each = 0;
  settings.pages = 1 << 15;
  settings.schedules = 3;
  const ExploreReport report = explored(settings, true);
  EXPECT_EQ(report.schedules, 3U);
  EXPECT_FALSE(report.restored);
}

TEST(ExploreSeeds, WorkloadAndSchedulesAreApart) {
  ExploreSettings settings = settings_for("refcount-bias", {"mm"});
  settings.schedules_each = 0;  // one program
  settings.schedules = 30;
  settings.ops = 3;
  const auto first_trace = [&](std::uint64_t workload, std::uint64_t seed) {
    settings.workload_seed = workload;
    settings.seed = seed;
    Subject subject(settings);
    const auto strategy = make_strategy({.name = "random", .seed = seed});
    std::vector<std::string> begins;
    for (std::uint64_t run = 0; run < 3; ++run) {
      (void)strategy->begin(run);
      Finding finding;
      Subject::Ran ran;
      EXPECT_EQ(subject.run(run, *strategy, true, finding, ran, nullptr), Errc::kOk);
      std::vector<std::string> of_run;
      for (const std::string& line : finding.trace)
        if (line.find(" begins ") != std::string::npos && line.rfind("thread 1", 0) == 0)
          of_run.push_back(line.substr(0, line.find(',')));
      if (run == 0) begins = of_run;
      EXPECT_EQ(of_run.size(), begins.size());
      EXPECT_EQ(of_run.front(), begins.front());  // the run number changes no program
    }
    return begins;
  };
  EXPECT_EQ(first_trace(1, 1), first_trace(1, 2));
  EXPECT_NE(first_trace(1, 1), first_trace(2, 1));
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
