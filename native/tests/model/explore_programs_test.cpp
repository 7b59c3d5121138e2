// Families of programs: how many there are and which not, and that all of a scheme's hold, or one
// is found and is its first bad schedule.
#include "explore/explore_programs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/model/run_memory.h"
#include "pins/registry.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

using enum OpCode;

ScenarioOps one_page(unsigned order = 0) {
  ScenarioOps scenario;
  Op op;
  op.code = kSetUpPage;
  op.has_pfn = true;
  op.order = static_cast<std::uint8_t>(order);
  scenario.setup.push_back(op);
  return scenario;
}

ExploreSettings settings_for(const char* scheme, const ScenarioOps& scenario) {
  ExploreSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme(scheme);
  settings.scenario = &scenario;
  settings.strategy = "dpor";
  settings.schedules = 1'000'000;
  return settings;
}

/// Where each schedule makes its machine anew, places move: what was explored is not known
/// again, and a program of few classes has a million schedules.
bool knows_places() { return RunMemory::create() != nullptr; }

void bound_where_places_move(ExploreSettings& settings) {
  if (!knows_places()) settings.schedules_each = 60;
}

std::uint64_t count(std::initializer_list<OpCode> ops, unsigned threads, unsigned length) {
  return PagePrograms(std::vector<OpCode>(ops), threads, length, 0).size();
}

TEST(PagePrograms, AreCountedOnceWhateverTheOrderOfThreads) {
  EXPECT_EQ(count({kMaybePinned}, 2, 3), 1U);
  // Of two sequences of one operation three pairs.
  EXPECT_EQ(count({kMaybePinned, kFreezePage}, 2, 1), 3U);
  EXPECT_EQ(count({kMaybePinned, kFreezePage}, 3, 1), 4U);
}

TEST(PagePrograms, GiveBackWhatTheyHaveTaken) {
  // pin pin, pin unpin.
  EXPECT_EQ(count({kPinPage, kUnpinPage}, 1, 2), 2U);
  // Nothing that is not taken, nothing twice: ppp ppu pup (puu and p-first alone fail).
  EXPECT_EQ(count({kPinPage, kUnpinPage}, 1, 3), 3U);
}

TEST(PagePrograms, OneThreadFreesAndNobodyElseCountsOnTheReference) {
  EXPECT_EQ(count({kMaybePinned, kReleasePage}, 1, 2), 3U);  // not twice
  EXPECT_EQ(count({kMaybePinned, kReleasePage}, 2, 1), 2U);  // not both
  EXPECT_EQ(count({kFreezePage, kReleasePage}, 2, 1), 1U);   // both freeze
  EXPECT_EQ(count({kFreezePage, kReleasePage}, 1, 2), 3U);   // who frees may freeze
}

TEST(PagePrograms, InTurnEachComesOnce) {
  const PagePrograms programs(PagePrograms::vocabulary(), 2, 2, 0);
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 0; i < programs.size(); ++i) seen.insert(programs.in_turn(i));
  EXPECT_EQ(seen.size(), programs.size());
  EXPECT_EQ(*seen.rbegin(), programs.size() - 1);
}

TEST(PagePrograms, SayWhatCannotBe) {
  const auto check = [](std::vector<OpCode> ops, unsigned threads, unsigned length) {
    return PagePrograms::check(ops, threads, length);
  };
  const auto all = PagePrograms::vocabulary();
  EXPECT_EQ(PagePrograms::check(all, 2, 3), "");
  EXPECT_EQ(PagePrograms::check(all, 3, 2), "");
  EXPECT_NE(check({}, 2, 2).find("none"), std::string::npos);
  EXPECT_NE(check({kLoad}, 2, 2).find("have no load"), std::string::npos);
  EXPECT_NE(check({kPinPage, kPinPage}, 2, 2).find("twice"), std::string::npos);
  EXPECT_NE(check({kPutPage}, 2, 2).find("put_page without get_page"), std::string::npos);
  EXPECT_NE(check({kReleasePage}, 2, 2).find("no program of this length"), std::string::npos);
  EXPECT_NE(check({kPinPage}, 4, 2).find("threads"), std::string::npos);
  EXPECT_NE(check({kPinPage}, 2, 5).find("operations of each"), std::string::npos);
  EXPECT_NE(PagePrograms::check(all, 3, 4).find("more than"), std::string::npos);
}

