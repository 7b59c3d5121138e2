// The strategies that an exploration can be asked for.
#pragma once

#include "base/env.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/model/strategy.h"

namespace pagebox::inline PAGEBOX_ENV {

inline constexpr std::array<std::string_view, 2> kStrategyNames = {"random", "depth-first"};

/// Null: none of that name.
std::unique_ptr<Strategy> make_strategy(std::string_view name, std::uint64_t seed);

}  // namespace pagebox::inline PAGEBOX_ENV
