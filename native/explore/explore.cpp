#include "explore/explore.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "engine/scenario/guarantee.h"
#include "engine/scenario/scenario_ops.h"
#include "explore/replay.h"
#include "explore/strategies/by_name.h"
#include "explore/strategies/pilot.h"
#include "explore/subject.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

/// Of each kind of bad end the first is told, as far as that.
constexpr std::size_t kMostKinds = 64;
/// Runs between two words to who watches.
constexpr std::uint64_t kBetweenProgress = 64;

StrategySettings strategy_of(const ExploreSettings& settings) {
  return {.name = settings.strategy,
          .seed = settings.seed,
          .bound = settings.bound,
          .depth = settings.depth,
          .one_program = settings.schedules_each == 0,
          .schedules = settings.schedules,
          .first_run = settings.first_run,
          .shard = settings.shard,
          .shards = settings.shards};
}

}  // namespace

std::string check_settings(const ExploreSettings& settings) {
  namespace limits = explore_limits;
  if (std::string wrong = check_strategy(strategy_of(settings)); !wrong.empty()) return wrong;
  if (!limits::kSteps.holds(settings.max_steps)) return limits::kSteps.text();
  if (!limits::kMemory.holds(settings.memory_bytes)) return limits::kMemory.text();
  if (settings.scenario != nullptr) {
    if (!limits::kThreads.holds(settings.scenario->threads.size())) return limits::kThreads.text();
    std::string text;
    if (check_scenario(*settings.scenario, text) != Errc::kOk) return text;
    for (const std::string& name : settings.fields)
      if (std::ranges::find(settings.layout.fields, name, &Field::name) ==
          settings.layout.fields.end())
        return "outcomes: descriptors of " + settings.layout.name + " have no field '" + name + "'";
    if (settings.outcomes != 0 &&
        count_ops(*settings.scenario) - count_ops(settings.scenario->setup) > kMostSeenOps)
      return "outcomes: of at most " + std::to_string(kMostSeenOps) + " operations";
    return "";
  }
  if (settings.outcomes != 0) return "outcomes: of operations that were written down, not drawn";
  const bool on_folios = settings.random.folios != 0;
  const ExploreLimit& threads = on_folios ? limits::kPinThreads : limits::kThreads;
  const ExploreLimit& ops = on_folios ? limits::kPinOps : limits::kOps;
  if (!threads.holds(settings.threads)) return threads.text();
  if (!ops.holds(settings.ops)) return ops.text();
  if (!is_valid(settings.random)) return "processes, buffers or pages out of range";
  if (settings.mixes.empty()) return "mix: none";
  for (const OpMix& each : settings.mixes)
    if (each.sum() == 0) return "mix: no weight above 0";
  if (!on_folios) return "";
  if (!limits::kPinFolios.holds(settings.random.folios)) return limits::kPinFolios.text();
  if (!limits::kPinOrder.holds(settings.random.order)) return limits::kPinOrder.text();
  for (const OpMix& each : settings.mixes)
    for (unsigned slot = 0; slot < kMixSlots; ++slot)
      if (each.weights[slot] != 0 && !(slot < kOpCodes && is_page_op(static_cast<OpCode>(slot))))
        return "mix: on folios no other operations than those on pages, not " +
               std::string(mix_name(slot));
  return "";
}

namespace {

class Exploration {
 public:
  Exploration(Subject& subject, const ExploreSettings& settings, ExploreReport& report,
              std::string* reason, ExploreWatcher* watcher)
      : settings_(settings),
        report_(report),
        reason_(reason),
        watcher_(watcher),
        subject_(subject),
        strategy_(make_strategy(strategy_of(settings))) {
    if (!settings.count_distinct) return;
    hashes_.reserve(std::min<std::uint64_t>(settings.schedules, kMaxScheduleHashes));
  }

