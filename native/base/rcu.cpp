#include "base/rcu.h"

#ifdef PAGEBOX_MODEL
#include "base/model/model_run.h"
#endif

namespace pagebox::inline PAGEBOX_ENV {

// Rules:
// 1. A reader counts in the phase it read. It may count late, in a phase that has
//    been left since; then it began after the flip, and sees no pointer removed before.
// 2. A grace period waits for the other phase (late readers of rule 1), flips, and waits
//    for the phase it left. Waiting once would miss the late ones of last time.
// 3. The phase is no scheduling point of the model: rule 1 makes every stale value
//    as good as the fresh one, and the kernel has no such word.

unsigned RcuDomain::phase() const { return __atomic_load_n(&phase_, __ATOMIC_SEQ_CST); }

void RcuDomain::flip() { __atomic_store_n(&phase_, phase() ^ 1, __ATOMIC_SEQ_CST); }

unsigned RcuDomain::read_lock(unsigned shard) {
  const unsigned token = shard % kShards * 2 + phase();
  shards_[token / 2].readers[token % 2].add_look(1, kWaiting);
  return token;
}

void RcuDomain::read_unlock(unsigned token) {
  auto& readers = shards_[token / 2].readers[token % 2];
  // As RwLock's readers.
  if (kModel && readers.add_unless(~std::uint32_t{0}, kWaiting) == 0) return;
  if (readers.fetch_sub(1) == (kWaiting | 1)) wake(readers.address());
}

void RcuDomain::call_rcu(RcuHead* head, void (*func)(RcuHead*)) {
  head->func = func;
  head->next = nullptr;
  while (!fresh_.compare_exchange(head->next, head)) {}
  // The model's daemon alone sleeps on it: on the host nobody does, and waking nobody is a
  // call of the system.
  if (queued_.fetch_add(1) == 0 && kModel) wake(queued_.address());
#ifdef PAGEBOX_MODEL
  if (in_run() && daemon_run_ != run_serial()) {
    daemon_run_ = run_serial();
    spawn({&RcuDomain::daemon, this}, SpawnKind::kDaemon);
  }
#endif
}

void RcuDomain::synchronize() {
  Guard hold(grace_);
  wait_grace();
  run_batch();
}

void RcuDomain::barrier() { (void)run_queued(); }

bool RcuDomain::run_queued() {
  Guard hold(grace_);
  take_fresh();
  if (batch_ == nullptr) return false;
  wait_grace();
  run_batch();
  return true;
}

void RcuDomain::poll() {
#ifdef PAGEBOX_MODEL
  if (in_run()) return;  // the daemon's work
#endif
  if (queued_.load(std::memory_order_relaxed) == 0) return;  // a hint, no partner
  if (!grace_.try_lock()) return;
  if (batch_ == nullptr) {
    take_fresh();
    stage_ = Stage::kOther;
  }
  if (stage_ == Stage::kOther && left(phase() ^ 1)) {
    flip();
    stage_ = Stage::kFlipped;
  }
  if (stage_ == Stage::kFlipped && left(phase() ^ 1)) run_batch();
  grace_.unlock();
}

void RcuDomain::reset() {
  for (Shard& shard : shards_) {
    shard.readers[0].store(0);
    shard.readers[1].store(0);
  }
  fresh_.store(nullptr);
  queued_.store(0);
  if (grace_.is_locked()) grace_.unlock();
  phase_ = 0;
  batch_ = nullptr;
  daemon_run_ = 0;
}

bool RcuDomain::left(unsigned phase) const {
  for (const Shard& shard : shards_) {
    if ((shard.readers[phase].load() & ~kWaiting) != 0) return false;
  }
  return true;
}

void RcuDomain::wait_left(unsigned phase) {
  for (Shard& shard : shards_) {
    auto& readers = shard.readers[phase];
    if (readers.load() == 0) continue;
    // The last reader to leave wakes; it may leave before the sleep or after.
    Retry retry("readers of RCU", nullptr, Retry::Until::kHolder);
    for (std::uint32_t seen = readers.fetch_or(kWaiting) | kWaiting; seen != kWaiting;
         seen = readers.load()) {
      if (!retry.wait_on(readers.address(), seen)) break;
    }
    readers.fetch_and(~kWaiting);
  }
}

void RcuDomain::wait_grace() {
  wait_left(phase() ^ 1);  // rule 2
  flip();
  wait_left(phase() ^ 1);
}

// Appends what is queued to the batch, in the order of the calls.
void RcuDomain::take_fresh() {
  RcuHead* list = fresh_.exchange(nullptr);
  RcuHead* ordered = nullptr;
  while (list != nullptr) {
    RcuHead* head = list;
    list = head->next;
    head->next = ordered;
    ordered = head;
  }
  RcuHead** end = &batch_;
  while (*end != nullptr) end = &(*end)->next;
  *end = ordered;
}

void RcuDomain::run_batch() {
  std::uint32_t ran = 0;
  while (batch_ != nullptr) {
    RcuHead* head = batch_;
    batch_ = head->next;
    head->func(head);  // frees it, as a rule
    ++ran;
  }
  if (ran != 0) queued_.fetch_sub(ran);
}

#ifdef PAGEBOX_MODEL
void RcuDomain::daemon(void* self) {
  auto* domain = static_cast<RcuDomain*>(self);
  for (;;) {
    while (domain->queued_.load() == 0) wait_on(domain->queued_.address(), 0);
    // What is queued is counted a step later, and another's barrier may have run it before.
    if (!domain->run_queued()) cpu_relax();
  }
}
#endif

}  // namespace pagebox::inline PAGEBOX_ENV
