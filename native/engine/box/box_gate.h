// Who may touch a box now. Short calls come from handles, one an OS thread (a
// worker's attachment); a run or an audit wants the box for itself. A call costs
// one plain store and one load of the gate; only the rare exclusive side waits, and pays.
//
// Rules:
// 1. A handle first says `active`, then looks at the gate; the exclusive side
//    first shuts the gate, then looks at the handles: at least one sees the other
//    (base/asymmetric_barrier.h).
// 2. Memory outlives every handle and run: each holds a shared_ptr to the box.
// 3. Nobody waits for a run in order to leave. Who leaves while one has the box
//    enters its number under `lock_`; the run ends what was entered before it opens
//    the gate, under the same lock, so none is forgotten.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/asymmetric_barrier.h"
#include "base/atomic.h"
#include "base/env.h"
#include "base/errc.h"
#include "base/lock.h"
#include "base/plain.h"

namespace pagebox::inline PAGEBOX_ENV {

class Box;
class BoxHandle;
struct LeftOver;

class BoxGate {
 public:
  BoxGate(Box& box, AsymmetricBarrier::Payer payer) : barrier_(payer), box_(box) {}

  /// kBusy: another exclusive run; kBadF: closed. Waits for calls under way.
  Errc begin_exclusive();
  /// Its first half, for a run in another thread: calls are refused from now on, and
  /// nobody is waited for here.
  Errc reserve_exclusive();
  /// Its second half, in the run's own thread.
  void begin_reserved();
  /// Ends first what handles left that went meanwhile.
  void end_exclusive();

  /// New calls and runs are refused, runs are told to stop and waited for. Not to be
  /// called from a run's own thread. A second close does nothing.
  void close();
  bool closed() const { return (state_.load(atomics::kAcquire) & kClosed) != 0; }
  /// Runs ask now and then, and end soon when it says true.
  bool stop_requested() const { return closed(); }
  const AsymmetricBarrier& barrier() const { return barrier_; }
  /// For what a handle looks at that leaves during a run: `change()` runs while none does.
  template <class Change>
  void between_leavers(Change change) {
    Guard guard(lock_);
    change();
  }

 private:
  friend class BoxHandle;
  friend class BoxCall;
  static constexpr std::uint32_t kExclusive = 1, kClosed = 2;
  void wait_for_calls();  // under lock_

  bool is_free(unsigned index) const;  // of handles and of those that left; under lock_

  Atomic<std::uint32_t> state_;
  AsymmetricBarrier barrier_;
  Box& box_;
  Mutex lock_;  // the list of handles, and who left
  Plain<BoxHandle*> handles_ = nullptr;
  PlainVector<unsigned> left_;  // has room for all handles: leaving needs no memory
};

/// The box for oneself, while it lives.
class [[nodiscard]] ExclusiveRun {
 public:
  /// `reserved`: reserve_exclusive() has succeeded, for this run.
  explicit ExclusiveRun(BoxGate& gate, bool reserved = false) : gate_(gate) {
    if (reserved)
      gate.begin_reserved();
    else
      error_ = gate.begin_exclusive();
  }
  ~ExclusiveRun() {
    if (error_ == Errc::kOk) gate_.end_exclusive();
  }
  ExclusiveRun(const ExclusiveRun&) = delete;
  ExclusiveRun& operator=(const ExclusiveRun&) = delete;
  /// As begin_exclusive().
  Errc error() const { return error_; }
  explicit operator bool() const { return error_ == Errc::kOk; }

 private:
  BoxGate& gate_;
  Errc error_ = Errc::kOk;
};

/// One user of a box; calls through it come from one OS thread at a time.
class BoxHandle {
 public:
  explicit BoxHandle(std::shared_ptr<Box> box);
  ~BoxHandle();
  BoxHandle(const BoxHandle&) = delete;
  BoxHandle& operator=(const BoxHandle&) = delete;

  /// Ends what this handle's user still has, and says what that was. While a run has the
  /// box, the run does it at its end. Nothing may be called through the handle any more.
  LeftOver leave();

  Box& box() const { return *box_; }
  const std::shared_ptr<Box>& shared() const { return box_; }
  /// Number of this handle among those of its box, from 0: the shard of its pins.
  unsigned index() const { return index_; }

 private:
  friend class BoxGate;
  friend class BoxCall;
  void unlink();  // under the gate's lock_

  std::shared_ptr<Box> box_;
  BoxGate& gate_;
  Atomic<std::uint32_t> active_;
  // Written under the gate's lock_.
  Plain<unsigned> index_ = 0;
  Plain<bool> linked_ = true;
  Plain<BoxHandle*> next_ = nullptr;
};

/// Around each call that changes a box: `if (BoxCall call(handle); call) ...`
class [[nodiscard]] BoxCall {
 public:
  explicit BoxCall(BoxHandle& handle) : handle_(handle) {
    const BoxGate& gate = handle.gate_;
    gate.barrier_.announce(handle.active_, 1);  // rule 1
    const std::uint32_t state = gate.state_.load();
    if (state == 0) [[likely]]
      return;
    error_ = (state & BoxGate::kClosed) != 0 ? Errc::kBadF : Errc::kBusy;
    handle_.active_.store(0, atomics::kRelease);  // a refused call keeps nobody waiting
  }
  ~BoxCall() { handle_.active_.store(0, atomics::kRelease); }
  BoxCall(const BoxCall&) = delete;
  BoxCall& operator=(const BoxCall&) = delete;
  /// kBadF: closed; kBusy: a run has the box for itself.
  Errc error() const { return error_; }
  explicit operator bool() const { return error_ == Errc::kOk; }

 private:
  BoxHandle& handle_;
  Errc error_ = Errc::kOk;
};

}  // namespace pagebox::inline PAGEBOX_ENV
