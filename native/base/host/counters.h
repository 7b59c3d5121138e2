// What the processor and the system count of one thread, by perf_event_open(2). Which of them there
// are is the machine's to say: a virtual one often has the system's alone, and many forbid them.
#pragma once

#include "base/env.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pagebox::inline PAGEBOX_ENV {

enum class Counter : std::uint8_t {
  kInstructions,
  kCycles,
  kCacheMisses,     // of the last level
  kTlbMisses,       // of loads, where the walk began
  kLockedOps,       // retired loads with a lock prefix; Intel
  kContendedLines,  // loads that found the line modified in another core's cache; Intel
  kPageFaults,
  kContextSwitches,
};
inline constexpr unsigned kCounters = 8;
inline constexpr std::array<std::string_view, kCounters> kCounterNames = {
    "instructions", "cycles",         "cacheMisses", "tlbMisses",
    "lockedOps",    "contendedLines", "pageFaults",  "contextSwitches"};

/// Counts since they were opened; empty where the machine or the system refuses.
using CounterValues = std::array<std::optional<double>, kCounters>;

/// Of the thread that makes it, in user mode where it is the processor's. That thread alone reads.
class ThreadCounters {
 public:
  ThreadCounters();
  ~ThreadCounters();
  ThreadCounters(const ThreadCounters&) = delete;
  ThreadCounters& operator=(const ThreadCounters&) = delete;

  /// Scaled up by the share of time in which a counter had a register.
  CounterValues read() const;

 private:
  std::array<int, kCounters> fds_;
};

/// Adds what was counted between two readings.
void add_counted(CounterValues& sum, const CounterValues& begin, const CounterValues& end);

}  // namespace pagebox::inline PAGEBOX_ENV
