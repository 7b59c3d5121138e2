// The strategies that an exploration can be asked for.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/model/strategy.h"
#include "engine/scenario/explore_messages.h"

namespace pagebox::inline PAGEBOX_ENV {

/// As kStrategyNames has them. Null: none of that name.
std::unique_ptr<Strategy> make_strategy(std::string_view name, std::uint64_t seed);

}  // namespace pagebox::inline PAGEBOX_ENV
