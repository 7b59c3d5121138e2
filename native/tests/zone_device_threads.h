// What the tests of devices with threads share: where each round acts, who runs, and
// the audit with what is still pinned at the end.
#pragma once

#include <array>
#include <thread>
#include <vector>

#include "mm/gup/gup.h"
#include "tests/both/zone_device_fixture.h"

namespace pagebox::testing {

inline constexpr std::uint64_t kThreadPages = 16;
inline constexpr int kProcessRounds = 1500, kDeviceRounds = 700;

/// Numbers that a seed gives again.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed) {}
  std::uint64_t below(std::uint64_t n) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state_ >> 33) % n;
  }

 private:
  std::uint64_t state_;
};

/// Some of the pages that all threads share.
struct Target {
  explicit Target(Draw& draw) : page(draw.below(kThreadPages)), pages(1) {
    pages += draw.below(kThreadPages - page);
    at = kBase + page * kPageBytes;
  }
  std::uint64_t page, pages, at = 0;
};

/// Pins of one thread.
class ThreadPins {
 public:
  void take(Cpu& cpu, Mm& mm, std::uint64_t at, std::uint32_t flags) {
    Pfn pfn;
    if (pin_user_pages_fast(cpu, mm, at, flags, std::span(&pfn, 1)).pages == 1) had_.push_back(pfn);
  }
  void drop_one(Cpu& cpu) {
    if (had_.empty()) return;
    unpin_user_page(cpu, had_.back());
    had_.pop_back();
  }
  void drop_all(Cpu& cpu) {
    while (!had_.empty()) drop_one(cpu);
  }
  const std::vector<Pfn>& had() const { return had_; }

 private:
  std::vector<Pfn> had_;
};

/// Two threads that run process(index, pins), two that run device(index); processors
/// have their numbers. Then the audit of `mms`, and every pin is given back.
template <class Process, class Device>
void run_threads(DeviceBox& box, const std::vector<Mm*>& mms, Process process, Device device) {
  std::array<ThreadPins, 2> pins;
  {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 2; ++i) {
      threads.emplace_back([&, i] { process(i, pins[i]); });
      threads.emplace_back([&, i] { device(2 + i); });
    }
    for (std::thread& thread : threads) thread.join();
  }
  box.machine->rcu.barrier();
  std::vector<HeldReference> held;
  for (const ThreadPins& each : pins)
    for (const Pfn pfn : each.had()) held.push_back({pfn, true});
  EXPECT_EQ(box.audit(mms, held), kClean);
  for (ThreadPins& each : pins) each.drop_all(box.cpu());
  lru_add_drain_all(box.cpu());
}

}  // namespace pagebox::testing
