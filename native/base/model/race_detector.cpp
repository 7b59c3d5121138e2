#include "base/model/race_detector.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/model/run_memory.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

constexpr unsigned kLowHalf = 1, kHighHalf = 2, kBothHalves = kLowHalf | kHighHalf;

// What an access does to what is known of order.
constexpr unsigned kLooks = 1, kWrites = 2, kReplaces = 4;

constexpr unsigned does(Access access) {
  switch (access) {
    // Who finds a word in a frame knows nothing by it of who stored it, nor is that a race.
    case Access::kYield:
    case Access::kBytesRead:
    case Access::kBytesWrite:
    case Access::kPlainRead:
    case Access::kPlainWrite: return 0;
    case Access::kStore: return kWrites | kReplaces;
    // Who adds and does not look learns nothing of who came before.
    case Access::kAdd: return kWrites;
    case Access::kRmw:
    case Access::kLock:
    case Access::kUnlock: return kLooks | kWrites;
    case Access::kLoad:
    case Access::kAddLook:
    case Access::kCas:
    case Access::kWait: return kLooks;
  }
  return 0;
}
constexpr auto kDoes = [] {
  std::array<std::uint8_t, static_cast<unsigned>(Access::kYield) + 1> all{};
  for (unsigned i = 0; i < all.size(); ++i)
    all[i] = static_cast<std::uint8_t>(does(static_cast<Access>(i)));
  return all;
}();

// The halves of the granule at `base` that [at, at + bytes) touches.
unsigned halves(std::uintptr_t base, std::uintptr_t at, std::size_t bytes) {
  unsigned touched = 0;
  if (at < base + 4 && at + bytes > base) touched |= kLowHalf;
  if (at < base + 8 && at + bytes > base + 4) touched |= kHighHalf;
  return touched;
}

std::uintptr_t address(const void* at) { return reinterpret_cast<std::uintptr_t>(at); }
std::uintptr_t granule_of(std::uintptr_t at) { return at & ~std::uintptr_t{7}; }

}  // namespace

template <class Entry>
Entry& RaceDetector::Table<Entry>::insert(std::uintptr_t key, std::uint32_t generation) {
  const std::size_t mask = entries_.size() - 1;
  for (std::size_t i = slot(key);; i = (i + 1) & mask) {
    Entry& entry = entries_[i];
    if (entry.generation != generation) {
      if (used_ * 2 >= entries_.size()) {
        grow(generation);
        return insert(key, generation);
      }
      ++used_;
      entry = Entry{};
      entry.key = key;
      entry.generation = generation;
      return entry;
    }
    if (entry.key == key) return entry;
  }
}

template <class Entry>
void RaceDetector::Table<Entry>::grow(std::uint32_t generation) {
  const OutsideRunMemory outside;
  std::vector<Entry> old(entries_.size() * 2);
  old.swap(entries_);
  ++bits_;
  used_ = 0;
  for (const Entry& entry : old) {
    if (entry.generation == generation) insert(entry.key, generation) = entry;
  }
}

void RaceDetector::begin() {
  if (++generation_ == 0) {
    const OutsideRunMemory outside;
    // The stamps have gone round: old ones would look new.
    granules_ = {};
    fields_ = {};
    generation_ = 1;
  }
  granules_.begin();
  fields_.begin();
  next_clock_ = 1;
  fibers_ = 0;
  any_dead_ = false;
  other_ = kNoFiber;
}

std::uint32_t RaceDetector::new_clock() {
  const std::size_t end = (std::size_t{next_clock_} + 1) * stride_;
  if (end > clocks_.size()) {
    const OutsideRunMemory outside;
    clocks_.resize(std::max(end, clocks_.size() * 2));
  }
  if (stride_ == kFew) [[likely]]
    std::memset(clock(next_clock_), 0, kFew * sizeof(Clock));
  else
    std::fill_n(clock(next_clock_), stride_, 0);
  return next_clock_++;
}

