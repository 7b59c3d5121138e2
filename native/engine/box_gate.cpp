#include "engine/box_gate.h"

#include "base/sched.h"
#include "engine/box.h"

namespace pagebox::inline PAGEBOX_ENV {

// Each call is short, but its thread may have lost its core in the middle of it.
void BoxGate::wait_for_calls() {
  for (BoxHandle* handle = handles_; handle != nullptr; handle = handle->next_)
    for (SpinWait wait; handle->active_.load() != 0;) wait.pause();
}

Errc BoxGate::begin_exclusive() {
  Guard guard(lock_);
  const std::uint32_t state = state_.load();
  if ((state & kClosed) != 0) return Errc::kBadF;
  if ((state & kExclusive) != 0) return Errc::kBusy;
  state_.fetch_or(kExclusive);  // rule 1
  wait_for_calls();
  return Errc::kOk;
}

void BoxGate::end_exclusive() {
  state_.fetch_and(~kExclusive);
  wake(state_.address());
}

void BoxGate::close() {
  state_.fetch_or(kClosed);
  for (;;) {
    const std::uint32_t state = state_.load();
    if ((state & kExclusive) == 0) break;
    wait_on(state_.address(), state);
  }
  Guard guard(lock_);
  wait_for_calls();
}

BoxHandle::BoxHandle(std::shared_ptr<Box> box) : box_(std::move(box)), gate_(box_->gate()) {
  Guard guard(gate_.lock_);
  // The lowest number that no other handle has, so that shards are used again.
  for (BoxHandle* other = gate_.handles_; other != nullptr;) {
    if (other->index_ == index_) {
      ++index_;
      other = gate_.handles_;
    } else {
      other = other->next_;
    }
  }
  next_ = gate_.handles_;
  gate_.handles_ = this;
}

BoxHandle::~BoxHandle() {
  Guard guard(gate_.lock_);
  BoxHandle** at = &gate_.handles_;
  while (*at != this) at = &(*at)->next_;
  *at = next_;
}

}  // namespace pagebox::inline PAGEBOX_ENV
