#include "engine/scenario/stop_gate.h"

#include <algorithm>

#include "base/turns.h"

namespace pagebox::inline PAGEBOX_ENV {

StopGate::StopGate(unsigned threads) {
  states_ = std::vector<State>(threads + 1, State::kRuns);
  runs_ = std::vector<std::uint64_t>(threads + 1);
}

void StopGate::set(unsigned thread, State state) { states_.edit(thread) = state; }

std::ptrdiff_t StopGate::count(State state) const {
  const std::vector<State>& states = states_;
  return std::count(states.begin() + 1, states.end(), state);
}

void StopGate::changed() {
  (void)changes_.fetch_add(1);
  wake(changes_.address());
  Turns::progressed();
}

bool StopGate::wait(Retry& retry, std::uint32_t seen) {
  return retry.wait_on(changes_.address(), seen);
}

/// When all are idle: the first that stands goes on, unless somebody is here to resume it.
void StopGate::settle() {
  if (count(State::kRuns) == 0 && count(State::kResumes) == 0) (void)let_first_go();
}

/// Zero: nobody stands.
unsigned StopGate::let_first_go() {
  if (standing_.empty()) return 0;
  const unsigned first = standing_.front();
  standing_.erase(standing_.begin());
  set(first, State::kRuns);
  return first;
}

bool StopGate::release_one() {
  unsigned whom = 0;
  {
    Guard guard(lock_);
    whom = let_first_go();
  }
  if (whom != 0) changed();
  return whom != 0;
}

void StopGate::stop(unsigned thread) {
  {
    Guard guard(lock_);
    ++runs_.edit(thread);
    set(thread, State::kStands);
    standing_.push_back(thread);
    settle();
  }
  changed();
  for (Retry retry("a resume");;) {
    const std::uint32_t seen = changes_.load();
    {
      Guard guard(lock_);
      if (states_[thread] != State::kStands) return;
    }
    if (wait(retry, seen)) continue;
    Guard guard(lock_);  // given up: it goes on
    standing_.erase_value(thread);
    set(thread, State::kRuns);
    return;
  }
}

void StopGate::ended(unsigned thread) {
  {
    Guard guard(lock_);
    ++runs_.edit(thread);
  }
  changed();
}

Errc StopGate::resume(unsigned thread) {
  {
    Guard guard(lock_);
    set(thread, State::kResumes);
  }
  changed();
  unsigned whom = 0;
  std::uint64_t runs = 0;
  Errc error = Errc::kOk;
  for (Retry retry("somebody to resume");;) {
    const std::uint32_t seen = changes_.load();
    bool found = false;
    {
      Guard guard(lock_);
      if (whom != 0) {
        if (runs_[whom] != runs) break;
      } else if (whom = let_first_go(); whom != 0) {
        found = true;
        runs = runs_[whom];
      } else if (count(State::kRuns) == 0) {
        error = Errc::kNoEnt;
        break;
      }
    }
    if (found) {
      changed();
      continue;
    }
    if (wait(retry, seen)) continue;
    error = Errc::kLivelock;
    break;
  }
  {
    Guard guard(lock_);
    set(thread, State::kRuns);
  }
  changed();
  return error;
}

void StopGate::waits(unsigned thread) { leave(thread, State::kWaits); }
void StopGate::done(unsigned thread) { leave(thread, State::kDone); }

void StopGate::leave(unsigned thread, State state) {
  {
    Guard guard(lock_);
    set(thread, state);
    settle();
  }
  changed();
}

// The first who is past the barrier says so for all: none of them is idle any more.
void StopGate::passed() {
  Guard guard(lock_);
  for (unsigned i = 1; i < states_.size(); ++i)
    if (states_[i] == State::kWaits) set(i, State::kRuns);
}

}  // namespace pagebox::inline PAGEBOX_ENV
