// Every scheme under random seeded schedules: clean, and the same again with the
// same seed. With a historic defect switched on, the exploration finds it.
#include "explore/explore.h"

#include <gtest/gtest.h>

#include <string>

#include "pins/registry.h"
#include "tests/both/test_name.h"
#include "tests/model/explore_report_text.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// As explorePins() has it.
ExploreSettings settings_for(const std::string& scheme, unsigned threads) {
  ExploreSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme(scheme);
  settings.mixes.resize(1);
  EXPECT_TRUE(settings.mixes[0].add("pins", 1));
  settings.threads = threads;
  settings.ops = 3;
  settings.random.folios = 2;
  settings.schedules_each = 1;
  return settings;
}

class ModelPins : public ::testing::TestWithParam<SchemeSpec> {};

TEST_P(ModelPins, CleanUnderRandomSchedules) {
  for (const unsigned threads : {2U, 3U}) {
    ExploreSettings settings = settings_for(GetParam().name, threads);
    settings.schedules = schedules_of_case(2000);
    ExploreReport report;
    ASSERT_EQ(explore(settings, report), Errc::kOk);
    EXPECT_EQ(report.findings(), 0U) << text_of(report);
    EXPECT_EQ(report.schedules, settings.schedules);
    EXPECT_GT(report.distinct, settings.schedules / 2);
  }
}

TEST_P(ModelPins, CleanOnCompoundPages) {
  ExploreSettings settings = settings_for(GetParam().name, 2);
  settings.random.order = 2;
  settings.random.folios = 1;
  settings.schedules = schedules_of_case(1000);
  ExploreReport report;
  ASSERT_EQ(explore(settings, report), Errc::kOk);
  EXPECT_EQ(report.findings(), 0U) << text_of(report);
}

TEST_P(ModelPins, SameSeedSameSchedulesAndWords) {
  ExploreSettings settings = settings_for(GetParam().name, 3);
  settings.schedules = 200;
  ExploreReport once, again, other;
  ASSERT_EQ(explore(settings, once), Errc::kOk);
  ASSERT_EQ(explore(settings, again), Errc::kOk);
  settings.seed = 2;
  ASSERT_EQ(explore(settings, other), Errc::kOk);
  EXPECT_EQ(once.hash, again.hash);
  EXPECT_EQ(once.steps, again.steps);
  EXPECT_NE(once.hash, other.hash);
}

// Restored machines are audited once for each state that they come to; those made anew after
// each schedule.
TEST_P(ModelPins, AuditsOfRestoredMachinesFindTheSame) {
  ExploreSettings settings = settings_for(GetParam().name, 3);
  settings.schedules = 300;
  ExploreReport restored, anew;
  ASSERT_EQ(explore(settings, restored), Errc::kOk);
  settings.restore = false;
  ASSERT_EQ(explore(settings, anew), Errc::kOk);
  EXPECT_FALSE(anew.restored);
  EXPECT_EQ(restored.hash, anew.hash);
  EXPECT_EQ(restored.steps, anew.steps);
  EXPECT_EQ(restored.outcomes, anew.outcomes);
}

INSTANTIATE_TEST_SUITE_P(Schemes, ModelPins, ::testing::ValuesIn(builtin_schemes()),
                         parameter_name);

TEST(ModelPinsQuirk, DoubleLastUnpinIsFoundAndRepeats) {
  ExploreSettings settings = settings_for("lru-overlay", 2);
  settings.layout = *find_layout("linux-4.20");
  settings.behaviour.quirks = quirk_set(Quirk::kDoubleLastUnpin);
  settings.random.folios = 1;
  settings.schedules = 50000;
  ExploreReport report;
  ASSERT_EQ(explore(settings, report), Errc::kOk);
  ASSERT_GT(report.findings(), 0U);

  const Finding first = report.first.front();
  settings.first_run = first.run;
  settings.schedules = 1;
  ExploreReport alone;
  ASSERT_EQ(explore(settings, alone), Errc::kOk);
  ASSERT_EQ(alone.findings(), 1U);
  EXPECT_EQ(alone.first.front().schedule_hash, first.schedule_hash);
  ASSERT_TRUE(first.row && alone.first.front().row);
  EXPECT_EQ(alone.first.front().row->invariant, first.row->invariant);
}

TEST(ModelPinsQuirk, AuditsOfRestoredMachinesFindTheSameRows) {
  struct Case {
    const char *scheme, *layout;
    Quirk quirk;
  };
  for (const auto& [scheme, layout, quirk] :
       {Case{"lru-overlay", "linux-4.20", Quirk::kDoubleLastUnpin},
        Case{"flag-and-word", "linux-6.12", Quirk::kFlagWithoutCount},
        Case{"refcount-bias", "linux-6.12", Quirk::kNoZeroTest}}) {
    ExploreSettings settings = settings_for(scheme, 2);
    settings.layout = *find_layout(layout);
    settings.behaviour.quirks = quirk_set(quirk);
    settings.random.folios = 1;
    settings.schedules = 3000;
    settings.most_findings = 20;
    ExploreReport restored, anew;
    ASSERT_EQ(explore(settings, restored), Errc::kOk);
    settings.restore = false;
    ASSERT_EQ(explore(settings, anew), Errc::kOk);
    EXPECT_GT(restored.findings(), 0U) << scheme;
    EXPECT_EQ(restored.outcomes, anew.outcomes) << scheme;
    EXPECT_EQ(text_of(restored), text_of(anew));
  }
}