void RaceDetector::widen() {
  const OutsideRunMemory outside;
  std::vector<Clock> wide(std::size_t{next_clock_} * stride_ * 2);
  for (std::size_t i = 1; i < next_clock_; ++i) {
    std::copy_n(clocks_.data() + i * stride_, stride_, wide.data() + i * stride_ * 2);
  }
  clocks_.swap(wide);
  stride_ *= 2;
}

void RaceDetector::add_fiber(FiberId parent) {
  const auto fiber = static_cast<FiberId>(fibers_);
  if (++fibers_ > stride_) widen();
  own_[fiber] = new_clock();
  Clock* mine = clock(own_[fiber]);
  if (parent != kNoFiber) {
    Clock* theirs = clock(own_[parent]);
    std::copy_n(theirs, fibers_, mine);
    ++theirs[parent];
  }
  mine[fiber] = 1;
}

// Clocks of few fibers are two vectors; those of fibers that are not there are 0.
[[gnu::always_inline]] inline void RaceDetector::join(Clock* into, const Clock* from) const {
  if (stride_ == kFew) [[likely]] {
    auto* const to = reinterpret_cast<Lanes*>(into);
    const auto* const other = reinterpret_cast<const Lanes*>(from);
    for (unsigned i = 0; i < 2; ++i) to[i] = to[i] > other[i] ? to[i] : other[i];
    return;
  }
  for (std::uint32_t i = 0; i < fibers_; ++i) into[i] = std::max(into[i], from[i]);
}

[[gnu::always_inline]] inline void RaceDetector::copy(Clock* into, const Clock* from) const {
  if (stride_ == kFew) [[likely]] {
    auto* const to = reinterpret_cast<Lanes*>(into);
    const auto* const other = reinterpret_cast<const Lanes*>(from);
    for (unsigned i = 0; i < 2; ++i) to[i] = other[i];
    return;
  }
  std::copy_n(from, fibers_, into);
}

[[gnu::always_inline]] inline void RaceDetector::acquire(FiberId fiber, std::uint32_t from) {
  if (from != 0) join(clock(own_[fiber]), clock(from));
}

// A store replaces what the word carried, a read-modify-write adds to it (the
// C++ release sequence).
[[gnu::always_inline]] inline void RaceDetector::release(FiberId fiber, std::uint32_t& to,
                                                         bool is_joined) {
  if (to == 0) {
    to = new_clock();
    copy(clock(to), clock(own_[fiber]));
  } else if (is_joined) {
    join(clock(to), clock(own_[fiber]));
  } else {
    copy(clock(to), clock(own_[fiber]));
  }
}

void RaceDetector::acquire(FiberId fiber, const Granule& granule, unsigned halves) {
  const auto [low, high] = granule.sync;
  if ((halves & kLowHalf) != 0) acquire(fiber, low);
  if ((halves & kHighHalf) != 0 && (low != high || halves == kHighHalf)) acquire(fiber, high);
}

void RaceDetector::release(FiberId fiber, Granule& granule, unsigned halves, bool is_joined) {
  std::uint32_t& low = granule.sync[0];
  std::uint32_t& high = granule.sync[1];
  if (halves == kBothHalves && (low == high || !is_joined)) {
    release(fiber, low, is_joined);
    high = low;
    return;
  }
  if (low == high && low != 0) {  // one clock: from now on there are two
    high = new_clock();
    copy(clock(high), clock(low));
  }
  if ((halves & kLowHalf) != 0) release(fiber, low, is_joined);
  if ((halves & kHighHalf) != 0) release(fiber, high, is_joined);
}

[[gnu::always_inline]] inline RaceDetector::Verdict RaceDetector::atomic(FiberId fiber,
                                                                         std::uintptr_t base,
                                                                         unsigned halves,
                                                                         unsigned does) {
  Granule* granule = (does & kWrites) != 0 ? &granules_.insert(base, generation_)
                                           : granules_.find(base, generation_);
  if (granule == nullptr) return Verdict::kFine;
  if (granule->is_dead) [[unlikely]]
    return Verdict::kUseAfterFree;
  if ((does & kLooks) != 0) acquire(fiber, *granule, halves);
  if ((does & kWrites) != 0) release(fiber, *granule, halves, (does & kReplaces) == 0);
  return Verdict::kFine;
}

