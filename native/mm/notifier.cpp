#include "mm/notifier.h"

#include "mm/mm.h"

namespace pagebox::inline PAGEBOX_ENV {

void NotifierList::add(const NotifierOps* ops, void* self) {
  Guard guard(lock_);
  listeners_.push_back({ops, self});
  count_.fetch_add(1);
}

void NotifierList::remove(void* self) {
  Guard guard(lock_);
  count_.fetch_sub(static_cast<std::uint32_t>(std::erase_if(
      listeners_, [self](const Listener& listener) { return listener.self == self; })));
}

void NotifierList::start(Cpu& cpu, Mm& mm, const NotifierRange& range) {
  if (empty()) return;
  SharedGuard guard(lock_);
  for (const Listener& listener : listeners_)
    listener.ops->invalidate_start(listener.self, cpu, mm, range);
}

void NotifierList::end(Cpu& cpu, Mm& mm, const NotifierRange& range) {
  if (empty()) return;
  SharedGuard guard(lock_);
  for (const Listener& listener : listeners_)
    listener.ops->invalidate_end(listener.self, cpu, mm, range);
}

Invalidation::Invalidation(Cpu& cpu, Mm& mm, NotifierRange range)
    : cpu_(cpu), mm_(mm), range_(range) {
  mm_.notifiers.start(cpu_, mm_, range_);
}

Invalidation::~Invalidation() { mm_.notifiers.end(cpu_, mm_, range_); }

}  // namespace pagebox::inline PAGEBOX_ENV