/// What a thread was told, of which no descriptor keeps a trace.
bool finds(ExploreSettings settings, Invariant invariant) {
  settings.random.folios = 1;
  settings.schedules = 20000;
  settings.most_findings = 4096;
  ExploreReport report;
  EXPECT_EQ(explore(settings, report), Errc::kOk);
  for (const Finding& finding : report.first)
    if (finding.row && finding.row->invariant == invariant &&
        finding.row->place.kind == PlaceKind::kPage)
      return true;
  return false;
}

TEST(ModelPinsQuirk, AnswersThatCannotBeAreRows) {
  ExploreSettings settings = settings_for("lru-overlay", 2);
  settings.layout = *find_layout("linux-4.20");
  settings.behaviour.quirks = quirk_set(Quirk::kDoubleLastUnpin);
  EXPECT_TRUE(finds(settings, Invariant::kUnpinAccepted));
  settings = settings_for("flag-and-word", 2);
  settings.behaviour.quirks = quirk_set(Quirk::kFlagWithoutCount);
  EXPECT_TRUE(finds(settings, Invariant::kMaybePinnedSound));
}

TEST(ModelPinsQuirk, FlagWithoutCountIsAFalseNegative) {
  ExploreSettings settings = settings_for("flag-and-word", 2);
  settings.behaviour.quirks = quirk_set(Quirk::kFlagWithoutCount);
  settings.random.folios = 1;
  settings.schedules = 5000;
  ExploreReport report;
  ASSERT_EQ(explore(settings, report), Errc::kOk);
  EXPECT_GT(report.findings(), 0U);
}

TEST(ModelPinsQuirk, NoZeroTestLeavesAPageBehind) {
  ExploreSettings settings = settings_for("refcount-bias", 2);
  settings.behaviour.quirks = quirk_set(Quirk::kNoZeroTest);
  settings.schedules = 5000;
  ExploreReport report;
  ASSERT_EQ(explore(settings, report), Errc::kOk);
  EXPECT_GT(report.findings(), 0U) << "a released page whose last pin is gone is not free";
}

// Memory management does not run there: descriptors alone do.
TEST(ModelPins, LayoutsOfFourByteWords) {
  ExploreSettings settings = settings_for("refcount", 2);
  settings.layout = *find_layout("linux-6.12-32");
  settings.schedules = 200;
  ExploreReport report;
  std::string reason;
  ASSERT_EQ(explore(settings, report, &reason), Errc::kOk) << reason;
  EXPECT_EQ(report.findings(), 0U) << text_of(report);

  Op placed;
  placed.code = OpCode::kSetUpPage;
  placed.has_pfn = true;
  Op pin = placed, unpin = placed;
  pin.code = OpCode::kPinPage;
  unpin.code = OpCode::kUnpinPage;
  const ScenarioOps written = {{placed}, {{pin, unpin}, {pin, unpin}}};
  settings.scenario = &written;
  settings.schedules_each = 0;
  ASSERT_EQ(explore(settings, report, &reason), Errc::kOk) << reason;
  EXPECT_EQ(report.findings(), 0U) << text_of(report);
  Op load;
  const ScenarioOps mapped = {{placed}, {{pin, unpin}, {load}}};
  settings.scenario = &mapped;
  EXPECT_EQ(explore(settings, report, &reason), Errc::kRefused);
  EXPECT_NE(reason, "");
}

TEST(ModelPins, MemoryThatIsUsedUpEndsWithWhatThereIs) {
  ExploreSettings settings = settings_for("refcount-bias", 2);
  settings.behaviour.quirks = quirk_set(Quirk::kNoZeroTest);
  settings.ops = 16;
  settings.schedules = 100'000;
  settings.most_findings = 4096;
  settings.steps = true;
  settings.memory_bytes = 1 << 20;
  ExploreReport report;
  ASSERT_EQ(explore(settings, report), Errc::kOk);
  EXPECT_TRUE(report.memory_full);
  EXPECT_FALSE(report.complete);
  EXPECT_GT(report.schedules, 0U);
  EXPECT_LT(report.schedules, settings.schedules);
  settings.memory_bytes = explore_limits::kMemory.otherwise;
  settings.schedules = 100;
  ASSERT_EQ(explore(settings, report), Errc::kOk);
  EXPECT_FALSE(report.memory_full);
  settings.memory_bytes = 1;
  EXPECT_EQ(explore(settings, report), Errc::kInval);
}

TEST(ModelPins, SettingsOutOfRangeAreRefused) {
  ExploreReport report;
  for (const unsigned threads : {0U, 4U}) {
    ExploreSettings settings = settings_for("refcount", threads);
    EXPECT_EQ(explore(settings, report), Errc::kInval);
  }
  ExploreSettings settings = settings_for("packed-64", 2);
  settings.layout = *find_layout("linux-6.12-32");
  EXPECT_EQ(explore(settings, report), Errc::kRefused);
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
