#include "base/model/race_detector.h"

#include <algorithm>

#include "base/model/run_memory.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

constexpr unsigned kLowHalf = 1, kHighHalf = 2;

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
std::size_t RaceDetector::Table<Entry>::slot(std::uintptr_t key) const {
  return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15U) >> (64 - bits_));
}

template <class Entry>
Entry* RaceDetector::Table<Entry>::find(std::uintptr_t key, std::uint32_t generation) {
  const std::size_t mask = entries_.size() - 1;
  for (std::size_t i = slot(key);; i = (i + 1) & mask) {
    Entry& entry = entries_[i];
    if (entry.generation != generation) return nullptr;
    if (entry.key == key) return &entry;
  }
}

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

void RaceDetector::acquire(FiberId fiber, std::uint32_t from) {
  if (from == 0) return;
  Clock* mine = clock(own_[fiber]);
  const Clock* theirs = clock(from);
  for (std::uint32_t i = 0; i < fibers_; ++i) mine[i] = std::max(mine[i], theirs[i]);
}

// A store replaces what the word carried, a read-modify-write adds to it (the
// C++ release sequence).
void RaceDetector::release(FiberId fiber, std::uint32_t& to, bool join) {
  if (to == 0) to = new_clock();
  const Clock* mine = clock(own_[fiber]);
  Clock* theirs = clock(to);
  if (join) {
    for (std::uint32_t i = 0; i < fibers_; ++i) theirs[i] = std::max(mine[i], theirs[i]);
  } else {
    std::copy_n(mine, fibers_, theirs);
  }
}

RaceDetector::Verdict RaceDetector::access(FiberId fiber, const PendingAccess& what) {
  // Who finds a word in a frame knows nothing by it of who stored it, nor is
  // that a race.
  if (what.access == Access::kYield || is_contents(what.access)) return Verdict::kFine;
  const bool is_plain = what.access == Access::kPlainRead || what.access == Access::kPlainWrite;
  // Who adds and does not look learns nothing of who came before.
  const bool looks = what.access != Access::kStore && what.access != Access::kAdd;
  const bool replaces = what.access == Access::kStore;
  const bool writes = what.access == Access::kStore || what.access == Access::kRmw ||
                      what.access == Access::kAdd || what.access == Access::kLock ||
                      what.access == Access::kUnlock;
  const std::uintptr_t at = address(what.at);
  for (std::uintptr_t base = granule_of(at); base < at + what.bytes; base += 8) {
    if (is_plain && !any_dead_) break;
    const bool must_exist = writes && !is_plain;
    Granule* granule =
        must_exist ? &granules_.insert(base, generation_) : granules_.find(base, generation_);
    if (granule == nullptr) continue;
    if (granule->is_dead) return Verdict::kUseAfterFree;
    if (is_plain) continue;
    const unsigned touched = halves(base, at, what.bytes);
    for (unsigned half = 0; half < 2; ++half) {
      if ((touched & (1U << half)) == 0) continue;
      if (looks) acquire(fiber, granule->sync[half]);
    }
    for (unsigned half = 0; half < 2; ++half) {
      if ((touched & (1U << half)) == 0) continue;
      if (writes) release(fiber, granule->sync[half], !replaces);
    }
  }
  if (is_plain) return plain(fiber, what);
  if (writes) ++clock(own_[fiber])[fiber];
  return Verdict::kFine;
}

void RaceDetector::wrote(FiberId fiber, const void* at, std::size_t bytes) {
  const std::uintptr_t first = address(at);
  for (std::uintptr_t base = granule_of(first); base < first + bytes; base += 8) {
    Granule& granule = granules_.insert(base, generation_);
    const unsigned touched = halves(base, first, bytes);
    for (unsigned half = 0; half < 2; ++half) {
      if ((touched & (1U << half)) != 0) release(fiber, granule.sync[half], true);
    }
  }
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