  Errc run() {
    Errc error = Errc::kOk;
    // A strategy may abandon many for each that it runs to the end.
    for (std::uint64_t run = settings_.first_run; report_.schedules < settings_.schedules; ++run) {
      if (settings_.stop != nullptr && *settings_.stop != 0) break;
      if (!subject_.restores()) strategy_->places_move();
      if (strategy_->wants_pilot(run)) error = measure(run);
      if (error != Errc::kOk || !strategy_->begin(run)) break;
      error = run_one(run);
      if (error != Errc::kOk) break;
      if (settings_.stop_at_first && report_.findings() != 0) break;
      report_.gave_up = subject_.keeps_too_many();
      if (report_.gave_up) break;
      if (++runs_ % kBetweenProgress == 0 && !has_room()) {
        report_.memory_full = true;
        break;
      }
    }
    std::sort(hashes_.begin(), hashes_.end());
    report_.distinct =
        static_cast<std::uint64_t>(std::unique(hashes_.begin(), hashes_.end()) - hashes_.begin());
    if (settings_.tell_hashes)
      report_.hashes.assign(hashes_.begin(),
                            hashes_.begin() + static_cast<std::ptrdiff_t>(report_.distinct));
    report_.restored = subject_.restores();
    assess();
    list_seen();
    if (error == Errc::kIntr) error = Errc::kOk;  // told to stop: what there is counts
    return error;
  }

 private:
  std::uint64_t program_of(std::uint64_t run) const {
    return settings_.schedules_each == 0 ? 0 : run / settings_.schedules_each;
  }

  /// A pilot of the run's program, unless it has been one already; programs that are soon
  /// over are taken to be like the first.
  Errc measure(std::uint64_t run) {
    constexpr std::uint64_t kSoonOver = 8;
    const std::uint64_t program = program_of(run);
    if (piloted_ && (settings_.schedules_each < kSoonOver || *piloted_ == program))
      return Errc::kOk;
    piloted_ = program;
    PilotStrategy strategy(add_to_hash(settings_.seed, program));
    Finding aside;
    Subject::Ran ran;
    (void)strategy.begin(run);
    if (const Errc error = subject_.run(run, strategy, false, aside, ran, reason_);
        error != Errc::kOk)
      return error;
    const Pilot pilot = strategy.take();
    worth_.fibers = std::max(worth_.fibers, pilot.fibers);
    worth_.steps = std::max(worth_.steps, pilot.all_steps);
    strategy_->learn(pilot);
    return Errc::kOk;
  }

  void assess() {
    report_.complete = strategy_->is_complete();
    report_.explored = strategy_->explored();
    report_.estimate = estimate_of(report_.classes, report_.explored);
    report_.bound_done = strategy_->bound_done();
    worth_.schedules = report_.schedules;
    worth_.classes = report_.classes;
    worth_.complete = report_.complete;
    worth_.estimate = report_.estimate;
    worth_.bound_done = report_.bound_done;
    worth_.bounded = settings_.bound.has_value();
    worth_.depth = settings_.depth;
    if (settings_.schedules_each != 0 && report_.schedules != 0)
      worth_.programs = program_of(settings_.first_run + report_.schedules - 1) -
                        program_of(settings_.first_run) + 1;
    report_.guarantee = guarantee_text(worth_);
    report_.missed_at_most = report_.complete ? -1 : missed_at_most(worth_);
    report_.worth = worth_;
  }

  /// Beyond the room for them, those that are there are still counted.
  void count_seen(const Finding& finding) {
    if (finding.results.empty()) return;
    const auto known = seen_.find(finding.results);
    if (known != seen_.end()) {
      ExploreSeen& seen = known->second;
      ++seen.schedules;
      if (is_shorter(finding, seen)) keep(finding, seen);
      return;
    }
    const std::uint64_t bytes = finding.results.size() + sizeof(ExploreSeen) +
                                finding.choices.size() * sizeof(std::uint64_t);
    if (seen_.size() >= kMostSeen || seen_bytes_ + bytes > settings_.memory_bytes / 2) {
      report_.seen_full = true;
      return;
    }
    seen_bytes_ += bytes;
    ExploreSeen& seen = seen_[finding.results];
    seen.schedules = 1;
    keep(finding, seen);
  }

  /// The same one whatever the order in which schedules were run.
  static bool is_shorter(const Finding& finding, const ExploreSeen& seen) {
    if (finding.choices.size() != seen.choices.size())
      return finding.choices.size() < seen.choices.size();
    const auto order = std::lexicographical_compare_three_way(
        finding.choices.begin(), finding.choices.end(), seen.choices.begin(), seen.choices.end());
    return order != 0 ? order < 0 : finding.program < seen.program;
  }
  static void keep(const Finding& finding, ExploreSeen& seen) {
    seen.run = finding.run;
    seen.program = finding.program;
    seen.choices.assign(finding.choices.begin(), finding.choices.end());
  }

