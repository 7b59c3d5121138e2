// Where a box's objects live: one reservation, handed out from the start, reset
// between rounds and runs and never unmapped meanwhile. So a run's memory is
// the same each time, and what an abandoned fiber held is gone with the reset.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "base/env.h"
#include "base/errc.h"
#include "base/lock.h"
#include "base/mapping.h"
#include "base/plain.h"
#include "base/sanitizer.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Hands out addresses in rising order; threads may allocate at once. Not a
/// scheduling point in the model.
class Arena {
 public:
  Arena() = default;
  Arena(Arena&& other) noexcept
      : memory_(std::move(other.memory_)), used_bytes_(std::exchange(other.used_bytes_, 0)) {}
  Arena& operator=(Arena&& other) noexcept {
    memory_ = std::move(other.memory_);
    used_bytes_ = std::exchange(other.used_bytes_, 0);
    return *this;
  }
  ~Arena() { sanitizer::unpoison(memory_.data(), used_bytes_); }

  /// Reserved, untouched: the capacity costs address space only.
  static Result<Arena> create(std::size_t capacity_bytes) {
    auto memory = Mapping::reserve(capacity_bytes);
    if (!memory) return memory.error;
    Arena result;
    result.memory_ = std::move(memory.value);
    return result;
  }

  /// Null when the arena is full. The bytes hold anything.
  void* allocate(std::size_t size_bytes, std::size_t alignment_bytes = 16) {
    std::size_t seen = __atomic_load_n(&used_bytes_, __ATOMIC_RELAXED);
    std::size_t start = 0;
    do {
      start = (seen + alignment_bytes - 1) & ~(alignment_bytes - 1);
      if (start > memory_.size_bytes() || size_bytes > memory_.size_bytes() - start) return nullptr;
      // Relaxed: who gets an address alone writes there; handing it on has its own order.
    } while (!__atomic_compare_exchange_n(&used_bytes_, &seen, start + size_bytes, false,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    std::byte* at = memory_.data() + start;
    sanitizer::unpoison(at, size_bytes);
    memory_born(at, size_bytes);
    return at;
  }

  /// A T that the reset will drop without calling its destructor; null when full.
  template <class T, class... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>, "a reset calls no destructors");
    void* at = allocate(sizeof(T), alignof(T));
    return at == nullptr ? nullptr : ::new (at) T(std::forward<Args>(args)...);
  }

  /// All that was handed out is dead. Nobody may allocate meanwhile.
  void reset() {
    sanitizer::poison(memory_.data(), used_bytes_);
    used_bytes_ = 0;
  }
  std::size_t used_bytes() const { return used_bytes_; }

 private:
  Mapping memory_;
  std::size_t used_bytes_ = 0;
};

/// Objects of one type, from an arena, used again last freed first (so a run's
/// addresses depend on its schedule alone). A use after destroy is seen by ASan,
/// and in the model by each checked access.
template <class T>
class Pool {
 public:
  static_assert(std::is_trivially_destructible_v<T>, "a reset calls no destructors");
  explicit Pool(Arena& arena) : arena_(&arena) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Null when the arena is full.
  template <class... Args>
  T* make(Args&&... args) {
    void* at = take();
    return at == nullptr ? nullptr : ::new (at) T(std::forward<Args>(args)...);
  }

  void destroy(T* object) {
    void* at = object;
    auto* slot = ::new (at) Slot{};
    memory_dead(at, kSlotBytes);
    // Before another thread can take the slot and unpoison it.
    sanitizer::poison(static_cast<std::byte*>(at) + sizeof(Slot), kSlotBytes - sizeof(Slot));
    lock();
    slot->next = free_;
    free_ = slot;
    unlock();
    __atomic_fetch_sub(&live_, 1, __ATOMIC_RELAXED);
  }

  /// Objects made and not destroyed; exact only when nobody moves.
  std::size_t live() const { return live_; }
  /// Together with the arena's.
  void reset() {
    free_ = nullptr;
    live_ = 0;
  }

 private:
  struct Slot {
    Slot* next = nullptr;
  };
  static constexpr std::size_t kAlignBytes = std::max(alignof(T), alignof(Slot));
  static constexpr std::size_t kSlotBytes =
      (std::max(sizeof(T), sizeof(Slot)) + kAlignBytes - 1) / kAlignBytes * kAlignBytes;

  void* take() {
    lock();
    Slot* slot = free_;
    if (slot != nullptr) free_ = slot->next;
    unlock();
    void* at = slot;
    if (at == nullptr) {
      at = arena_->allocate(kSlotBytes, kAlignBytes);
    } else {
      sanitizer::unpoison(at, kSlotBytes);
      memory_born(at, kSlotBytes);
    }
    if (at != nullptr) __atomic_fetch_add(&live_, 1, __ATOMIC_RELAXED);
    return at;
  }

  // Fibers switch at scheduling points only, so the model needs no lock here, and
  // an allocator's lock would only multiply the schedules.
  void lock() {
    if constexpr (!kModel) lock_.lock();
  }
  void unlock() {
    if constexpr (!kModel) lock_.unlock();
  }

  Arena* arena_;
  Slot* free_ = nullptr;
  std::size_t live_ = 0;
  SpinLock lock_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
