#include "engine/box/box_gate.h"

#include <algorithm>

#include "base/sched.h"
#include "engine/box/box.h"
#include "engine/box/box_machine.h"

namespace pagebox::inline PAGEBOX_ENV {

// Each call is short, but its thread may have lost its core in the middle of it.
void BoxGate::wait_for_calls() {
  barrier_.pay();
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

Errc BoxGate::reserve_exclusive() {
  Guard guard(lock_);
  const std::uint32_t state = state_.load();
  if ((state & kClosed) != 0) return Errc::kBadF;
  if ((state & kExclusive) != 0) return Errc::kBusy;
  state_.fetch_or(kExclusive);
  return Errc::kOk;
}

void BoxGate::begin_reserved() {
  Guard guard(lock_);
  wait_for_calls();
}

void BoxGate::end_exclusive() {
  for (;;) {
    unsigned user = 0;
    {
      Guard guard(lock_);
      if (left_.empty()) {
        state_.fetch_and(~kExclusive);
        break;
      }
      user = left_.front();
    }
    // Still the run's own: its number is given to nobody before it is taken off the list.
    if (BoxMachine* machine = box_.machine(); machine != nullptr) (void)machine->end_user(user);
    Guard guard(lock_);
    left_.erase(left_.begin());
  }
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

bool BoxGate::is_free(unsigned index) const {
  for (const BoxHandle* handle = handles_; handle != nullptr; handle = handle->next_)
    if (handle->index_ == index) return false;
  return std::find(left_.begin(), left_.end(), index) == left_.end();
}

BoxHandle::BoxHandle(std::shared_ptr<Box> box) : box_(std::move(box)), gate_(box_->gate()) {
  Guard guard(gate_.lock_);
  std::size_t handles = 1;
  for (const BoxHandle* other = gate_.handles_; other != nullptr; other = other->next_) ++handles;
  std::vector<unsigned> room;
  room.reserve(gate_.left_.size() + handles);
  room.assign(gate_.left_.begin(), gate_.left_.end());
  gate_.left_ = std::move(room);
  // The lowest number that nobody has, so that shards are used again.
  while (!gate_.is_free(index_)) ++index_;
  next_ = gate_.handles_.get();
  gate_.handles_ = this;
}

BoxHandle::~BoxHandle() {
  Guard guard(gate_.lock_);
  unlink();
}

void BoxHandle::unlink() {
  if (!linked_) return;
  Plain<BoxHandle*>* at = &gate_.handles_;
  while (at->get() != this) at = &at->get()->next_;
  *at = next_.get();
  linked_ = false;
}

LeftOver BoxHandle::leave() {
  for (;;) {
    {
      const BoxCall call(*this);
      if (call) {
        BoxMachine* machine = box_->machine();
        return machine == nullptr ? LeftOver{} : machine->end_user(index_);
      }
    }
    Guard guard(gate_.lock_);
    const std::uint32_t state = gate_.state_.load();
    BoxMachine* machine = box_->machine();
    if ((state & BoxGate::kExclusive) != 0) {
      LeftOver left;
      if (machine != nullptr) left = machine->left_of(index_);
      // The run ends who leaves something; until then its number is its own.
      if (left.mms != 0 || left.files != 0 || !left.pinned.empty()) gate_.left_.push_back(index_);
      unlink();
      return left;
    }
    // A closed box has no runs any more, and refuses calls.
    if ((state & BoxGate::kClosed) != 0)
      return machine == nullptr ? LeftOver{} : machine->end_user(index_);
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
