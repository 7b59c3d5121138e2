// How a loop over shared memory ends. What it looks for comes from another thread, or
// never: a pin scheme may have counted over a lock's word, a page's count or the name
// of its swap slot. So every loop that tries again or sleeps asks a Retry, and gives up
// with an error when the run says that it has waited long enough.
//
// In a run of the model the scheduler bounds everything, and a Retry only says yes: a
// schedule stays a function of its choices. It is told of each try, and ends a run in which
// everybody tries in vain (Outcome::kLivelock). Outside a run nobody else goes on: what is
// not there will not come.
#pragma once

#include <cstdint>

#include "base/env.h"
#include "base/sched.h"

namespace pagebox::inline PAGEBOX_ENV {

/// What a loop waited for in vain.
struct GaveUp {
  const char* what = "";     ///< "the lock of a folio"
  const void* at = nullptr;  ///< in the page's descriptor, or the page's frame; null: no page
  bool counted = false;      ///< it waited for a count to become `expected`
  std::int64_t expected = 0, found = 0;
};

/// What a run tells the loops of a thread, and hears from them.
class Patience {
 public:
  virtual ~Patience() = default;
  /// How long a loop may go on without what it looks for; kAlone: nobody else runs.
  /// Called now and then by loops that have to wait, from their own thread.
  virtual unsigned limit_ms() const = 0;
  static constexpr unsigned kAlone = 0;
  virtual void gave_up(const GaveUp& what) = 0;

  /// A loop of this operation has given up: no other loop of it goes on for long.
  bool is_lost() const { return lost_; }
  void begin_operation() { lost_ = false; }

 private:
  friend void tell_gave_up(const GaveUp& what);
  bool lost_ = false;
};
/// That of the calling OS thread. As the model's active scheduler it has no other way
/// to where it is needed: wait_on() and locks have no argument that could carry it. Only
/// loops that have to try again read it.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local Patience* active_patience;

/// The Patience of the calling OS thread while it lives; scopes nest. Without one a
/// loop gives up after kUnaskedMs and nobody hears of it.
class [[nodiscard]] PatienceScope {
 public:
  explicit PatienceScope(Patience& patience);
  ~PatienceScope();
  PatienceScope(const PatienceScope&) = delete;
  PatienceScope& operator=(const PatienceScope&) = delete;

 private:
  Patience* const outer_;
};

/// Tells the thread's run about a wait that was given up without a Retry.
void tell_gave_up(const GaveUp& what);

/// One loop. `for (Retry retry("…");;) { …; if (!retry.again()) return Errc::kLivelock; }`
/// A first try costs nothing but the object.
class Retry {
 public:
  enum class Until : std::uint8_t {
    kLimit,   ///< as the run's Patience says
    kHolder,  ///< a lock in memory that no scheme writes: its holder's loops all end
  };
  /// `what` null: the caller tells (tell_gave_up).
  explicit Retry(const char* what, const void* at = nullptr, Until until = Until::kLimit)
      : what_(what), at_(at), until_(until) {}

#ifdef PAGEBOX_MODEL
  ~Retry() {
    if (tries_ != 0 && until_ == Until::kLimit) got_on();
  }
  Retry(const Retry&) = delete;
  Retry& operator=(const Retry&) = delete;
#endif

  /// False: give up; the run has been told.
  bool again() {
#ifdef PAGEBOX_MODEL
    if (until_ == Until::kLimit) tried_again();
#endif
    const bool lost = active_patience != nullptr && active_patience->is_lost();
    if (++tries_ % kTriesBetween != 0 && !lost) [[likely]]
      return true;
    return ask();
  }
  /// The same for a loop that does nothing but look: lets others go on first.
  bool pause() {
    cpu_relax();
#ifndef PAGEBOX_MODEL
    if (tries_ % 128 == 127) yield_turn();
#endif
    return again();
  }
  /// Sleeps until `wake(at)`, unless `*at != expected`; may return early.
  bool wait_on(const std::uint32_t* at, std::uint32_t expected);
  /// Sleeps on until somebody wakes or `*at` is another: only the system looks there, for
  /// memory that may be somebody else's by now.
  bool wait_while(const std::uint32_t* at, std::uint32_t expected);
  /// For loops that find out only now which page they are about: where that costs
  /// something, when `asks_next()`.
  void looks_at(const void* at) { at_ = at; }
  bool asks_next() const { return tries_ % kTriesBetween == kTriesBetween - 1; }

  static constexpr unsigned kUnaskedMs = 2000;

 private:
  static constexpr std::uint32_t kTriesBetween = 256;
  enum class Sleep : std::uint8_t { kEnded, kOn, kGaveUp };
  bool ask();
  Sleep sleep(const std::uint32_t* at, std::uint32_t expected);
  bool give_up();

  const char* what_;
  const void* at_;
  std::uint32_t tries_ = 0;
  unsigned waited_ms_ = 0;  // of naps and sleeps that nobody ended
  Until until_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
