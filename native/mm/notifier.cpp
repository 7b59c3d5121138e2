#include "mm/notifier.h"

#include "base/fault.h"
#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

void NotifierList::add(const NotifierOps* ops, void* self, Atomic<std::uint64_t>& seen) {
  Guard guard(lock_);
  // Announced before the number is looked at: a change that is counted later knows of us, and waits
  // for the lock; one that was counted before makes the number odd.
  count_.fetch_add(1);
  seen.store(seq());
  listeners_.push_back({ops, self});
}

void NotifierList::remove(void* self) {
  Guard guard(lock_);
  count_.fetch_sub(static_cast<std::uint32_t>(
      listeners_.erase_if([self](const Listener& listener) { return listener.self == self; })));
}

bool NotifierList::start(Cpu& cpu, Mm& mm, const NotifierRange& range) {
  if (!counts()) return false;
  state_.fetch_add(1);  // first: who is added later sees an odd number
  if (empty()) return true;
  SharedGuard guard(lock_);
  for (const Listener listener : listeners_) {
    if (planted(Mistake::kToldUnlocked)) leave_and_share(lock_);
    listener.ops->invalidate_start(listener.self, cpu, mm, range);
  }
  return true;
}

void NotifierList::end(Cpu& cpu, Mm& mm, const NotifierRange& range) {
  if (!empty()) {
    SharedGuard guard(lock_);
    for (const Listener& listener : listeners_)
      if (listener.ops->invalidate_end != nullptr)
        listener.ops->invalidate_end(listener.self, cpu, mm, range);
  }
  std::uint64_t seen = state_.load();
  std::uint64_t next = 0;
  do {
    next = seen % kRound == 1 ? seen - 1 + kRound : seen - 1;
  } while (!state_.compare_exchange(seen, next));
  if (next % kRound != 0) return;
  // Who is about to sleep has counted itself before it read state_.
  if (waiters_.load() == 0) return;
  ended_.fetch_add(1);
  wake(ended_.address());
}

void NotifierList::release(Mm& mm) {
  Guard guard(lock_);
  for (const Listener& listener : listeners_)
    if (listener.ops->release != nullptr) listener.ops->release(listener.self, mm);
  listeners_.clear();
  count_.store(0);
}

void NotifierList::wait_while(std::uint64_t seq) const {
  waiters_.fetch_add(1);
  for (Retry retry("an invalidation to end", nullptr, Retry::Until::kHolder);;) {
    const std::uint32_t ended = ended_.load();
    if (this->seq() != seq || !retry.wait_on(ended_.address(), ended)) break;
  }
  waiters_.fetch_sub(1);
}

Invalidation::Invalidation(Cpu& cpu, Mm& mm, NotifierRange range)
    : cpu_(cpu), mm_(mm), range_(range), is_counted_(mm.notifiers.start(cpu, mm, range)) {}

Invalidation::~Invalidation() {
  if (is_counted_) mm_.notifiers.end(cpu_, mm_, range_);
}

}  // namespace pagebox::inline PAGEBOX_ENV
