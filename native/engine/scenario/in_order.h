// Scenarios in order: the engine `run`, and what every engine does before the threads and after.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "engine/scenario/livelock.h"
#include "engine/scenario/op_source.h"
#include "engine/scenario/scenario_ops.h"

namespace pagebox::inline PAGEBOX_ENV {

class Sandbox;

/// What came of each operation that ran, in the order in which they ran.
struct RanOp {
  unsigned thread = 0;    // 0: the setup; beyond the threads: after them
  std::size_t index = 0;  // in the thread's list
  OpRecord record;
};

/// Words that results of one run keep in memory: of loads, and of pages looked at.
inline constexpr std::uint64_t kMaxRanWords = std::uint64_t{1} << 24;

/// Before the threads of a scenario that looks after them: as where it was recorded, no
/// batch of the setup holds a reference any more.
void settle_setup(Sandbox& sandbox, const ScenarioOps& scenario);
/// What comes when all threads are done: their names are everybody's then (of two, the one of
/// the lower thread), and the LRU's batches are empty. `done` has each operation's result.
void run_after(Sandbox& sandbox, const ScenarioOps& scenario, std::uint64_t seed,
               LivelockWatch& watch,
               const std::function<void(const Op&, std::size_t, OpRecord&&)>& done);

/// In order: the setup, then each thread up to its next barrier, in turn, and what comes
/// after them. The caller has
/// counted the operations. Where operations stop, the threads take turns: one that stands at a
/// point, or has to wait for it, lets the next go on. False: more words than kMaxRanWords, `out`
/// ends there.
bool run_in_order(Sandbox& sandbox, const ScenarioOps& scenario, std::uint64_t seed,
                  LivelockWatch& watch, std::vector<RanOp>& out);

}  // namespace pagebox::inline PAGEBOX_ENV
