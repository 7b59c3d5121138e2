#include "explore/explore.h"

#include <algorithm>

#include "explore/places.h"
#include "explore/strategies/by_name.h"
#include "explore/strategies/replay.h"
#include "explore/subject.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Where a schedule that ends badly keeps its machine for good.
constexpr unsigned kMostKeptMachines = 64;
/// Runs between two words to who watches.
constexpr std::uint64_t kBetweenProgress = 64;

std::string allowed(const ExploreLimit& limit) {
  return std::string(limit.name) + ": " + std::to_string(limit.min) + " to " +
         std::to_string(limit.max);
}
bool holds(const ExploreLimit& limit, std::uint64_t value) {
  return value >= limit.min && value <= limit.max;
}

}  // namespace

std::string check_settings(const ExploreSettings& settings) {
  namespace limits = explore_limits;
  if (make_strategy(settings.strategy, 0) == nullptr) {
    std::string names;
    for (const std::string_view name : kStrategyNames)
      names += (names.empty() ? "" : ", ") + std::string(name);
    return "strategy: " + names;
  }
  if (settings.strategy != kStrategyNames[0] && settings.schedules_each != 0)
    return "samplesEach: 0, as " + settings.strategy + " explores one program";
  if (!holds(limits::kSteps, settings.max_steps)) return allowed(limits::kSteps);
  if (settings.scenario != nullptr) {
    if (!holds(limits::kThreads, settings.scenario->threads.size()))
      return allowed(limits::kThreads);
    std::string text;
    return check_scenario(*settings.scenario, text) == Errc::kOk ? "" : text;
  }
  if (!holds(limits::kThreads, settings.threads)) return allowed(limits::kThreads);
  if (!holds(limits::kOps, settings.ops)) return allowed(limits::kOps);
  if (!is_valid(settings.random)) return "processes, buffers or pages out of range";
  if (settings.mixes.empty()) return "mix: none";
  for (const OpMix& each : settings.mixes)
    if (each.sum() == 0) return "mix: no weight above 0";
  return "";
}

namespace {

class Exploration {
 public:
  Exploration(const ExploreSettings& settings, ExploreReport& report, std::string* reason,
              ExploreWatcher* watcher)
      : settings_(settings),
        report_(report),
        reason_(reason),
        watcher_(watcher),
        subject_(settings),
        strategy_(make_strategy(settings.strategy, settings.seed)) {
    hashes_.reserve(std::min<std::uint64_t>(settings.schedules, kMaxScheduleHashes));
  }

  Errc run() {
    Errc error = Errc::kOk;
    // A strategy may abandon many for each that it runs to the end.
    for (std::uint64_t run = settings_.first_run; report_.schedules < settings_.schedules; ++run) {
      if (settings_.stop != nullptr && *settings_.stop != 0) break;
      if (!strategy_->begin(run)) {
        report_.complete = strategy_->is_complete();
        break;
      }
      error = run_one(run);
      if (error != Errc::kOk) break;
      report_.gave_up = !subject_.restores() && subject_.abandoned() >= kMostKeptMachines;
      if (report_.gave_up) break;
    }
    std::sort(hashes_.begin(), hashes_.end());
    report_.distinct =
        static_cast<std::uint64_t>(std::unique(hashes_.begin(), hashes_.end()) - hashes_.begin());
    report_.restored = subject_.restores();
    if (error == Errc::kIntr) error = Errc::kOk;  // told to stop: what there is counts
    return error;
  }

 private:
  Errc run_one(std::uint64_t run) {
    Finding finding;
    Subject::Ran ran;
    const Errc error = subject_.run(run, *strategy_, false, finding, ran, reason_);
    if (error != Errc::kOk) return error;
    if (finding.outcome == Outcome::kAbandoned) {
      ++report_.abandoned;
      return Errc::kOk;
    }
    report_.steps += ran.steps;
    report_.ops += ran.ops;
    report_.hash = add_to_hash(add_to_hash(report_.hash, finding.schedule_hash), ran.hash);
    ++report_.schedules;
    ++report_.outcomes[static_cast<unsigned>(finding.outcome)];
    if (hashes_.size() < kMaxScheduleHashes) hashes_.push_back(finding.schedule_hash);
    if (watcher_ != nullptr && report_.schedules % kBetweenProgress == 0)
      watcher_->progress(report_.schedules);
    if (finding.outcome == Outcome::kClean || report_.first.size() >= settings_.most_findings)
      return Errc::kOk;
    return tell(finding);
  }

  /// The schedule once more, with all that is written down of it.
  Errc tell(Finding& finding) {
    Finding traced;
    std::vector<ExploreStep> steps;
    std::function<void(const Step&)> told;
    if (settings_.steps)
      told = [&](const Step& step) {
        steps.push_back(subject_.describe(step, traced.trace.size()));
      };
    ReplayStrategy again(finding.choices, std::move(told));
    (void)again.begin(finding.run);
    Subject::Ran aside;
    const Errc error = subject_.run(finding.run, again, true, traced, aside, reason_);
    if (error != Errc::kOk && error != Errc::kIntr) return error;
    if (error == Errc::kOk) {
      finding.trace = std::move(traced.trace);
      finding.steps = std::move(steps);
    }
    report_.first.push_back(std::move(finding));
    if (watcher_ != nullptr) watcher_->found(report_.first.back());
    return error;
  }

  const ExploreSettings& settings_;
  ExploreReport& report_;
  std::string* reason_;
  ExploreWatcher* watcher_;
  Subject subject_;
  std::unique_ptr<Strategy> strategy_;
  std::vector<std::uint64_t> hashes_;
};

}  // namespace

Errc explore(const ExploreSettings& settings, ExploreReport& report, std::string* reason,
             ExploreWatcher* watcher) {
  report = {};
  if (const std::string wrong = check_settings(settings); !wrong.empty()) {
    if (reason != nullptr) *reason = wrong;
    return Errc::kInval;
  }
  return Exploration(settings, report, reason, watcher).run();
}

}  // namespace pagebox::inline PAGEBOX_ENV
