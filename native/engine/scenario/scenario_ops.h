// The lists of a scenario that was written down, and what can be said of them before they run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/errc.h"
#include "engine/scenario/ops.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Lists are flat: a `repeat` is followed by its body.
struct ScenarioOps {
  std::vector<Op> setup;
  std::vector<std::vector<Op>> threads;
  /// When all threads are done, alone.
  std::vector<Op> after;
};

inline constexpr unsigned kMaxRepeatDepth = 8;
/// Operations of a setup. It runs anew for each round and each schedule.
inline constexpr std::uint64_t kMaxSetupOps = 1'000'000;

/// Operations of a list with every `repeat` resolved, barriers among them; 2^64 - 1: that
/// many or more. The list passes check_scenario().
std::uint64_t count_ops(const std::vector<Op>& ops);
/// Of [begin, end) of it, where no repeat's body ends outside.
std::uint64_t count_ops(const std::vector<Op>& ops, std::size_t begin, std::size_t end);
/// Of all lists together.
std::uint64_t count_ops(const ScenarioOps& scenario);

/// RAM that its set_up_page name: that much of it is placed by pfn.
std::uint64_t count_placed_pages(const ScenarioOps& scenario);

/// Of those, how many are ever named: where pages lie behind makes no difference.
std::uint64_t count_named_pages(const ScenarioOps& scenario);
/// False: its operations are all on pages by pfn, and descriptors alone will do.
bool needs_machine(const ScenarioOps& scenario);

/// Operations stop at points, and others resume them: the sandbox needs a gate.
bool has_stops(const ScenarioOps& scenario);

/// kInval: a body that leaves its list, a barrier or a stop in the setup or after the threads, one
/// of those longer than kMaxSetupOps, threads that meet different numbers of barriers (some would
/// wait forever); `reason` says which.
Errc check_scenario(const ScenarioOps& scenario, std::string& reason);

}  // namespace pagebox::inline PAGEBOX_ENV
