// Every scheme under random seeded schedules: clean, and the same again with the
// same seed. With a historic defect switched on, the exploration finds it.
#include "explore/model_pins.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "explore/entry.h"
#include "pins/registry.h"
#include "tests/both/test_name.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Schedules of each scheme and number of threads; PAGEBOX_SCHEDULES overrides it.
std::uint64_t schedules(std::uint64_t otherwise) {
  const char* given = std::getenv("PAGEBOX_SCHEDULES");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

ModelPinsSettings settings_for(const std::string& scheme, unsigned threads) {
  ModelPinsSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme(scheme);
  settings.threads = threads;
  return settings;
}

std::string text_of(const ModelReport& report) {
  std::string text;
  for (const ModelViolation& violation : report.first) {
    text += "run " + std::to_string(violation.run) + ": " + run_end_name(violation.end) + " " +
            std::string(invariant_name(violation.row.invariant)) + " pfn " +
            std::to_string(violation.row.place.at) + " " + violation.row.field + " expected " +
            std::to_string(violation.row.expected) + " found " +
            std::to_string(violation.row.found) + " (" + violation.row.explanation + ")\n";
  }
  return text;
}

class ModelPins : public testing::TestWithParam<SchemeSpec> {};

TEST_P(ModelPins, CleanUnderRandomSchedules) {
  for (const unsigned threads : {2U, 3U}) {
    ModelPinsSettings settings = settings_for(GetParam().name, threads);
    settings.schedules = schedules(2000);
    ModelReport report;
    ASSERT_EQ(explore_pins(settings, report), Errc::kOk);
    EXPECT_EQ(report.violations, 0U) << text_of(report);
    EXPECT_EQ(report.schedules, settings.schedules);
    EXPECT_GT(report.distinct, settings.schedules / 2);
  }
}

TEST_P(ModelPins, CleanOnCompoundPages) {
  ModelPinsSettings settings = settings_for(GetParam().name, 2);
  settings.order = 2;
  settings.folios = 1;
  settings.schedules = schedules(1000);
  ModelReport report;
  ASSERT_EQ(explore_pins(settings, report), Errc::kOk);
  EXPECT_EQ(report.violations, 0U) << text_of(report);
}

TEST_P(ModelPins, SameSeedSameSchedulesAndWords) {
  ModelPinsSettings settings = settings_for(GetParam().name, 3);
  settings.schedules = 200;
  ModelReport once, again, other;
  ASSERT_EQ(explore_pins(settings, once), Errc::kOk);
  ASSERT_EQ(explore_pins(settings, again), Errc::kOk);
  settings.seed = 2;
  ASSERT_EQ(explore_pins(settings, other), Errc::kOk);
  EXPECT_EQ(once.hash, again.hash);
  EXPECT_EQ(once.steps, again.steps);
  EXPECT_NE(once.hash, other.hash);
}

INSTANTIATE_TEST_SUITE_P(Schemes, ModelPins, testing::ValuesIn(builtin_schemes()), parameter_name);

TEST(ModelPinsQuirk, DoubleLastUnpinIsFoundAndRepeats) {
  ModelPinsSettings settings = settings_for("lru-overlay", 2);
  settings.layout = *find_layout("linux-4.20");
  settings.behaviour.quirks = quirk_set(Quirk::kDoubleLastUnpin);
  settings.folios = 1;
  settings.schedules = 50000;
  ModelReport report;
  ASSERT_EQ(explore_pins(settings, report), Errc::kOk);
  ASSERT_GT(report.violations, 0U);

  const ModelViolation& first = report.first.front();
  settings.first_run = first.run;
  settings.schedules = 1;
  ModelReport alone;
  ASSERT_EQ(explore_pins(settings, alone), Errc::kOk);
  ASSERT_EQ(alone.violations, 1U);
  EXPECT_EQ(alone.first.front().schedule_hash, first.schedule_hash);
  EXPECT_EQ(alone.first.front().row.invariant, first.row.invariant);
}

TEST(ModelPinsQuirk, FlagWithoutCountIsAFalseNegative) {
  ModelPinsSettings settings = settings_for("flag-and-word", 2);
  settings.behaviour.quirks = quirk_set(Quirk::kFlagWithoutCount);
  settings.folios = 1;
  settings.schedules = 5000;
  ModelReport report;
  ASSERT_EQ(explore_pins(settings, report), Errc::kOk);
  EXPECT_GT(report.violations, 0U);
}

TEST(ModelPinsQuirk, NoZeroTestLeavesAPageBehind) {
  ModelPinsSettings settings = settings_for("refcount-bias", 2);
  settings.behaviour.quirks = quirk_set(Quirk::kNoZeroTest);
  settings.schedules = 5000;
  ModelReport report;
  ASSERT_EQ(explore_pins(settings, report), Errc::kOk);
  EXPECT_GT(report.violations, 0U) << "a released page whose last pin is gone is not free";
}

TEST(ModelPins, SettingsOutOfRangeAreRefused) {
  ModelReport report;
  for (const unsigned threads : {0U, 4U}) {
    ModelPinsSettings settings = settings_for("refcount", threads);
    EXPECT_EQ(explore_pins(settings, report), Errc::kInval);
  }
  ModelPinsSettings settings = settings_for("packed-64", 2);
  settings.layout = *find_layout("linux-6.12-32");
  EXPECT_EQ(explore_pins(settings, report), Errc::kRefused);
}

TEST(ModelEntry, ExploresByName) {
  const PageboxModelEntry* entry = pagebox_model_entry();
  ASSERT_EQ(entry->struct_bytes, sizeof(PageboxExploreResult));
  PageboxExplorePins request{};
  request.scheme = "sharded";
  request.layout = "linux-6.12";
  request.threads = 2;
  request.schedules = 100;
  request.seed = 7;
  PageboxExploreResult result{};
  EXPECT_EQ(entry->explore_pins(&request, &result), 0);
  EXPECT_EQ(result.schedules, 100U);
  EXPECT_EQ(result.violations, 0U);
  request.scheme = "none";
  EXPECT_EQ(entry->explore_pins(&request, &result), static_cast<int>(Errc::kInval));
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
