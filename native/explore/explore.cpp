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

/// Empty: nothing is wrong.
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
  if (!holds(limits::kMemory, settings.memory_bytes)) return allowed(limits::kMemory);
  if (settings.scenario != nullptr) {
    if (!holds(limits::kThreads, settings.scenario->threads.size()))
      return allowed(limits::kThreads);
    std::string text;
    return check_scenario(*settings.scenario, text) == Errc::kOk ? "" : text;
  }
  const bool on_folios = settings.random.folios != 0;
  const ExploreLimit& threads = on_folios ? limits::kPinThreads : limits::kThreads;
  const ExploreLimit& ops = on_folios ? limits::kPinOps : limits::kOps;
  if (!holds(threads, settings.threads)) return allowed(threads);
  if (!holds(ops, settings.ops)) return allowed(ops);
  if (!is_valid(settings.random)) return "processes, buffers or pages out of range";
  if (settings.mixes.empty()) return "mix: none";
  for (const OpMix& each : settings.mixes)
    if (each.sum() == 0) return "mix: no weight above 0";
  if (!on_folios) return "";
  if (!holds(limits::kPinFolios, settings.random.folios)) return allowed(limits::kPinFolios);
  if (!holds(limits::kPinOrder, settings.random.order)) return allowed(limits::kPinOrder);
  for (const OpMix& each : settings.mixes)
    for (unsigned slot = 0; slot < kMixSlots; ++slot)
      if (each.weights[slot] != 0 && !(slot < kOpCodes && is_page_op(static_cast<OpCode>(slot))))
        return "mix: on folios no other operations than those on pages, not " +
               std::string(mix_name(slot));
  return "";
}

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
      if (++runs_ % kBetweenProgress == 0 && !has_room()) {
        report_.memory_full = true;
        break;
      }
    }
    std::sort(hashes_.begin(), hashes_.end());
    report_.distinct =
        static_cast<std::uint64_t>(std::unique(hashes_.begin(), hashes_.end()) - hashes_.begin());
    report_.restored = subject_.restores();
    if (error == Errc::kIntr) error = Errc::kOk;  // told to stop: what there is counts
    return error;
  }

 private:
  /// Verdicts go first: they only save time.
  bool has_room() {
    const auto held = [this] {
      return hashes_.size() * sizeof(std::uint64_t) + told_bytes_ + strategy_->held_bytes() +
             subject_.held_bytes();
    };
    if (held() <= settings_.memory_bytes) return true;
    subject_.forget();
    return held() <= settings_.memory_bytes;
  }

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
        steps.push_back({step.fiber + std::uint64_t{1}, std::string(access_name(step.what.access)),
                         subject_.place_name(step.what.at), step.has_values, step.before,
                         step.after});
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
    told_bytes_ += finding.steps.capacity() * sizeof(ExploreStep) + finding.choices.capacity();
    for (const std::string& line : finding.trace) told_bytes_ += sizeof line + line.capacity();
    for (const ExploreStep& step : finding.steps)
      told_bytes_ += step.access.capacity() + step.place.capacity();
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
  std::uint64_t runs_ = 0, told_bytes_ = 0;
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
