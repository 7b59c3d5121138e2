#include "base/retry.h"

#include <algorithm>

#include "base/turns.h"

#ifdef PAGEBOX_MODEL
#include "base/model/model_run.h"
#endif

namespace pagebox::inline PAGEBOX_ENV {

[[gnu::tls_model("initial-exec")]] constinit thread_local Patience* active_patience = nullptr;

namespace {

/// Once something was given up, waiting for more helps nobody.
constexpr unsigned kLostMs = 100;

bool scheduler_bounds_it() {
#ifdef PAGEBOX_MODEL
  return in_run();
#else
  return false;
#endif
}

unsigned limit_ms() {
  if (active_patience != nullptr) {
    const unsigned limit = active_patience->limit_ms();
    return active_patience->is_lost() ? std::min(limit, kLostMs) : limit;
  }
  return kModel ? Patience::kAlone : Retry::kUnaskedMs;
}

}  // namespace

PatienceScope::PatienceScope(Patience& patience) : outer_(active_patience) {
  active_patience = &patience;
}

PatienceScope::~PatienceScope() { active_patience = outer_; }

void tell_gave_up(const GaveUp& what) {
  if (active_patience == nullptr) return;
  active_patience->lost_ = true;
  active_patience->gave_up(what);
}

bool Retry::give_up() {
  if (what_ != nullptr) tell_gave_up({what_, at_});
  return false;
}

bool Retry::ask() {
  if (scheduler_bounds_it() || Turns::pass()) return true;
  const unsigned limit = limit_ms();
  // What an operation gave up first is the cause of the rest.
  if (active_patience != nullptr && active_patience->is_lost() && until_ == Until::kLimit)
    return false;
  if (limit == Patience::kAlone) return give_up();
  // By naps instead of a clock: a process that stood still has not waited.
  nap();
  waited_ms_ += kNapMs;
  return until_ == Until::kHolder || waited_ms_ < limit || give_up();
}

bool Retry::wait_on(const std::uint32_t* at, std::uint32_t expected) {
  return sleep(at, expected) != Sleep::kGaveUp;
}

bool Retry::wait_while(const std::uint32_t* at, std::uint32_t expected) {
  Sleep last = Sleep::kOn;
  while (last == Sleep::kOn) last = sleep(at, expected);
  return last == Sleep::kEnded;
}

/// kOn: the time of one sleep was over before anything happened.
Retry::Sleep Retry::sleep(const std::uint32_t* at, std::uint32_t expected) {
  if (scheduler_bounds_it()) {
    pagebox::wait_on(at, expected);
    return Sleep::kEnded;
  }
  if (Turns::pass()) return Sleep::kEnded;
  const auto or_give_up = [this](bool ended, Sleep then) {
    if (ended) return then;
    give_up();
    return Sleep::kGaveUp;
  };
  if (limit_ms() == Patience::kAlone)
    return or_give_up(__atomic_load_n(at, __ATOMIC_SEQ_CST) != expected, Sleep::kEnded);
  // Who was woken has seen another go on, though it may have come too late.
  if (sleep_on(at, expected)) return Sleep::kEnded;
  waited_ms_ += kSleepMs;
  return or_give_up(until_ == Until::kHolder || waited_ms_ < limit_ms(), Sleep::kOn);
}

}  // namespace pagebox::inline PAGEBOX_ENV
