// Reduction on real operations: whatever any schedule of a small scenario comes to, one of
// the classes comes to as well; and each schedule can be repeated from its choices.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/model/run_memory.h"
#include "engine/scenario/scenario_ops.h"
#include "explore/explore.h"
#include "explore/page_programs.h"
#include "explore/strategies/by_name.h"
#include "explore/strategies/depth_first.h"
#include "explore/strategies/dpor.h"
#include "explore/strategies/replay.h"
#include "explore/subject.h"
#include "pins/registry.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

struct VisitedScenario {
  std::set<std::uint64_t> results;  // hashes of all that threads got and of all descriptors
  std::uint64_t ended = 0, abandoned = 0;
  bool complete = false;
};

VisitedScenario visit(const ExploreSettings& settings, Strategy& strategy, std::uint64_t most) {
  Subject subject(settings);
  VisitedScenario visited;
  for (std::uint64_t run = 0; run < most && strategy.begin(run); ++run) {
    Finding finding;
    Subject::Ran ran;
    std::string why;
    EXPECT_EQ(subject.run(run, strategy, false, finding, ran, &why), Errc::kOk) << why;
    if (finding.outcome == Outcome::kAbandoned) {
      ++visited.abandoned;
      continue;
    }
    ++visited.ended;
    visited.results.insert(ran.hash ^ static_cast<std::uint64_t>(finding.outcome));
  }
  visited.complete = strategy.is_complete();
  return visited;
}

ExploreSettings drawn(std::string_view mix, unsigned ops, std::uint64_t seed) {
  constexpr const char* kSchemes[] = {"refcount-bias", "lru-overlay", "packed-64",       "sharded",
                                      "flag-and-word", "side-table",  "mapcount-overlay"};
  ExploreSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme(kSchemes[seed % std::size(kSchemes)]);
  settings.mixes.resize(1);
  EXPECT_TRUE(settings.mixes[0].add(mix, 1));
  settings.threads = 2;
  settings.ops = ops;
  settings.workload_seed = seed;
  settings.random = {.processes = 1, .buffers = 2, .pages = 1};
  settings.pages = 64;
  settings.device_pages = 8;
  settings.swap_pages = 16;
  return settings;
}

/// Of scenarios that are small enough: none of the others' results is missing.
struct Compared {
  std::uint64_t complete = 0, classes = 0, all = 0;
};
void compare(std::string_view mix, unsigned ops, std::uint64_t seeds, Compared& compared) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const ExploreSettings settings = drawn(mix, ops, seed);
    DporStrategy reduction;
    const VisitedScenario classes = visit(settings, reduction, 500);
    if (!classes.complete) continue;
    ++compared.complete;
    compared.classes += classes.ended;
    DepthFirstStrategy every({.sleep_sets = false});
    const VisitedScenario all = visit(settings, every, 1000);
    if (all.complete) {
      ++compared.all;
      ASSERT_EQ(classes.results, all.results) << mix << " seed " << seed;
    }
    const auto sampler = make_strategy({.name = seed % 2 == 0 ? "random" : "pos", .seed = seed});
    const VisitedScenario some = visit(settings, *sampler, 50);
    for (const std::uint64_t result : some.results)
      ASSERT_TRUE(classes.results.contains(result)) << mix << " seed " << seed;
  }
}

TEST(ExploreScenarios, NoResultOfOperationsOnPagesIsMissed) {
  if (RunMemory::create() == nullptr) GTEST_SKIP() << "too slow where machines are made anew";
  Compared compared;
  compare("pages", 1, 60, compared);
  compare("pages", 2, 40, compared);
  EXPECT_GT(compared.complete, 50U);
  EXPECT_GT(compared.all, 2U);
}

/// Of a nightly run: other scenarios than every other day.
std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* given = std::getenv(name);
  return given == nullptr ? otherwise : std::strtoull(given, nullptr, 10);
}

