#include "base/model/race_detector.h"

#include <algorithm>

namespace pagebox::inline PAGEBOX_ENV {

namespace {

std::uintptr_t address(const void* at) { return reinterpret_cast<std::uintptr_t>(at); }

}  // namespace

template <class Entry>
Entry& RaceDetector::Table<Entry>::add(std::size_t at, std::uintptr_t key,
                                       std::uint32_t generation) {
  if (used_ * 2 >= entries_.size()) [[unlikely]] {
    grow(generation);
    return insert(key, generation);
  }
  ++used_;
  Entry& entry = entries_[at];
  entry.begin();
  entry.key = key;
  entry.generation = generation;
  return entry;
}

template <class Entry>
void RaceDetector::Table<Entry>::grow(std::uint32_t generation) {
  const OutsideRunMemory outside;
  std::vector<Entry> old(entries_.size() * 2);
  old.swap(entries_);
  mask_ = entries_.size() - 1;
  --shift_;
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
  fibers_ = 0;
  freed_.clear();
  other_ = kNoFiber;
}

// Clocks of few fibers are one vector; those of fibers that are not there are 0.

RaceDetector::Clock RaceDetector::new_wide() {
  const OutsideRunMemory outside;
  clocks_.resize(clocks_.size() + row_);
  return rows_++;
}

void RaceDetector::leave_few() {
  const OutsideRunMemory outside;
  row_ = kFirstRow;
  rows_ = kMaxFibers;
  clocks_.assign(std::size_t{rows_} * row_, 0);
  for (std::size_t fiber = 0; fiber < kFew; ++fiber) std::ranges::copy(own_[fiber], wide(fiber));
  const auto move = [this](Clocks& clocks) {
    const Clocks before = clocks;
    clocks[0] = new_wide();
    std::ranges::copy(before, wide(clocks[0]));
  };
  granules_.each(generation_, [&](Granule& granule) {
    move(granule.both);
    if (granule.is_split) move(granule.high);
  });
  fields_.each(generation_, [&](Field& field) { move(field.reads); });
}

void RaceDetector::widen() {
  const OutsideRunMemory outside;
  std::vector<Clock> rows(clocks_.size() * 2);
  for (std::size_t i = 0; i < rows_; ++i) std::copy_n(wide(i), row_, rows.data() + i * row_ * 2);
  clocks_.swap(rows);
  row_ *= 2;
}

void RaceDetector::add_fiber(FiberId parent) {
  const auto fiber = static_cast<FiberId>(fibers_);
  if (++fibers_ == kFew + 1) leave_few();
  if (is_wide() && fibers_ > row_) widen();
  const std::uint32_t size = is_wide() ? row_ : kFew;
  Clock* mine = own(fiber);
  if (parent != kNoFiber) {
    Clock* theirs = own(parent);
    std::copy_n(theirs, size, mine);
    ++theirs[parent];
  } else {
    std::fill_n(mine, size, 0);
  }
  mine[fiber] = 1;
}

void RaceDetector::meet_wide(FiberId fiber, Granule& granule, std::uintptr_t at, std::size_t bytes,
                             unsigned does) {
  meet_granule<true>(fiber, granule, at, bytes, does);
}

/// The upper half's clock begins as the whole word's.
void RaceDetector::copy_row(Granule& granule) {
  (void)row_of(granule.both);
  granule.high[0] = 0;
  Clock* const high = row_of(granule.high);
  std::copy_n(wide(granule.both[0]), row_, high);
}

RaceDetector::Verdict RaceDetector::look_at(FiberId fiber, const PendingAccess& what) {
  const unsigned does = access_order::of(what.access);
  const std::uintptr_t at = address(what.at);
  const bool is_plain = what.access == Access::kPlainRead || what.access == Access::kPlainWrite;
  if (does == 0 && !is_plain) return Verdict::kFine;
  if (alive(what.at) != Verdict::kFine) return Verdict::kUseAfterFree;
  if (is_plain) return plain(fiber, what);
  for (std::uintptr_t from = at; from < at + what.bytes; from = granule_of(from) + 8) {
    const std::uintptr_t end = std::min(granule_of(from) + 8, at + what.bytes);
    if (const Verdict verdict = meet(fiber, from, end - from, does); verdict != Verdict::kFine)
      return verdict;
  }
  return Verdict::kFine;
}

RaceDetector::Verdict RaceDetector::use_after_free(std::uintptr_t at) {
  const auto last = std::find_if(freed_.rbegin(), freed_.rend(), [at](const Freed& block) {
    return block.first <= at && at < block.end;
  });
  other_ = last == freed_.rend() ? kNoFiber : last->by;
  return Verdict::kUseAfterFree;
}

void RaceDetector::before_wake(FiberId fiber, const void* at) { wrote(fiber, at, 4); }

void RaceDetector::after_wait(FiberId fiber, const void* at) {
  (void)look_at(fiber, {at, 4, Access::kLoad});
}

RaceDetector::Verdict RaceDetector::race_with(FiberId other) {
  other_ = other;
  return Verdict::kRace;
}

RaceDetector::Verdict RaceDetector::plain(FiberId fiber, const PendingAccess& what) {
  Field& field = fields_.insert(address(what.at), generation_);
  Clock* const reads = is_wide() ? row_of(field.reads) : field.reads.data();
  const Clock* const mine = own(fiber);
  if (field.write_clock > mine[field.writer]) return race_with(field.writer);
  if (what.access == Access::kPlainRead) {
    reads[fiber] = mine[fiber];
    return Verdict::kFine;
  }
  for (std::uint32_t i = 0; i < fibers_; ++i) {
    if (reads[i] > mine[i]) return race_with(static_cast<FiberId>(i));
    reads[i] = 0;
  }
  field.writer = fiber;
  field.write_clock = mine[fiber];
  return Verdict::kFine;
}

void RaceDetector::born(const void* at) {
  if (Field* field = fields_.find(address(at), generation_)) field->begin();
}

void RaceDetector::freed(FiberId fiber, const void* at, std::size_t bytes) {
  const OutsideRunMemory outside;
  freed_.push_back({address(at), address(at) + bytes, fiber});
}

}  // namespace pagebox::inline PAGEBOX_ENV
