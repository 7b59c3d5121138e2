// Where operations that stop at a point wait, and where a `resume` finds them. One for the threads
// of a scenario that has such operations; in the others there is none, and nothing to be seen.
//
//   stop_at   the thread waits at the point, with what it holds there
//   resume    lets the one go on that has stood there longest, and waits until its operation
//             is over, or stands at a point again; while nobody stands, it waits for one
//
// A thread is idle while it stands, waits in a resume or at a barrier, and when it is done. When
// all are idle nobody would ever go on: a resume that waits for nobody fails, and if there is
// none, the first that stands goes on by itself.
#pragma once

#include <cstdint>
#include <vector>

#include "base/atomic.h"
#include "base/errc.h"
#include "base/lock.h"
#include "base/plain.h"
#include "base/retry.h"
#include "mm/op_control.h"

namespace pagebox::inline PAGEBOX_ENV {

class StopGate {
 public:
  /// Threads are numbered from 1.
  explicit StopGate(unsigned threads);
  StopGate(const StopGate&) = delete;
  StopGate& operator=(const StopGate&) = delete;

  void stop(unsigned thread);
  /// Its operation is over.
  void ended(unsigned thread);
  /// kNoEnt: nobody stands at a point, and nobody will.
  Errc resume(unsigned thread);
  /// It begins to wait at the scenario's barrier; one of them is past it.
  void waits(unsigned thread);
  void passed();
  /// Everybody waits, whatever for: the first that stands goes on. False: nobody stands.
  bool release_one();
  /// Its list is over.
  void done(unsigned thread);

 private:
  enum class State : std::uint8_t { kRuns, kStands, kResumes, kWaits, kDone };
  void set(unsigned thread, State state);
  void leave(unsigned thread, State state);
  std::ptrdiff_t count(State state) const;
  void settle();
  unsigned let_first_go();
  void changed();
  /// Sleeps until something has changed since `seen`. False: given up.
  bool wait(Retry& retry, std::uint32_t seen);

  SpinLock lock_;
  PlainVector<State> states_;        // lock_; by thread, 0 is nobody's
  PlainVector<unsigned> standing_;   // lock_; in the order in which they came
  PlainVector<std::uint64_t> runs_;  // lock_; by thread: stands and ends of its operations
  Atomic<std::uint32_t> changes_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
