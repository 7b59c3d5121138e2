#include "explore/replay.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <optional>
#include <utility>

#include "explore/strategies/guided.h"
#include "explore/strategies/replay.h"
#include "explore/subject.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

constexpr unsigned kMostRuns = 1U << 16;
/// Of all of them: some seconds, also where one schedule is long.
constexpr std::uint64_t kMostStepsOfAll = std::uint64_t{1} << 25;
/// The last ones, of a schedule.
constexpr std::size_t kMostSteps = std::size_t{1} << 13;

/// One fiber's choices in a row.
struct Turn {
  FiberId fiber = kNoFiber;
  std::size_t choices = 0;
};

std::vector<Turn> turns_of(std::span<const FiberId> choices) {
  std::vector<Turn> turns;
  for (const FiberId fiber : choices) {
    if (turns.empty() || turns.back().fiber != fiber) turns.push_back({fiber, 0});
    ++turns.back().choices;
  }
  return turns;
}

std::vector<FiberId> choices_of(std::span<const Turn> turns) {
  std::vector<FiberId> choices;
  for (const Turn& turn : turns) choices.insert(choices.end(), turn.choices, turn.fiber);
  return choices;
}

class Shrinking {
 public:
  Shrinking(const ExploreSettings& settings, std::string* reason)
      : settings_(settings), reason_(reason), subject_(settings) {}

  Errc begin(std::span<const FiberId> choices) { return run(choices, best_); }
  bool is_bad() const { return best_.finding.outcome != Outcome::kClean; }

  Errc shrink() {
    for (bool again = true; again;) {
      again = false;
      for (const auto pass : {&Shrinking::shorten, &Shrinking::postpone, &Shrinking::leave_out}) {
        bool better = false;
        if (const Errc error = (this->*pass)(better); error != Errc::kOk) return error;
        again = again || better;
      }
    }
    return Errc::kOk;
  }
  const std::vector<FiberId>& choices() const { return best_.finding.choices; }

 private:
  struct Ran {
    Finding finding;
    std::uint64_t switches = 0;
    std::pair<std::uint64_t, std::size_t> size() const {
      return {switches, finding.choices.size()};
    }
  };

  Errc run(std::span<const FiberId> choices, Ran& out) {
    GuidedStrategy strategy(choices);
    (void)strategy.begin(settings_.first_run);
    Subject::Ran ran;
    out = {};
    const Errc error =
        subject_.run(settings_.first_run, strategy, false, out.finding, ran, reason_);
    out.switches = ran.switches;
    steps_ += ran.steps;
    return error;
  }

  /// Ends as the first one does; of assertions it is the same one.
  bool is_same(const Finding& finding) const {
    return finding.outcome == best_.finding.outcome &&
           invariant_of(finding) == invariant_of(best_.finding) &&
           (finding.outcome != Outcome::kAssertion || finding.text == best_.finding.text);
  }

  /// `better`: it is the best from now on.
  Errc attempt(std::span<const FiberId> choices, bool& better) {
    better = false;
    if (++runs_ > kMostRuns || steps_ > kMostStepsOfAll || subject_.keeps_too_many())
      return Errc::kOk;
    Ran ran;
    if (const Errc error = run(choices, ran); error != Errc::kOk) return error;
    better = is_same(ran.finding) && ran.size() < best_.size();
    if (better) best_ = std::move(ran);
    return Errc::kOk;
  }

  /// The shortest beginning after which it comes by itself.
  Errc shorten(bool& better) {
    const std::vector<FiberId> whole = best_.finding.choices;
    for (std::size_t length = 0; length < whole.size() && !better; ++length)
      if (const Errc error = attempt(std::span(whole).first(length), better); error != Errc::kOk)
        return error;
    return Errc::kOk;
  }

  /// A turn waits until the fiber before it has had its next one, too.
  Errc postpone(bool& better) {
    return change(better, [](std::vector<Turn>& turns, std::size_t at) {
      if (at == 0 || at + 1 >= turns.size()) return false;
      std::swap(turns[at], turns[at + 1]);
      return true;
    });
  }
  Errc leave_out(bool& better) {
    return change(better, [](std::vector<Turn>& turns, std::size_t at) {
      turns.erase(turns.begin() + static_cast<std::ptrdiff_t>(at));
      return true;
    });
  }

  template <class Change>
  Errc change(bool& better, Change make) {
    for (std::size_t at = 0;;) {
      const std::vector<Turn> turns = turns_of(best_.finding.choices);
      if (at >= turns.size()) return Errc::kOk;
      std::vector<Turn> changed = turns;
      bool is_better = false;
      if (make(changed, at))
        if (const Errc error = attempt(choices_of(changed), is_better); error != Errc::kOk)
          return error;
      better = better || is_better;
      if (!is_better) ++at;
    }
  }

  const ExploreSettings& settings_;
  std::string* reason_;
  Subject subject_;
  Ran best_;
  unsigned runs_ = 0;
  std::uint64_t steps_ = 0;
};

Errc refuse(const ExploreSettings& settings, std::string* reason) {
  const std::string wrong = check_settings(settings);
  if (wrong.empty()) return Errc::kOk;
  if (reason != nullptr) *reason = wrong;
  return Errc::kInval;
}

}  // namespace

Errc replay_on(Subject& subject, std::uint64_t run, std::span<const FiberId> choices,
               std::size_t most_steps, Replayed& out, std::string* reason) {
  Finding traced;
  std::deque<ExploreStep> steps;
  std::function<void(const Step&)> told;
  if (most_steps != 0)
    told = [&](const Step& step) {
      // Of one that does not end, how it does not.
      if (steps.size() == most_steps) {
        steps.pop_front();
        ++out.skipped;
      }
      steps.push_back(subject.describe(step, traced.trace.size()));
    };
  ReplayStrategy strategy(choices, std::move(told));
  (void)strategy.begin(run);
  Subject::Ran ran;
  const Errc error = subject.run(run, strategy, true, traced, ran, reason);
  if (error != Errc::kOk) return error;
  traced.steps.assign(std::make_move_iterator(steps.begin()), std::make_move_iterator(steps.end()));
  out.finding = std::move(traced);
  out.switches = ran.switches;
  out.differs = strategy.differs();
  return Errc::kOk;
}

Errc replay(const ExploreSettings& settings, std::span<const FiberId> choices, Replayed& out,
            std::string* reason) {
  out = {};
  if (const Errc error = refuse(settings, reason); error != Errc::kOk) return error;
  Subject subject(settings);
  return replay_on(subject, settings.first_run, choices, settings.steps ? kMostSteps : 0, out,
                   reason);
}

Errc shrink_schedule(const ExploreSettings& settings, std::span<const FiberId> choices,
                     Replayed& out, std::string* reason) {
  out = {};
  if (const Errc error = refuse(settings, reason); error != Errc::kOk) return error;
  Shrinking shrinking(settings, reason);
  if (const Errc error = shrinking.begin(choices); error != Errc::kOk) return error;
  // Told to stop: what there is by then counts.
  if (shrinking.is_bad())
    if (const Errc error = shrinking.shrink(); error != Errc::kOk && error != Errc::kIntr)
      return error;
  ExploreSettings to_the_end = settings;
  to_the_end.stop = nullptr;
  return replay(to_the_end, shrinking.choices(), out, reason);
}

}  // namespace pagebox::inline PAGEBOX_ENV
