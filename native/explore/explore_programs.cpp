#include "explore/explore_programs.h"

#include <algorithm>
#include <utility>

#include "engine/scenario/scenario_ops.h"
#include "explore/subject.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Programs between two words to who watches: most have few classes.
constexpr std::uint64_t kBetweenPrograms = 16;

bool is_stopped(const ExploreSettings& settings) {
  return settings.stop != nullptr && *settings.stop != 0;
}

/// Of a long program what the exploration itself tells, beside those behind it.
class Within final : public ExploreWatcher {
 public:
  Within(const ProgramsReport& so_far, ExploreWatcher* out) : so_far_(so_far), out_(out) {}
  void progress(std::uint64_t schedules, std::uint64_t classes, double) override {
    if (out_ == nullptr) return;
    out_->progress(so_far_.schedules + schedules, so_far_.classes + classes,
                   static_cast<double>(so_far_.programs) / static_cast<double>(so_far_.all));
  }
  void found(const Finding& finding) override {
    if (out_ != nullptr) out_->found(finding);
  }

 private:
  const ProgramsReport& so_far_;
  ExploreWatcher* const out_;
};

}  // namespace

Errc explore_programs(const ExploreSettings& settings, const PagePrograms& programs,
                      ProgramsReport& report, std::string* reason, ExploreWatcher* watcher) {
  report = {};
  report.all = programs.size();
  ScenarioOps scenario;
  if (settings.scenario != nullptr) scenario.setup = settings.scenario->setup;
  scenario.threads = programs.threads_of(0);
  ExploreSettings each = settings;
  each.scenario = &scenario;
  each.schedules_each = 0;
  each.witness = true;
  each.stop_at_first = true;
  each.count_distinct = false;
  each.outcomes = 0;
  if (const std::string wrong = check_settings(each); !wrong.empty()) {
    if (reason != nullptr) *reason = wrong;
    return Errc::kInval;
  }
  Subject subject(each);
  Within within(report, watcher);
  for (std::uint64_t i = 0; i < report.all && report.schedules < settings.schedules; ++i) {
    if (is_stopped(settings)) break;
    const std::uint64_t program = programs.in_turn(i);
    scenario.threads = programs.threads_of(program);
    subject.threads_change();
    if (subject.held_bytes() > settings.memory_bytes) subject.forget();
    const std::uint64_t room = settings.schedules - report.schedules;
    each.schedules = settings.schedules_each == 0 ? room : std::min(settings.schedules_each, room);
    ExploreReport of;
    const Errc error = explore_on(subject, each, of, reason, &within);
    if (error != Errc::kOk) return error;
    // Interrupted before its first schedule: it was not begun.
    if (of.schedules == 0 && is_stopped(settings)) break;
    ++report.programs;
    report.schedules += of.schedules;
    report.abandoned += of.abandoned;
    report.classes += of.classes;
    report.steps += of.steps;
    report.largest = std::max(report.largest, of.classes);
    if (of.findings() != 0) {
      ++report.violated;
      if (report.first.size() < settings.most_findings && !of.first.empty())
        report.first.push_back(
            {program, programs.sequences_of(program), std::move(of.first.front())});
    } else if (of.complete) {
      ++report.complete;
    }
    report.memory_full = of.memory_full;
    if (of.memory_full || of.gave_up) break;
    if (watcher != nullptr && report.programs % kBetweenPrograms == 0) within.progress(0, 0, 0);
  }
  return Errc::kOk;
}

}  // namespace pagebox::inline PAGEBOX_ENV
