// Many readers, hardly ever a writer: a lock a shard, of which a reader takes its own and a
// writer all (the kernel's percpu_rw_semaphore, without its grace period).
#pragma once

#include <cstddef>

#include "base/env.h"
#include "base/lock.h"

namespace pagebox::inline PAGEBOX_ENV {

class PercpuRwLock {
 public:
  /// What a reader takes, shared. `shard` is any number, best the caller's logical thread.
  RwLock& of(unsigned shard) { return shards_[shard % kShards].lock; }
  void lock() {
    for (Shard& shard : shards_) shard.lock.lock();
  }
  void unlock() {
    for (Shard& shard : shards_) shard.lock.unlock();
  }

 private:
  // One shard in the model: fibers do not contend for cache lines. Apart, but not aligned: what
  // holds the lock then comes from the allocator's quick path.
  static constexpr std::size_t kShards = kModel ? 1 : 4, kStride = kModel ? sizeof(RwLock) : 64;
  union Shard {
    Shard() : lock() {}
    RwLock lock;
    std::byte line[kStride];
  };
  Shard shards_[kShards];
};

}  // namespace pagebox::inline PAGEBOX_ENV