// A thousand of them, of all schemes: depth-first with sleep sets visits the same classes, and
// where there are few schedules each of them comes to nothing else.
TEST(ExploreScenarios, DepthFirstAndReductionAgreeOnAThousandPrograms) {
  if (RunMemory::create() == nullptr) GTEST_SKIP() << "too slow where machines are made anew";
  constexpr std::uint64_t kMostClasses = 400;
  const std::uint64_t first = from_environment("PAGEBOX_SEED", 0);
  const std::uint64_t wanted = from_environment("PAGEBOX_SCENARIOS", 1000);
  const auto schemes = builtin_schemes();
  const PagePrograms pairs(PagePrograms::vocabulary(), 2, 2, 0);
  const PagePrograms three(PagePrograms::vocabulary(), 3, 1, 0);
  Compared compared;
  for (std::uint64_t i = 0; compared.complete < wanted && i < 4 * wanted; ++i) {
    const PagePrograms& programs = i % 8 == 7 ? three : pairs;
    const std::uint64_t program = programs.in_turn((first + i) % programs.size());
    ExploreSettings settings = drawn("pages", 1, 1);
    settings.scheme = schemes[(first + i) % schemes.size()];
    ScenarioOps scenario;
    Op page;
    page.code = OpCode::kSetUpPage;
    page.has_pfn = true;
    scenario.setup.push_back(page);
    scenario.threads = programs.threads_of(program);
    settings.scenario = &scenario;
    const auto where = [&] {
      return std::string(settings.scheme.name) + ", program " + std::to_string(program) + " of " +
             (&programs == &three ? "three" : "two") + " threads";
    };
    DporStrategy reduction;
    const VisitedScenario classes = visit(settings, reduction, kMostClasses);
    if (!classes.complete) continue;
    ++compared.complete;
    compared.classes += classes.ended;
    DepthFirstStrategy sleeping({.sleep_sets = true});
    const VisitedScenario others = visit(settings, sleeping, 20 * kMostClasses);
    if (others.complete) {
      ASSERT_EQ(classes.results, others.results) << where();
      ASSERT_EQ(classes.ended, others.ended) << where();
    }
    DepthFirstStrategy every({.sleep_sets = false});
    const VisitedScenario all = visit(settings, every, 300);
    if (!all.complete) continue;
    ++compared.all;
    ASSERT_EQ(classes.results, all.results) << where();
  }
  EXPECT_EQ(compared.complete, wanted);
  EXPECT_GT(compared.classes, 2 * wanted);
}

TEST(ExploreScenarios, NoResultOfOperationsOnMappingsIsMissed) {
  if (RunMemory::create() == nullptr) GTEST_SKIP() << "too slow where machines are made anew";
  Compared compared;
  compare("mm", 1, 24, compared);
  compare("touch", 1, 16, compared);
  EXPECT_GT(compared.complete, 8U);
}

TEST(ExploreScenarios, EachScheduleCanBeRepeated) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const ExploreSettings settings = drawn(seed % 2 == 0 ? "mm" : "pages", 2, seed);
    Subject subject(settings);
    for (const std::string_view name : kStrategyNames) {
      const auto strategy =
          make_strategy({.name = std::string(name), .seed = seed, .schedules = 8});
      for (std::uint64_t run = 0; run < 8 && strategy->begin(run); ++run) {
        Finding finding, repeated;
        Subject::Ran ran, again;
        ASSERT_EQ(subject.run(run, *strategy, true, finding, ran, nullptr), Errc::kOk);
        if (finding.outcome == Outcome::kAbandoned) continue;
        ReplayStrategy replay(finding.choices);
        (void)replay.begin(run);
        ASSERT_EQ(subject.run(run, replay, false, repeated, again, nullptr), Errc::kOk);
        EXPECT_FALSE(replay.differs()) << name;
        EXPECT_EQ(again.hash, ran.hash) << name;
        EXPECT_EQ(repeated.schedule_hash, finding.schedule_hash) << name;
        EXPECT_EQ(repeated.outcome, finding.outcome) << name;
      }
    }
  }
}

TEST(ExploreScenarios, ReportsSayWhatTheyAreWorth) {
  ExploreSettings settings = drawn("pages", 1, 6);
  settings.strategy = "dpor";
  ExploreReport report;
  ASSERT_EQ(explore(settings, report), Errc::kOk);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.classes, report.schedules);
  EXPECT_EQ(report.explored, 1);
  EXPECT_EQ(report.guarantee.rfind("complete: ", 0), 0U) << report.guarantee;
  settings.strategy = "depth-first";
  settings.bound = 1;
  settings.schedules = 100'000;
  ASSERT_EQ(explore(settings, report), Errc::kOk);
  EXPECT_EQ(report.bound_done, 1U);
  EXPECT_NE(report.guarantee.find("bound 1"), std::string::npos) << report.guarantee;
  settings.bound = std::nullopt;
  settings.strategy = "pct";
  settings.depth = 2;
  settings.schedules = 50;
  ASSERT_EQ(explore(settings, report), Errc::kOk);
  EXPECT_FALSE(report.complete);
  EXPECT_GT(report.missed_at_most, 0);
  EXPECT_LT(report.missed_at_most, 1);
  EXPECT_NE(report.guarantee.find("pct"), std::string::npos) << report.guarantee;
  settings.depth = 9;
  std::string reason;
  EXPECT_EQ(explore(settings, report, &reason), Errc::kInval);
  EXPECT_EQ(reason, "depth: 1 to 3");
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
