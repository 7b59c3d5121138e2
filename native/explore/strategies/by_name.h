// The strategies that an exploration can be asked for.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/model/strategy.h"
#include "engine/scenario/explore_messages.h"

namespace pagebox::inline PAGEBOX_ENV {

struct StrategySettings {
  std::string name = "random";  // as kStrategyNames has them
  std::uint64_t seed = 1;
  /// depth-first: so many preemptions at most.
  std::optional<std::uint64_t> bound = std::nullopt;
  /// pct: of the bugs it looks for; 0: 1, 2 and 3 in turn.
  std::uint64_t depth = 0;
  /// One program is explored schedule by schedule. False: each run may have another.
  bool one_program = true;
  /// portfolio: schedules that the whole is to have, and the first of them.
  std::uint64_t schedules = 0, first_run = 0;
  /// dpor, depth-first: which part (from 1) of how many this is; 0: all of it.
  std::uint64_t shard = 0, shards = 0;
};

/// Empty: nothing is wrong.
std::string check_strategy(const StrategySettings& settings);
/// Of settings that were checked.
std::unique_ptr<Strategy> make_strategy(const StrategySettings& settings);

}  // namespace pagebox::inline PAGEBOX_ENV