  void list_seen() {
    std::string why;
    for (auto& [bytes, seen] : seen_) {
      (void)read_message(bytes, seen.results, why);
      report_.seen.push_back(std::move(seen));
    }
  }

  /// Verdicts go first: they only save time.
  bool has_room() {
    const auto held = [this] {
      return hashes_.size() * sizeof(std::uint64_t) + told_bytes_ + seen_bytes_ +
             strategy_->held_bytes() + subject_.held_bytes();
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
    const Visit visit = strategy_->visits();
    if (visit == Visit::kNone) return Errc::kOk;
    if (finding.outcome == Outcome::kAbandoned) {
      ++report_.abandoned;
      return Errc::kOk;
    }
    report_.steps += ran.steps;
    report_.ops += ran.ops;
    report_.hash +=
        add_to_hash(add_to_hash(0, visit == Visit::kClass ? 0 : finding.schedule_hash), ran.hash);
    ++report_.schedules;
    count_seen(finding);
    switch (visit) {
      case Visit::kClass: ++report_.classes; break;
      case Visit::kNone:
      case Visit::kSchedule: break;
      case Visit::kDraw: ++worth_.runs_by[strategy_->name()]; break;
    }
    ++report_.outcomes[static_cast<unsigned>(finding.outcome)];
    if (settings_.count_distinct && hashes_.size() < kMaxScheduleHashes)
      hashes_.push_back(finding.schedule_hash);
    if (watcher_ != nullptr && report_.schedules % kBetweenProgress == 0)
      watcher_->progress(report_.schedules, report_.classes, strategy_->explored());
    if (finding.outcome == Outcome::kClean || settings_.most_findings == 0) return Errc::kOk;
    const bool is_new =
        kinds_.size() < kMostKinds && kinds_.emplace(finding.outcome, invariant_of(finding)).second;
    if (!is_new && report_.first.size() >= settings_.most_findings) return Errc::kOk;
    finding.strategy = strategy_->name();
    return tell(finding);
  }

  /// The schedule once more, with all that is written down of it.
  Errc tell(Finding& finding) {
    Replayed again;
    const Errc error = replay_on(subject_, finding.run, finding.choices,
                                 settings_.steps ? kEveryStep : 0, again, reason_);
    if (error != Errc::kOk && error != Errc::kIntr) return error;
    if (error == Errc::kOk) {
      finding.trace = std::move(again.finding.trace);
      finding.steps = std::move(again.finding.steps);
    }
    told_bytes_ += finding.steps.capacity() * sizeof(ExploreStep) + finding.choices.capacity();
    for (const std::string& line : finding.trace)
      told_bytes_ += sizeof(std::string) + line.capacity();
    for (const ExploreStep& step : finding.steps)
      for (const std::string* text : {&step.access, &step.place, &step.before_text,
                                      &step.after_text, &step.lock, &step.lock_event})
        told_bytes_ += text->capacity();
    report_.first.push_back(std::move(finding));
    if (watcher_ != nullptr) watcher_->found(report_.first.back());
    return error;
  }

  const ExploreSettings& settings_;
  ExploreReport& report_;
  std::string* reason_;
  ExploreWatcher* watcher_;
  Subject& subject_;
  std::unique_ptr<Strategy> strategy_;
  Worth worth_;
  std::optional<std::uint64_t> piloted_;  // the program that was measured last
  std::vector<std::uint64_t> hashes_;
  std::set<std::pair<Outcome, std::optional<Invariant>>> kinds_;  // of bad ends, that were told
  std::map<std::vector<std::byte>, ExploreSeen> seen_;            // by their results
  std::uint64_t runs_ = 0, told_bytes_ = 0, seen_bytes_ = 0;
};

}  // namespace

Errc explore(const ExploreSettings& settings, ExploreReport& report, std::string* reason,
             ExploreWatcher* watcher) {
  report = {};
  if (const std::string wrong = check_settings(settings); !wrong.empty()) {
    if (reason != nullptr) *reason = wrong;
    return Errc::kInval;
  }
  Subject subject(settings);
  return Exploration(subject, settings, report, reason, watcher).run();
}

Errc explore_on(Subject& subject, const ExploreSettings& settings, ExploreReport& report,
                std::string* reason, ExploreWatcher* watcher) {
  report = {};
  return Exploration(subject, settings, report, reason, watcher).run();
}

}  // namespace pagebox::inline PAGEBOX_ENV
