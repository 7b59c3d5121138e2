#include "tests/planted/courses.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>

#include "engine/scenario/scenario_ops.h"
#include "explore/explore_programs.h"
#include "pins/registry.h"
#include "tests/model/base_run_helpers.h"
#include "tests/planted/written.h"
#include "tests/tools/mix_text.h"

namespace pagebox::testing {
namespace {

using enum CourseKind;

constexpr auto kCourses = std::to_array<Course>({
    // As the table of all schemes has them.
    {"programs own-counter", kPrograms, "", "own-counter"},
    {"programs mapcount-overlay", kPrograms, "", "mapcount-overlay"},
    {"programs folio-pincount", kPrograms, "", "folio-pincount", "linux-6.12", 3, 4, 2, 7, 2, 2},
    {"programs flag-and-word", kPrograms, "", "flag-and-word"},
    {"programs packed-64", kPrograms, "", "packed-64"},
    {"programs lru-overlay", kPrograms, "", "lru-overlay"},
    {"programs side-table", kPrograms, "", "side-table"},
    {"programs sharded", kPrograms, "", "sharded"},
    {"programs refcount-bias", kPrograms, "", "refcount-bias"},
    {"programs saturating", kPrograms, "", "saturating"},
    // As explore_ops runs them.
    {"pages narrow", kMix, "pages", "narrow"},
    {"mm", kMix, "mm,chaos"},
    {"touch", kMix, "touch,device,chaos"},
    // A few operations of those on a few pages, so that threads meet on each.
    {"faults", kMix, "store=4,load=2,dontneed=2,pageout=3,fork", "refcount-bias", "linux-6.12", 3,
     4, 2, 2, 1},
    {"swap", kMix, "load=4,store=2,pageout=4,fork=2,exit,pagemap", "refcount-bias", "linux-6.12", 3,
     4, 1, 1, 2},
    {"mlock", kMix, "mlock=4,munlock=4,store=2,munmap,pageout,compact", "refcount-bias",
     "linux-6.12", 2, 4, 1, 2, 1},
    {"file cache", kMix, "load=3,pageout=4,compact=4,fd_write=2,file_read=2,remove,writeback",
     "refcount-bias", "linux-6.12", 3, 4, 1, 6, 1},
    {"device faults", kMix, "migrate_to_dev=4,migrate_to_sys,store=4,load=2,dontneed=2,fork",
     "refcount-bias", "linux-6.12", 3, 4, 2, 1, 1},
    {"exclusive", kMix, "exclusive=4,store=3,load=3,fork,pageout", "refcount-bias", "linux-6.12", 3,
     4, 1, 1, 1},
    {"mirror", kMix, "dev_read=4,dev_write=3,dontneed=3,pageout=2,store=2,compact=2",
     "refcount-bias", "linux-6.12", 3, 4, 1, 1, 1},
    // Written down.
    {"isolated page", kWritten, "", "packed-64"},
    {"two device faults", kWritten, ""},
    {"pinned collapse", kWritten, ""},
    {"opened device", kWritten, ""},
    {"closed device", kWritten, ""},
    {"unmapped fault", kWritten, ""},
    // The model's own tests.
    {"huge pages", kTests, "MmHugeSchedules.*"},
    {"dax", kTests, "DaxSchedules*"},
});

/// Declared ones, beside those that are built in.
SchemeSpec scheme_named(std::string_view name) {
  if (const SchemeSpec* scheme = find_scheme(std::string(name))) return *scheme;
  SchemeSpec scheme = *find_scheme("side-table");
  scheme.name = name;
  scheme.count_bits = name == "saturating" ? 1 : 2;
  scheme.at_limit = name == "saturating" ? AtLimit::kSaturate : AtLimit::kRefuse;
  complete_scheme(scheme);
  return scheme;
}

ExploreSettings settings_of(const Course& course) {
  ExploreSettings settings;
  settings.layout = *find_layout(course.layout);
  settings.scheme = scheme_named(course.scheme);
  return settings;
}

struct StopAtFirst final : ExploreWatcher {
  explicit StopAtFirst(const Invariant* row) : only(row) {}
  void progress(std::uint64_t, std::uint64_t, double) override {}
  void found(const Finding& finding) override {
    if (stop != 0 || (only != nullptr && invariant_of(finding) != *only)) return;
    stop = 1;
    run = finding.run;
    by = std::string(outcome_name(finding.outcome)) + ": " + finding.text;
  }
  const Invariant* const only;
  volatile std::uint32_t stop = 0;
  std::uint64_t run = 0;
  std::string by;
};

Caught run_explore(const Course& course, ExploreSettings& settings, std::uint64_t schedules,
                   const Invariant* only) {
  settings.schedules = schedules;
  settings.most_findings = only == nullptr ? 1 : schedules;
  StopAtFirst watcher(only);
  settings.stop = &watcher.stop;
  ExploreReport report;
  std::string reason;
  const Errc error = explore(settings, report, &reason, &watcher);
  if (error != Errc::kOk) {
    std::cerr << course.name << ": " << errc_name(error) << " " << reason << "\n";
    std::exit(2);
  }
  return {watcher.stop != 0, watcher.stop != 0 ? watcher.run + 1 : report.schedules, watcher.by};
}

Caught run_mix(const Course& course, std::uint64_t schedules, const Invariant* only) {
  ExploreSettings settings = settings_of(course);
  settings.threads = course.threads;
  std::string unknown;
  settings.mixes = read_mixes(std::string(course.what), unknown);
  settings.ops = course.ops;
  settings.random.pages = course.pages;
  settings.random.buffers = course.buffers;
  settings.random.processes = course.processes;
  settings.schedules_each = 1;
  if (unknown.empty()) return run_explore(course, settings, schedules, only);
  std::cerr << course.name << ": no operation " << unknown << "\n";
  std::exit(2);
}

Caught run_written(const Course& course, std::uint64_t schedules, const Invariant* only) {
  const Written written = written_scenario(course.name);
  ExploreSettings settings = settings_of(course);
  settings.scenario = &written.ops;
  settings.pages = written.pages;
  settings.huge_pages = written.huge_pages;
  settings.strategy = "dpor";
  return run_explore(course, settings, schedules, only);
}

std::string text_of(const std::vector<PagePrograms::Sequence>& threads) {
  std::string text;
  for (const PagePrograms::Sequence& sequence : threads) {
    text += text.empty() ? "" : " |";
    for (const OpCode code : sequence)
      text += " " + std::string(kOpTable[static_cast<unsigned>(code)].name);
  }
  return text;
}

/// Programs in an order that has soon seen some of each kind, a few classes of each.
Caught run_programs(const Course& course, std::uint64_t schedules) {
  constexpr std::uint64_t kOfEach = 200;
  Caught caught;
  for (const auto& [threads, length] : {std::pair{2U, 3U}, std::pair{3U, 2U}}) {
    ScenarioOps page;
    Op set_up;
    set_up.code = OpCode::kSetUpPage;
    set_up.has_pfn = true;
    set_up.order = static_cast<std::uint8_t>(course.order);
    page.setup.push_back(set_up);
    ExploreSettings settings = settings_of(course);
    settings.scenario = &page;
    settings.strategy = "dpor";
    settings.max_steps = 100'000;
    settings.schedules_each = kOfEach;
    settings.schedules = threads == 2 ? schedules / 2 : schedules - caught.schedules;
    settings.most_findings = 1;
    StopAtFirst watcher(nullptr);
    settings.stop = &watcher.stop;
    const PagePrograms programs(PagePrograms::vocabulary(), threads, length, 0);
    ProgramsReport report;
    std::string reason;
    const Errc error = explore_programs(settings, programs, report, &reason, &watcher);
    if (error != Errc::kOk) {
      std::cerr << course.name << ": " << errc_name(error) << " " << reason << "\n";
      std::exit(2);
    }
    caught.schedules += report.schedules;
    if (report.violated == 0) continue;
    caught.caught = true;
    caught.by = watcher.by + ": " + text_of(report.first.front().threads);
    break;
  }
  return caught;
}

TellCaught tell_now = nullptr;  // of the tests that run

/// Noted when it starts: gtest holds the lock that asking for it takes while it tells of a failure.
std::string current_test;

/// What the first failure says, and nothing else.
class FirstFailure final : public ::testing::EmptyTestEventListener {
 public:
  void OnTestStart(const ::testing::TestInfo& info) override {
    current_test = std::string(info.test_suite_name()) + "." + info.name();
  }
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::string by = current_test + ": " + result.summary();
    std::replace(by.begin(), by.end(), '\n', ' ');
    tell_now({true, 0, by});
  }
};

Caught run_tests(const Course& course, TellCaught tell) {
  tell_now = tell;
  bad_end = [](const RunOutcome& outcome) {
    tell_now({true, 0, current_test + ": " + std::string(outcome_name(outcome.end))});
  };
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new FirstFailure);
  GTEST_FLAG_SET(filter, std::string(course.what));
  (void)RUN_ALL_TESTS();
  if (::testing::UnitTest::GetInstance()->test_to_run_count() > 0) return {};
  std::cerr << course.name << ": no tests\n";
  std::exit(2);
}

}  // namespace

std::span<const Course> courses() { return kCourses; }

const Course& course_named(std::string_view name) {
  const auto at = std::ranges::find(kCourses, name, &Course::name);
  if (at != kCourses.end()) return *at;
  std::cerr << "no course " << name << "\n";
  std::exit(2);
}

Caught run_course(const Course& course, std::uint64_t schedules, TellCaught tell,
                  const Invariant* only) {
  switch (course.kind) {
    case kMix: return run_mix(course, schedules, only);
    case kPrograms: return run_programs(course, schedules);
    case kWritten: return run_written(course, schedules, only);
    case kTests: return run_tests(course, tell);
  }
  return {};
}

}  // namespace pagebox::testing
