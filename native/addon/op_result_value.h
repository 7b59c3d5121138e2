// What a race says of each operation, for JavaScript.
#pragma once

#include "addon/js_value.h"
#include "engine/race/race.h"

namespace pagebox::addon {

/// What every race says: what ended it, rounds, loops that gave up, and the operations that ran.
JsObject race_facts(const JsValues& js, const RaceResult& result);

}  // namespace pagebox::addon
