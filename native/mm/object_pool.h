// Kernel objects that descriptors point to. Type-stable (the kernel's
// SLAB_TYPESAFE_BY_RCU): a freed object may be handed out again but its memory
// stays an object of that type, so a reader with an old index finds an object
// and can see that it is not the one it meant.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/atomic.h"
#include "base/lock.h"
#include "base/plain.h"

namespace pagebox::inline PAGEBOX_ENV {

/// T has a public `std::uint64_t index` and a `void recycle()`.
template <class T>
class ObjectPool {
 public:
#ifdef PAGEBOX_MODEL
  static constexpr std::uint64_t kChunk = 8;  // all of one are looked at after each schedule
#else
  static constexpr std::uint64_t kChunk = 64;
#endif
  static constexpr std::uint64_t kMost = kChunk * 64 * 64;

  T* alloc() {
    Guard guard(lock_);
    if (!free_.empty()) {
      T* object = free_.back();
      free_.erase(free_.end() - 1);
      return object;
    }
    const std::uint64_t index = size_.load();
    if (index == kMost) return nullptr;
    std::unique_ptr<Branch>& branch = branches_[index / kBranch];
    if (index % kBranch == 0) branch = std::make_unique<Branch>();
    std::unique_ptr<Chunk>& chunk = (*branch)[index / kChunk % 64];
    if (index % kChunk == 0) chunk = std::make_unique<Chunk>();
    T* object = &(*chunk)[index % kChunk];
    object->index = index;
    size_.store(index + 1);
    return object;
  }
  void free(T* object) {
    object->recycle();
    Guard guard(lock_);
    free_.push_back(object);
  }
  /// Null for an index never handed out.
  T* at(std::uint64_t index) {
    if (index >= size_.load()) return nullptr;
    return &(*(*branches_[index / kBranch])[index / kChunk % 64])[index % kChunk];
  }
  std::uint64_t size() const { return size_.load(); }
  std::uint64_t in_use() {
    Guard guard(lock_);
    return size_.load() - free_.size();
  }

 private:
  // Two levels: a machine of the model is copied back after each schedule, and one table of
  // all chunks would be most of it.
  using Chunk = std::array<T, kChunk>;
  using Branch = std::array<std::unique_ptr<Chunk>, 64>;
  static constexpr std::uint64_t kBranch = kChunk * 64;

  SpinLock lock_;
  Atomic<std::uint64_t> size_;
  std::array<std::unique_ptr<Branch>, kMost / kBranch> branches_;
  PlainVector<T*> free_;  // under lock_
};

}  // namespace pagebox::inline PAGEBOX_ENV
