#include "base/lock.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

// What a lock's word probably is. On the host a load spares readers a failing
// compare-and-swap; in the model it would be a scheduling point more.
std::uint32_t first_look(const Atomic<std::uint32_t>& word) { return kModel ? 0 : word.load(); }

/// Tries for as long as holders mostly keep a lock: some tens of ns, batches and forks some
/// microseconds. To sleep costs more, who sleeps and who wakes. Then lets others go on, of whom
/// one may be the holder: threads may outnumber the cores.
template <class Taken>
bool take_before_sleep(Taken&& taken) {
  constexpr int kLooks = 800, kYields = 16;
  for (int i = 0; i < kLooks; ++i) {
    if (taken()) return true;
    cpu_relax();
  }
  for (int i = 0; i < kYields; ++i) {
    yield_turn();
    if (taken()) return true;
  }
  return false;
}

}  // namespace

// Before it is made, both sides pay.
AsymmetricBarrier SpinLock::barrier_;

void SpinLock::lock_slow() {
  if constexpr (!kModel) {
    const auto free = [this] { return word_.load(std::memory_order_relaxed) == kFree; };
    if (take_before_sleep([&] { return free() && try_lock(); })) return;
  }
  Retry retry("a lock", &word_, Retry::Until::kHolder);
  for (bool woken = false;; woken = true) {
    // One is woken at a time: it says so for those who still sleep, whatever becomes of it.
    if (woken && try_lock()) {
      sleeps_.store(1);
      return;
    }
    sleeps_.store(1);
    barrier_.pay();
    if (try_lock() || !retry.wait_on(sleeps_.address(), 1)) return;
  }
}

// Cleared first: who is about to sleep finds another value, and looks again.
void SpinLock::wake_next() {
  sleeps_.store(0);
  wake_one(sleeps_.address());
}

// Rules of RwLock's word (readers in the low bits):
// 1. kWaiting with kWriter: someone sleeps, the writer's unlock clears both.
// 2. kWaiting without kWriter: a writer sleeps until the readers are gone; no
//    reader enters. The writer that enters keeps the bit, since others may sleep.
// 3. Sleepers are woken at each change to "no reader, no writer" seen with kWaiting.

void RwLock::lock_shared_slow() {
  if constexpr (!kModel)
    if (take_before_sleep([this] { return try_lock_shared(); })) return;
  Retry retry("a lock to read", &word_, Retry::Until::kHolder);
  std::uint32_t seen = first_look(word_);
  for (;;) {
    if ((seen & (kWriter | kWaiting)) == 0) {
      if (word_.compare_exchange(seen, seen + 1)) return;
      continue;
    }
    if ((seen & kWaiting) == 0) {
      if (!word_.compare_exchange(seen, seen | kWaiting)) continue;
      seen |= kWaiting;
    }
    // Given up: it counts as a reader all the same, as its unlock will.
    if (!retry.wait_on(word_.address(), seen)) {
      (void)word_.fetch_add(1);
      return;
    }
    seen = word_.load();
  }
}

void RwLock::lock() {
  if constexpr (!kModel) {
    const auto free = [this] { return (word_.load(std::memory_order_relaxed) & ~kWaiting) == 0; };
    if (try_lock() || take_before_sleep([&] { return free() && try_lock(); })) return;
  }
  Retry retry("a lock to write", &word_, Retry::Until::kHolder);
  std::uint32_t seen = 0;
  while (!word_.compare_exchange(seen, seen | kWriter)) {
    while ((seen & ~kWaiting) != 0) {
      if ((seen & kWaiting) == 0) {
        if (!word_.compare_exchange(seen, seen | kWaiting)) continue;
        seen |= kWaiting;
      }
      if (!retry.wait_on(word_.address(), seen)) return;
      seen = word_.load();
    }
  }
}

bool RwLock::try_lock() {
  std::uint32_t seen = 0;
  if (word_.compare_exchange(seen, kWriter)) return true;
  return seen == kWaiting && word_.compare_exchange(seen, kWaiting | kWriter);
}

void RwLock::unlock() {
  if ((word_.exchange(0) & kWaiting) != 0) wake(word_.address());  // rules 1, 3
}

}  // namespace pagebox::inline PAGEBOX_ENV
