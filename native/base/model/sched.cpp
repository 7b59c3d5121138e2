#include "base/sched.h"

#include <cstdio>
#include <cstdlib>

#include "base/check.h"
#include "base/memory_changes.h"
#include "base/model/run_memory.h"
#include "base/model/scheduler_inl.h"
#include "base/plain.h"

namespace pagebox::inline PAGEBOX_ENV {

[[gnu::tls_model("initial-exec")]] constinit thread_local Scheduler* active_scheduler = nullptr;

void model_misuse(const char* what) {
  std::fprintf(stderr, "pagebox model: %s\n", what);
  std::abort();
}

void sched_touched(Access access, const void* at, std::size_t bytes) {
  if (stores(access)) RunMemory::wrote(at, bytes);
  if (auto* run = active_scheduler) run->touched(access, at, bytes);
}

void sched_looked(const void* at, std::size_t bytes) {
  if (auto* run = active_scheduler) run->looked(at, bytes);
}

void sched_wrote(const void* at, std::size_t bytes) {
  RunMemory::wrote(at, bytes);
  if (auto* run = active_scheduler) run->wrote(at, bytes);
}

void wait_on(const std::uint32_t* at, std::uint32_t expected) {
  if (auto* run = active_scheduler) return run->wait_on(at, expected);
  // A mistake of the core's own: what may have to wait outside a run asks a Retry, which
  // gives up.
  if (__atomic_load_n(at, __ATOMIC_SEQ_CST) == expected)
    model_misuse("a wait outside a run would never end");
}

void wake(const std::uint32_t* at) {
  if (auto* run = active_scheduler) run->wake(at);
}

void tried_again() {
  if (auto* run = active_scheduler) run->tried_again();
}

void got_on() {
  if (auto* run = active_scheduler) run->got_on();
}

bool take_lock(std::uint32_t* at) {
  auto* run = active_scheduler;
  if (run != nullptr) run->take_lock(at);
  return run != nullptr;
}

void lock_taken(const std::uint32_t* at) {
  if (auto* run = active_scheduler) run->lock_taken(at);
}

bool give_lock(std::uint32_t* at) {
  auto* run = active_scheduler;
  if (run != nullptr) run->give_lock(at);
  return run != nullptr;
}

void cpu_relax() {
  if (auto* run = active_scheduler) run->relax();
}

void field_born(const void* at) {
  RunMemory::holds_field(at);
  if (auto* run = active_scheduler) run->born(at);
}

void memory_changes(const void* at, std::size_t size_bytes) {
  if (size_bytes != 0) RunMemory::wrote(at, size_bytes);
}

void check_failed(const char* text, const char* file, int line) {
  if (auto* run = active_scheduler) run->fail(text, file, line);
  std::fprintf(stderr, "%s:%d: %s does not hold\n", file, line, text);
  std::abort();
}

bool in_run() { return active_scheduler != nullptr; }

std::uint64_t run_serial() {
  auto* run = active_scheduler;
  return run == nullptr ? 0 : run->serial();
}

FiberId current_fiber() {
  auto* run = active_scheduler;
  return run == nullptr ? kNoFiber : run->current();
}

FiberId spawn(FiberBody body, SpawnKind kind) {
  auto* run = active_scheduler;
  if (run == nullptr) model_misuse("spawn outside a run");
  return run->spawn(body, kind);
}

}  // namespace pagebox::inline PAGEBOX_ENV