RaceDetector::Verdict RaceDetector::look_at(FiberId fiber, const PendingAccess& what) {
  const unsigned does = kDoes[static_cast<unsigned>(what.access)];
  const std::uintptr_t at = address(what.at);
  if (does == 0) {
    if (what.access != Access::kPlainRead && what.access != Access::kPlainWrite)
      return Verdict::kFine;
    if (any_dead_ && is_dead(at, what.bytes)) return Verdict::kUseAfterFree;
    return plain(fiber, what);
  }
  const std::uintptr_t first = granule_of(at);
  if (at + what.bytes <= first + 8) [[likely]] {
    const Verdict verdict = atomic(fiber, first, halves(first, at, what.bytes), does);
    if (verdict != Verdict::kFine) return verdict;
  } else {
    for (std::uintptr_t base = first; base < at + what.bytes; base += 8)
      if (const Verdict verdict = atomic(fiber, base, halves(base, at, what.bytes), does);
          verdict != Verdict::kFine)
        return verdict;
  }
  if ((does & kWrites) != 0) ++clock(own_[fiber])[fiber];
  return Verdict::kFine;
}

bool RaceDetector::is_dead(std::uintptr_t at, std::size_t bytes) {
  for (std::uintptr_t base = granule_of(at); base < at + bytes; base += 8)
    if (const Granule* granule = granules_.find(base, generation_);
        granule != nullptr && granule->is_dead)
      return true;
  return false;
}

void RaceDetector::wrote(FiberId fiber, const void* at, std::size_t bytes) {
  const std::uintptr_t first = address(at);
  for (std::uintptr_t base = granule_of(first); base < first + bytes; base += 8)
    release(fiber, granules_.insert(base, generation_), halves(base, first, bytes), true);
  ++clock(own_[fiber])[fiber];
}

void RaceDetector::before_wake(FiberId fiber, const void* at) { wrote(fiber, at, 4); }

void RaceDetector::after_wait(FiberId fiber, const void* at) {
  (void)access(fiber, {at, 4, Access::kLoad});
}

RaceDetector::Verdict RaceDetector::race_with(FiberId other) {
  other_ = other;
  return Verdict::kRace;
}

RaceDetector::Verdict RaceDetector::plain(FiberId fiber, const PendingAccess& what) {
  Field& field = fields_.insert(address(what.at), generation_);
  const Clock* mine = clock(own_[fiber]);
  if (field.write_clock > mine[field.writer]) return race_with(field.writer);
  if (what.access == Access::kPlainRead) {
    if (field.reads == 0) field.reads = new_clock();
    clock(field.reads)[fiber] = clock(own_[fiber])[fiber];
    return Verdict::kFine;
  }
  if (field.reads != 0) {
    Clock* reads = clock(field.reads);
    for (std::uint32_t i = 0; i < fibers_; ++i) {
      if (reads[i] > mine[i]) return race_with(static_cast<FiberId>(i));
      reads[i] = 0;
    }
  }
  field.writer = fiber;
  field.write_clock = mine[fiber];
  return Verdict::kFine;
}

void RaceDetector::born(const void* at, std::size_t bytes) {
  if (Field* field = fields_.find(address(at), generation_)) {
    field->write_clock = 0;
    field->reads = 0;
  }
  if (!any_dead_) return;
  const std::uintptr_t first = address(at);
  for (std::uintptr_t base = granule_of(first); base < first + bytes; base += 8) {
    if (Granule* granule = granules_.find(base, generation_)) granule->is_dead = false;
  }
}

void RaceDetector::dead(const void* at, std::size_t bytes) {
  any_dead_ = true;
  const std::uintptr_t first = address(at);
  for (std::uintptr_t base = granule_of(first); base < first + bytes; base += 8) {
    granules_.insert(base, generation_).is_dead = true;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
