#include "explore/dependence.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace pagebox::inline PAGEBOX_ENV {

namespace {

constexpr std::uintptr_t kGranuleBytes = 8, kFrameBytes = 4096;

Effect effect_of(const PendingAccess& what, bool wrote) {
  switch (what.access) {
    case Access::kWait: return Effect::kSleep;
    case Access::kLock: return Effect::kLock;
    case Access::kUnlock: return Effect::kUnlock;
    case Access::kAdd: return Effect::kAdd;
    default: return wrote ? Effect::kChange : Effect::kLook;
  }
}

/// The bits of a granule that the bytes from `first` to `end` are.
std::uint64_t bits_between(std::uintptr_t first, std::uintptr_t end) {
  const std::uint64_t ones = ~std::uint64_t{0};
  const std::uint64_t upto = end == kGranuleBytes ? ones : (std::uint64_t{1} << end * 8) - 1;
  return upto & ones << first * 8;
}

constexpr std::uintptr_t frame_of(std::uintptr_t at) { return at & ~(kFrameBytes - 1); }

/// Everybody else's access before it comes before it.
constexpr bool is_last_word(Effect effect) { return changes(effect) && effect != Effect::kAdd; }

template <class Each>
void for_each_touch(const PendingAccess& what, bool wrote, Each&& each) {
  if (what.at == nullptr || what.bytes == 0) return;
  const Effect effect = effect_of(what, wrote);
  const auto from = reinterpret_cast<std::uintptr_t>(what.at), end = from + what.bytes;
  if (is_contents(what.access)) {
    for (std::uintptr_t frame = frame_of(from); frame < end; frame += kFrameBytes)
      each(Touch{frame, ~std::uint64_t{0}, effect});
    return;
  }
  for (std::uintptr_t granule = from & ~(kGranuleBytes - 1); granule < end;
       granule += kGranuleBytes) {
    const std::uintptr_t first = std::max(from, granule) - granule;
    const std::uint64_t bits =
        bits_between(first, std::min(end, granule + kGranuleBytes) - granule);
    // Fields of a word, which lies in one granule.
    const bool has_fields = what.bits != ~std::uint64_t{0} && what.bytes <= kGranuleBytes;
    const std::uint64_t of = has_fields ? what.bits << first * 8 & bits : bits;
    if (what.access == Access::kAddLook) {
      each(Touch{granule, of, Effect::kLook});
      if (wrote) each(Touch{granule, bits & ~of, Effect::kAdd});
    } else {
      each(Touch{granule, of, effect});
    }
  }
}

}  // namespace

bool depend(Effect a, Effect b) {
  if (a == Effect::kWake || b == Effect::kWake) return a == Effect::kSleep || b == Effect::kSleep;
  if (a == Effect::kAdd && b == Effect::kAdd) return false;
  return changes(a) || changes(b);
}

bool depend(const PendingAccess& a, const PendingAccess& b) {
  if (is_contents(a.access) && is_contents(b.access)) {
    // Without looking at each pair of the frames of a huge page.
    const auto frames = [](const PendingAccess& what) {
      const auto from = reinterpret_cast<std::uintptr_t>(what.at);
      return std::pair(frame_of(from), from + what.bytes);
    };
    const auto [a_from, a_end] = frames(a);
    const auto [b_from, b_end] = frames(b);
    return (a.writes() || b.writes()) && a_from < b_end && b_from < a_end;
  }
  bool found = false;
  for_each_touch(a, a.writes(), [&](const Touch& one) {
    for_each_touch(b, b.writes(), [&](const Touch& other) { found = found || depend(one, other); });
  });
  return found;
}

void touches_of(const PendingAccess& what, bool wrote, std::vector<Touch>& out) {
  for_each_touch(what, wrote, [&out](const Touch& touch) { out.push_back(touch); });
}

Touch wake_of(const void* at) {
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  const std::uintptr_t granule = address & ~(kGranuleBytes - 1);
  return {granule, bits_between(address - granule, address - granule + sizeof(std::uint32_t)),
          Effect::kWake};
}

void Trace::begin() {
  events_.clear();
  touches_.clear();
  races_.clear();
  accesses_.clear();
  clocks_.clear();
  before_locks_.clear();
  marked_.clear();
  own_.assign(own_.size(), 0);
  seen_ = 0;
  used_ = 0;
  ++generation_;
}

