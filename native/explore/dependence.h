// Which steps of a run depend on each other, and so which of its orders are only written
// differently: from the accesses as they were made, not from what they might have been.
//
// Two accesses meet if they touch the same bits and at least one of them
// changes those. Two that look meet not, nor two adds whose result nobody looks
// at, nor accesses to other fields of one word where they say which
// (base/atomic.h), nor a compare-and-swap that failed and a load. Contents of
// frames meet as whole frames. A sleep depends on what it is woken by, besides.
// Who takes a lock after another cannot come before that one gives it back, but
// could have taken it first.
//
// Steps that depend are ordered as they ran: happens-before, a clock a step. Two that
// depend and are ordered by nothing else race; their other order is another schedule.
#pragma once

#include "base/env.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/model/strategy.h"

namespace pagebox::inline PAGEBOX_ENV {

enum class Effect : std::uint8_t { kLook, kChange, kAdd, kSleep, kWake, kLock, kUnlock };

/// Bits of eight bytes of memory, and what was done to them.
struct Touch {
  std::uintptr_t granule = 0;
  std::uint64_t bits = 0;
  Effect effect = Effect::kLook;
};

bool depend(Effect a, Effect b);
constexpr bool changes(Effect effect) {
  return effect != Effect::kLook && effect != Effect::kSleep && effect != Effect::kWake;
}
inline bool depend(const Touch& a, const Touch& b) {
  return a.granule == b.granule && (a.bits & b.bits) != 0 && depend(a.effect, b.effect);
}
/// Of two accesses that were only announced.
bool depend(const PendingAccess& a, const PendingAccess& b);

/// Appends what an access touches: nothing, if it is none.
void touches_of(const PendingAccess& what, bool wrote, std::vector<Touch>& out);

/// The word is that of a futex.
Touch wake_of(const void* at);

/// The steps of one run, in their order.
class Trace {
 public:
  using Index = std::uint32_t;
  static constexpr Index kNone = ~Index{0};
  struct Event {
    FiberId fiber = kNoFiber;
    Index ordinal = 0;  // of its fiber's events, from 1
    Index choice = kNone;
    Index first_touch = 0, touches = 0;
  };
  /// `later` does not wait for `earlier`, though it depends on it.
  struct Race {
    Index earlier = 0, later = 0;
    Index clock = kNone;  // of who took a lock, without that of who gave it back
  };

  /// Where it stands.
  struct Mark {
    Index events = 0, touches = 0;
    std::uint32_t first_row = 0, rows = 0;  // of marked_
    FiberSet seen = 0;
  };

  void begin();
  /// Of the marks since begin() and the last rewind(), or that one's own.
  Mark mark();
  /// Forgets what came after the mark, later marks among it, and all races.
  void rewind(const Mark& mark);
  /// A step at a scheduling point. `choice`: which of the run's choices made it.
  void add_event(FiberId fiber, Index choice);
  /// By the last event, or by what follows it before the next scheduling point. Before the
  /// first event nothing counts: it has been done before anybody runs. Races are kept of
  /// events from `races_from` on.
  void touch(const PendingAccess& what, bool wrote, Index races_from);
  /// What `sleepers` do next comes after all that `by` has done.
  void enabled(FiberId by, FiberSet sleepers);

  /// About.
  std::uint64_t held_bytes() const { return marked_.capacity() * sizeof(Clock); }

  std::span<const Event> events() const { return events_; }
  std::span<const Race> races() const { return races_; }
  std::span<const Touch> touches(const Event& event) const {
    return {touches_.data() + event.first_touch, event.touches};
  }
  /// By the last event: wakes whoever sleeps on `at`.
  void wake(const void* at, Index races_from);
  /// Without `race.earlier` and what depends on it, all up to `race.later` can run: who can
  /// begin that. A run that begins with none of them, from there, is none of these.
  FiberSet initials(const Race& race) const;

 private:
  using Clock = Index;  // by fiber: the ordinal of the last event that came before

  // One of the accesses of a granule, linked from the latest backwards.
  struct Access {
    std::uint64_t bits = 0;
    Index event = 0, previous = kNone, previous_change = kNone;
    Effect effect = Effect::kLook;
  };
  struct Slot {
    std::uintptr_t granule = 0;
    std::uint32_t generation = 0;
    Index last = kNone, last_change = kNone;
  };

  Clock* clock(Index event) { return clocks_.data() + std::size_t{event} * stride_; }
  const Clock* clock(Index event) const { return clocks_.data() + std::size_t{event} * stride_; }
  Clock* own(FiberId fiber) { return own_.data() + std::size_t{fiber} * stride_; }
  bool is_before(Index earlier, const Clock* later) const {
    const Event& event = events_[earlier];
    return later[event.fiber] >= event.ordinal;
  }
  void order(const Touch& touched, Index races_from);
  void order_lock(const Touch& touched, Index races_from, Slot& slot);
  static void join(Clock* into, const Clock* from, std::size_t count);
  void make_room_for(FiberId fiber);
  Slot& slot_of(std::uintptr_t granule);
  void grow();

  std::vector<Event> events_;
  std::vector<Touch> touches_;
  std::vector<Race> races_;
  std::vector<Access> accesses_;
  std::size_t stride_ = 8;
  std::vector<Clock> clocks_;  // stride_ numbers an event
  std::vector<Clock> own_;     // and a fiber: what its next event comes after
  std::vector<Clock> before_locks_;
  std::vector<Clock> marked_;  // own_ as it was at each mark
  FiberSet seen_ = 0;
  // Open addressing. The order of probes depends on addresses, what is found does not.
  std::vector<Slot> slots_ = std::vector<Slot>(std::size_t{1} << kFirstBits);
  unsigned bits_ = kFirstBits;
  std::size_t used_ = 0;
  std::uint32_t generation_ = 0;
  static constexpr unsigned kFirstBits = 9;
};

}  // namespace pagebox::inline PAGEBOX_ENV