class ProgramsOfSchemes : public ::testing::TestWithParam<SchemeSpec> {};

// Two threads of one operation each, and of two pins and questions.
TEST_P(ProgramsOfSchemes, Hold) {
  const ScenarioOps scenario = one_page();
  for (const auto& [ops, length] :
       {std::pair<std::vector<OpCode>, unsigned>{
            {PagePrograms::vocabulary().begin(), PagePrograms::vocabulary().end()}, 1U},
        {{kPinPage, kUnpinPage, kMaybePinned}, 2U}}) {
    const PagePrograms programs(ops, 2, length, 0);
    ExploreSettings settings = settings_for(GetParam().name.data(), scenario);
    bound_where_places_move(settings);
    ProgramsReport report;
    ASSERT_EQ(explore_programs(settings, programs, report), Errc::kOk);
    EXPECT_EQ(report.programs, report.all);
    if (knows_places())
      EXPECT_TRUE(report.is_complete()) << report.complete << " of " << report.all;
    EXPECT_EQ(report.violated, 0U)
        << (report.first.empty() ? "" : report.first.front().finding.text);
    EXPECT_GT(report.classes, report.programs);
  }
}
INSTANTIATE_TEST_SUITE_P(Schemes, ProgramsOfSchemes, ::testing::ValuesIn(builtin_schemes()),
                         [](const auto& info) {
                           std::string name(info.param.name);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(ExplorePrograms, AnUpdateThatIsLostIsFoundWithItsSchedule) {
  const ScenarioOps scenario = one_page();
  ExploreSettings settings = settings_for("flag-and-word", scenario);
  settings.behaviour.quirks = quirk_set(Quirk::kFlagWithoutCount);
  bound_where_places_move(settings);
  const PagePrograms programs(std::vector<OpCode>{kPinPage, kUnpinPage, kMaybePinned}, 2, 3, 0);
  ProgramsReport report;
  ASSERT_EQ(explore_programs(settings, programs, report), Errc::kOk);
  EXPECT_GT(report.violated, 0U);
  EXPECT_EQ(report.programs, report.all);  // the others are explored all the same
  ASSERT_FALSE(report.first.empty());
  EXPECT_FALSE(report.first.front().finding.choices.empty());
  EXPECT_FALSE(report.first.front().finding.trace.empty());
}

TEST(ExplorePrograms, EndWhereTheyAreToldAndSayWhatIsLeft) {
  const ScenarioOps scenario = one_page();
  ExploreSettings settings = settings_for("refcount-bias", scenario);
  const PagePrograms programs(PagePrograms::vocabulary(), 2, 2, 0);
  settings.schedules = 500;
  ProgramsReport report;
  ASSERT_EQ(explore_programs(settings, programs, report), Errc::kOk);
  EXPECT_EQ(report.schedules, 500U);
  EXPECT_LT(report.programs, report.all);
  EXPECT_FALSE(report.is_complete());
  // A program of more schedules than that is not complete, and the others come.
  settings.schedules = 1'000'000;
  settings.schedules_each = 2;
  ASSERT_EQ(explore_programs(settings, programs, report), Errc::kOk);
  EXPECT_EQ(report.programs, report.all);
  EXPECT_LT(report.complete, report.all);
  EXPECT_EQ(report.largest, 2U);
}

// A question is wrong if a pin was there before it and is still there after it; who of the
// others has moved between is no excuse. So its order against the end of a pin is explored.
TEST(ExplorePrograms, AQuestionMeetsTheEndOfAPin) {
  const ScenarioOps scenario = one_page();
  const auto classes = [&](std::vector<OpCode> ops) {
    const PagePrograms programs(ops, 2, 1, 0);
    ProgramsReport report;
    EXPECT_EQ(explore_programs(settings_for("side-table", scenario), programs, report), Errc::kOk);
    return report.classes;
  };
  EXPECT_GT(classes({kPinPage, kMaybePinned}), classes({kPinPage}) + classes({kMaybePinned}) + 1);
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
