// Read-copy-update: readers never wait, memory is given back after all readers
// that might see it have left. A domain belongs to a box; nothing is
// process-wide. The algorithm is that of the kernel's sleepable RCU (SRCU, 2006
// form: two counters, flipped) on a counter pair a shard.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.h"
#include "base/env.h"
#include "base/lock.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Lies in the object to be freed, or beside it: 16 bytes, as the kernel's rcu_head. Never
/// in a descriptor, which anybody may overwrite.
struct RcuHead {
  RcuHead* next = nullptr;
  void (*func)(RcuHead*) = nullptr;
};
static_assert(sizeof(RcuHead) == 16);

class RcuDomain {
 public:
  RcuDomain() = default;
  RcuDomain(const RcuDomain&) = delete;
  RcuDomain& operator=(const RcuDomain&) = delete;

  /// Begins a read-side section, which may nest; the result goes to read_unlock().
  /// `shard` is any number, best the caller's logical thread.
  [[nodiscard]] unsigned read_lock(unsigned shard);
  void read_unlock(unsigned token);

  /// Calls `func(head)` some time after all readers of now have left: in the
  /// model on a fiber of its own, on the host by who calls poll(), synchronize()
  /// or barrier(), which hence are called with no lock held that a callback takes.
  /// call_rcu() itself may be called by readers and by callbacks.
  void call_rcu(RcuHead* head, void (*func)(RcuHead*));
  /// Waits until all readers of now have left. Not for readers or callbacks.
  void synchronize();
  /// Waits until all callbacks queued before have run. Not for readers or callbacks.
  void barrier();
  /// Runs what is due, without waiting. Cheap when nothing is queued: call it
  /// between operations, or the queue grows until the next barrier().
  void poll();
  /// Callbacks that have not run; exact only when nobody moves.
  std::size_t queued() const { return queued_.load(); }
  /// A word in which readers count themselves. In the model all do so in one, since none sees
  /// the others there; on the host each shard has a line.
  bool counts_readers(const std::byte* at) const {
    const auto* words = reinterpret_cast<const std::byte*>(shards_);
    return at >= words && at < words + sizeof shards_;
  }

  /// Forgets readers and callbacks that an ended run left behind, together with
  /// their memory.
  void reset();

 private:
  static constexpr unsigned kShards = kModel ? 1 : 64;
  static constexpr std::uint32_t kWaiting = 1U << 31;
  struct alignas(64) Shard {
    Atomic<std::uint32_t> readers[2];
  };

  unsigned phase() const;
  void flip();
  bool left(unsigned phase) const;
  void wait_left(unsigned phase);
  void wait_grace();
  void take_fresh();
  bool run_queued();  // false: nothing was queued
  void run_batch();
  static void daemon(void* self);

  Shard shards_[kShards];
  std::uint32_t phase_ = 0;             // 0 or 1; accessed atomically, see rule 3 in rcu.cpp
  alignas(64) Atomic<RcuHead*> fresh_;  // last queued first
  Atomic<std::uint32_t> queued_;
  // Below: under grace_.
  Mutex grace_;
  RcuHead* batch_ = nullptr;
  enum class Stage : std::uint8_t { kOther, kFlipped };
  Stage stage_ = Stage::kOther;  // of poll()'s grace period for batch_
  // The model run that has a daemon fiber of ours; under no lock, fibers switch at
  // scheduling points only.
  std::uint64_t daemon_run_ = 0;
};

class [[nodiscard]] RcuReadGuard {
 public:
  RcuReadGuard(RcuDomain& domain, unsigned shard)
      : domain_(domain), token_(domain.read_lock(shard)) {}
  ~RcuReadGuard() { domain_.read_unlock(token_); }
  RcuReadGuard(const RcuReadGuard&) = delete;
  RcuReadGuard& operator=(const RcuReadGuard&) = delete;

 private:
  RcuDomain& domain_;
  unsigned token_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