Trace::Mark Trace::mark() {
  const auto rows = [this](const std::vector<Clock>& clocks) {
    return static_cast<std::uint32_t>(clocks.size() / stride_);
  };
  const Mark mark{static_cast<Index>(events_.size()), static_cast<Index>(touches_.size()),
                  rows(marked_), rows(own_), seen_};
  marked_.insert(marked_.end(), own_.begin(), own_.end());
  return mark;
}

void Trace::rewind(const Mark& mark) {
  // Each access was the last of its granule when it was made.
  for (std::size_t i = accesses_.size(); i-- > mark.touches;) {
    Slot& slot = slot_of(touches_[i].granule);
    slot.last = accesses_[i].previous;
    slot.last_change = accesses_[i].previous_change;
  }
  accesses_.resize(mark.touches);
  touches_.resize(mark.touches);
  events_.resize(mark.events);
  clocks_.resize(mark.events * stride_);
  const std::size_t first = mark.first_row * stride_, size = mark.rows * stride_;
  marked_.resize(first + size);
  own_.assign(marked_.end() - static_cast<std::ptrdiff_t>(size), marked_.end());
  seen_ = mark.seen;
  races_.clear();
  before_locks_.clear();
}

void Trace::make_room_for(FiberId fiber) {
  seen_ |= fiber_bit(fiber);
  if (fiber >= stride_) {
    const std::size_t old = stride_, fresh = std::bit_ceil(std::size_t{fiber} + 1);
    const auto widen = [&](std::vector<Clock>& clocks) {
      std::vector<Clock> wide(clocks.size() / old * fresh);
      for (std::size_t i = 0; i < clocks.size() / old; ++i)
        std::copy_n(clocks.data() + i * old, old, wide.data() + i * fresh);
      clocks = std::move(wide);
    };
    widen(clocks_);
    widen(own_);
    widen(marked_);
    for (Race& race : races_)
      if (race.clock != kNone)
        race.clock = race.clock / static_cast<Index>(old) * static_cast<Index>(fresh);
    widen(before_locks_);
    stride_ = fresh;
  }
  if (own_.size() < (std::size_t{fiber} + 1) * stride_)
    own_.resize((std::size_t{fiber} + 1) * stride_);
}

void Trace::join(Clock* into, const Clock* from, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) into[i] = std::max(into[i], from[i]);
}

void Trace::add_event(FiberId fiber, Index choice) {
  make_room_for(fiber);
  clocks_.resize(clocks_.size() + stride_);
  const auto index = static_cast<Index>(events_.size());
  Clock* mine = own(fiber);
  ++mine[fiber];
  std::copy_n(mine, stride_, clock(index));
  events_.push_back({fiber, mine[fiber], choice, static_cast<Index>(touches_.size()), 0});
}

void Trace::touch(const PendingAccess& what, bool wrote, Index races_from) {
  if (events_.empty()) return;
  const std::size_t first = touches_.size();
  touches_of(what, wrote, touches_);
  for (std::size_t i = first; i < touches_.size(); ++i) order(touches_[i], races_from);
  events_.back().touches = static_cast<Index>(touches_.size()) - events_.back().first_touch;
}

void Trace::order(const Touch& touched, Index races_from) {
  const auto index = static_cast<Index>(events_.size() - 1);
  Slot& slot = slot_of(touched.granule);
  Clock* mine = clock(index);
  const bool looks = touched.effect == Effect::kLook;
  const bool sleeps = touched.effect == Effect::kSleep || touched.effect == Effect::kWake;
  if (touched.effect == Effect::kLock) order_lock(touched, races_from, slot);
  // From the latest on, so that who is waited for by way of another is no race.
  for (Index at = looks ? slot.last_change : slot.last; at != kNone;) {
    const Access& access = accesses_[at];
    if (access.event != index && (access.bits & touched.bits) != 0 &&
        depend(access.effect, touched.effect) && !is_before(access.event, mine)) {
      if (index >= races_from) races_.push_back({access.event, index});
      join(mine, clock(access.event), stride_);
    }
    // Who changed all of it comes after all before, but a change orders no sleep and wake.
    if (!sleeps && is_last_word(access.effect) && (touched.bits & ~access.bits) == 0) break;
    at = looks ? access.previous_change : access.previous;
  }
  std::copy_n(mine, stride_, own(events_.back().fiber));
  accesses_.push_back({touched.bits, index, slot.last, slot.last_change, touched.effect});
  slot.last = static_cast<Index>(accesses_.size() - 1);
  if (changes(touched.effect)) slot.last_change = slot.last;
}

