#include "zone_device/interval_notifier.h"

#include <optional>

#include "base/fault.h"
#include "mm/all_locks.h"

namespace pagebox::inline PAGEBOX_ENV {

const NotifierOps IntervalNotifier::kOps = {
    [](void* self, Cpu& cpu, Mm& mm, const NotifierRange& range) {
      auto& notifier = *static_cast<IntervalNotifier*>(self);
      if (range.start >= notifier.end_ || range.end <= notifier.start_) return;
      // Odd, since at least this change runs; the reader waits until it is over.
      notifier.invalidate(cpu, range, mm.notifiers.seq());
    },
    nullptr,
    [](void* self, Mm&) { static_cast<IntervalNotifier*>(self)->mm_.store(nullptr); },
};

IntervalNotifier::IntervalNotifier(Mm& mm, std::uint64_t start, std::uint64_t end)
    : mm_(&mm), start_(start), end_(end) {}

void IntervalNotifier::insert() {
  NotifierList& notifiers = mm().notifiers;
  if (!notifiers.counts()) {
    std::optional<AllLocks> all;
    if (!planted(Mistake::kListenUnlocked)) all.emplace(mm());
    notifiers.begin_to_count();
  }
  // A change that runs already was not announced to us: if the number is odd, the
  // first reader waits for its end. Even numbers are never those of a change.
  notifiers.add(&kOps, this, seq_);
}

void IntervalNotifier::remove() {
  if (Mm* mm = mm_.exchange(nullptr)) mm->notifiers.remove(this);
}

std::uint64_t IntervalNotifier::read_begin() const {
  const std::uint64_t seq = seq_.load();
  if ((seq & 1) != 0 && !planted(Mistake::kMirrorNoWait)) mm().notifiers.wait_while(seq);
  return seq;
}

}  // namespace pagebox::inline PAGEBOX_ENV
