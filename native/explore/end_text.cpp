#include "explore/end_text.h"

#include "explore/places.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

std::string thread_name(FiberId fiber, unsigned threads) {
  if (fiber < threads) return "thread " + std::to_string(fiber + 1);
  return "helper " + std::to_string(fiber + 1 - threads);  // RCU's callbacks
}

}  // namespace

std::string end_text(const RunOutcome& outcome, unsigned threads, const Places& places) {
  const auto doing = [&](FiberId fiber) {
    const PendingAccess& what = outcome.pending[fiber];
    const std::string place = places.name(what.at);
    return std::string(access_name(what.access)) + (place.empty() ? "" : " of " + place);
  };
  switch (outcome.end) {
    case Outcome::kAssertion:
      return std::string(outcome.file) + ":" + std::to_string(outcome.line) + ": " + outcome.text;
    case Outcome::kDeadlock: {
      std::string text = "asleep:";
      for (FiberId fiber = 0; fiber < kMaxFibers; ++fiber)
        if ((outcome.sleeping & fiber_bit(fiber)) != 0)
          text += (text.back() == ':' ? " " : ", ") + thread_name(fiber, threads) + " on " +
                  places.name(outcome.pending[fiber].at);
      return text;
    }
    case Outcome::kDataRace:
      return thread_name(outcome.fiber, threads) + ", " + doing(outcome.fiber) +
             ", not ordered after an access of " + thread_name(outcome.other, threads);
    case Outcome::kUseAfterFree:
      return thread_name(outcome.fiber, threads) + ", " + doing(outcome.fiber) + ", which " +
             thread_name(outcome.other, threads) + " has freed";
    case Outcome::kLimit:
      return "not at its end after the limit of " + std::to_string(outcome.steps) + " steps" +
             (outcome.fiber == kNoFiber
                  ? ""
                  : "; " + thread_name(outcome.fiber, threads) + ", " + doing(outcome.fiber));
    default:
      if (outcome.fiber == kNoFiber) return "";
      return thread_name(outcome.fiber, threads) + ", " + doing(outcome.fiber);
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