// Who gave the lock back last had taken it: that is whom this one races with, by all that it
// comes after otherwise. Who looked at the lock meanwhile did so before it was given back.
void Trace::order_lock(const Touch& touched, Index races_from, Slot& slot) {
  const auto index = static_cast<Index>(events_.size() - 1);
  Clock* mine = clock(index);
  Index at = slot.last;
  while (at != kNone &&
         (accesses_[at].effect != Effect::kUnlock || (accesses_[at].bits & touched.bits) == 0)) {
    // Somebody's who never gives it back.
    if (is_last_word(accesses_[at].effect) && (accesses_[at].bits & touched.bits) != 0) return;
    at = accesses_[at].previous;
  }
  if (at == kNone) return;
  const Index given = accesses_[at].event;
  while (at != kNone &&
         (accesses_[at].effect == Effect::kUnlock || !is_last_word(accesses_[at].effect) ||
          (touched.bits & ~accesses_[at].bits) != 0))
    at = accesses_[at].previous;
  if (at != kNone && index >= races_from && !is_before(accesses_[at].event, mine)) {
    races_.push_back({accesses_[at].event, index, static_cast<Index>(before_locks_.size())});
    before_locks_.insert(before_locks_.end(), mine, mine + stride_);
  }
  join(mine, clock(given), stride_);
}

void Trace::wake(const void* at, Index races_from) {
  if (events_.empty()) return;
  touches_.push_back(wake_of(at));
  order(touches_.back(), races_from);
  events_.back().touches = static_cast<Index>(touches_.size()) - events_.back().first_touch;
}

void Trace::enabled(FiberId by, FiberSet sleepers) {
  for (; sleepers != 0; sleepers &= sleepers - 1) {
    const auto fiber = static_cast<FiberId>(std::countr_zero(sleepers));
    make_room_for(std::max(by, fiber));
    join(own(fiber), own(by), stride_);
  }
}

FiberSet Trace::initials(const Race& race) const {
  Clock first_of[kMaxFibers];
  FiberSet moved = 0, found = 0;
  for (Index i = race.earlier + 1; i <= race.later; ++i) {
    const Event& event = events_[i];
    const FiberSet own_bit = fiber_bit(event.fiber);
    if ((moved & own_bit) != 0) continue;
    const bool is_later = i == race.later;
    const Clock* mine =
        is_later && race.clock != kNone ? before_locks_.data() + race.clock : clock(i);
    bool begins = is_later || !is_before(race.earlier, mine);
    for (FiberSet others = moved; begins && others != 0; others &= others - 1) {
      const auto other = static_cast<unsigned>(std::countr_zero(others));
      begins = mine[other] < first_of[other];
    }
    moved |= own_bit;
    first_of[event.fiber] = event.ordinal;
    if (begins) found |= own_bit;
  }
  return found;
}

Trace::Slot& Trace::slot_of(std::uintptr_t granule) {
  if (used_ * 2 >= slots_.size()) grow();
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = static_cast<std::size_t>((granule >> 3) * 0x9e3779b97f4a7c15U >> (64 - bits_));
  while (slots_[at].generation == generation_ && slots_[at].granule != granule)
    at = (at + 1) & mask;
  Slot& slot = slots_[at];
  if (slot.generation != generation_) {
    slot = {granule, generation_, kNone, kNone};
    ++used_;
  }
  return slot;
}

void Trace::grow() {
  std::vector<Slot> old = std::move(slots_);
  slots_ = std::vector<Slot>(old.size() * 2);
  ++bits_;
  used_ = 0;
  for (const Slot& slot : old)
    if (slot.generation == generation_) slot_of(slot.granule) = slot;
}

}  // namespace pagebox::inline PAGEBOX_ENV
