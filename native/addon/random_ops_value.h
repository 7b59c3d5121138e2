// What a race and an exploration of random operations are told in the same words.
#pragma once

#include <vector>

#include "addon/js_read.h"
#include "engine/scenario/op_mix.h"
#include "engine/scenario/random_ops.h"

namespace pagebox::addon {

/// Whole numbers that JavaScript's count exactly.
inline constexpr std::uint64_t kMaxSafeInteger = (std::uint64_t{1} << 53) - 1;
inline constexpr std::uint64_t kMaxMachinePages = 1 << 24;

/// `mixes`: one list of { mix, op, weight } for all, `mix` its number.
void read_mixes(JsRead& from, std::vector<OpMix>& mixes);
void read_random(JsRead& from, RandomOpsSettings& random);
/// No scenario was given.
bool is_null(napi_env env, napi_value value);

}  // namespace pagebox::addon
