#include "tests/planted/courses.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>

#include "explore/explore.h"
#include "pins/registry.h"
#include "tests/tools/mix_text.h"
#include "tests/tools/scheme_bench.h"

namespace pagebox::testing {
namespace {

using enum CourseKind;

constexpr auto kCourses = std::to_array<Course>({
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
    {"pages narrow", kMix, "pages", "narrow", "linux-6.12", 3, 4},
    {"pages flag-and-word", kMix, "pages", "flag-and-word"},
    {"pages packed-64", kMix, "pages", "packed-64"},
    {"mm", kMix, "mm,chaos"},
    {"mm folio-pincount", kMix, "mm,chaos", "folio-pincount"},
    {"mm lru-overlay", kMix, "mm,chaos", "lru-overlay"},
    {"touch", kMix, "touch,device,chaos"},
    {"touch folio-pincount", kMix, "touch,device,chaos", "folio-pincount"},
    {"touch close", kMix, "touch,device,chaos", "refcount-bias", "linux-6.12", 3, 4, 1, 2, 2},
    {"mm close", kMix, "mm,chaos", "refcount-bias", "linux-6.12", 3, 4, 1, 2, 2},
    {"huge pages", kTests, "MmHugeSchedules.*"},
    {"writeback", kTests, "WritebackSchedules.*"},
    {"dax", kTests, "DaxSchedules.*"},
    {"page lists", kTests, "PageSchedules.*"},
    {"mappings", kTests, "VmaSchedules.*"},
});

/// Declared ones, beside those that are built in.
SchemeSpec scheme_named(std::string_view name) {
  if (const SchemeSpec* scheme = find_scheme(std::string(name))) return *scheme;
  SchemeSpec scheme = *find_scheme("side-table");
  scheme.name = name;
  scheme.count_bits = 2;
  scheme.at_limit = name == "saturating" ? AtLimit::kSaturate : AtLimit::kRefuse;
  complete_scheme(scheme);
  return scheme;
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

Caught run_mix(const Course& course, std::uint64_t schedules, const Invariant* only) {
  ExploreSettings settings;
  settings.layout = *find_layout(course.layout);
  settings.scheme = scheme_named(course.scheme);
  settings.threads = course.threads;
  std::string unknown;
  settings.mixes = read_mixes(std::string(course.what), unknown);
  settings.ops = course.ops;
  settings.random.pages = course.pages;
  settings.random.buffers = course.buffers;
  settings.random.processes = course.processes;
  settings.schedules_each = 1;
  settings.schedules = schedules;
  settings.most_findings = only == nullptr ? 1 : schedules;
  StopAtFirst watcher(only);
  settings.stop = &watcher.stop;
  ExploreReport report;
  std::string reason = unknown;
  const Errc error = explore(settings, report, &reason, &watcher);
  if (error != Errc::kOk || !unknown.empty()) {
    std::cerr << course.name << ": " << errc_name(error) << " " << reason << "\n";
    std::exit(2);
  }
  return {watcher.stop != 0, watcher.stop != 0 ? watcher.run + 1 : report.schedules, watcher.by};
}

Caught run_programs(const Course& course, std::uint64_t schedules) {
  SchemeRow row;
  for (const auto& [threads, length] : {std::pair{2U, 3U}, std::pair{3U, 2U}}) {
    SchemeBench bench(*find_layout(course.layout), scheme_named(course.scheme), course.order,
                      false);
    if (!bench.ready()) std::exit(2);
    // The shortest come late: a few of each kind first.
    constexpr std::uint64_t kStep = 37;
    std::uint64_t number = 0;
    for_each_program(threads, length, [&, threads = threads](const auto& programs) {
      if (number++ % kStep != 0) return true;
      bench.explore(programs, threads, schedules, row);
      return row.wrong == 0 && row.classes < schedules;
    });
    if (row.wrong != 0 || row.classes >= schedules) break;
  }
  return {row.wrong != 0, row.classes, row.first_wrong};
}

/// What the first failure says, and nothing else.
class FirstFailure final : public ::testing::EmptyTestEventListener {
 public:
  explicit FirstFailure(std::string& by) : by_(by) {}
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed() || !by_.empty()) return;
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    by_ = std::string(info->test_suite_name()) + "." + info->name() + ": " + result.summary();
    std::replace(by_.begin(), by_.end(), '\n', ' ');
  }

 private:
  std::string& by_;
};

Caught run_tests(const Course& course) {
  std::string by;
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new FirstFailure(by));
  GTEST_FLAG_SET(filter, std::string(course.what));
  const int failed = RUN_ALL_TESTS();
  if (::testing::UnitTest::GetInstance()->test_to_run_count() == 0) {
    std::cerr << course.name << ": no tests\n";
    std::exit(2);
  }
  return {failed != 0,
          static_cast<std::uint64_t>(::testing::UnitTest::GetInstance()->test_to_run_count()), by};
}

}  // namespace

std::span<const Course> courses() { return kCourses; }

const Course& course_named(std::string_view name) {
  const auto at = std::ranges::find(kCourses, name, &Course::name);
  if (at != kCourses.end()) return *at;
  std::cerr << "no course " << name << "\n";
  std::exit(2);
}

Caught run_course(const Course& course, std::uint64_t schedules, const Invariant* only) {
  switch (course.kind) {
    case kMix: return run_mix(course, schedules, only);
    case kPrograms: return run_programs(course, schedules);
    case kTests: return run_tests(course);
  }
  return {};
}

}  // namespace pagebox::testing
