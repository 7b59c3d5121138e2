// How a run ended, in words: who, at what, and who else.
#pragma once

#include "base/env.h"

#include <string>

#include "base/model/model_run.h"

namespace pagebox::inline PAGEBOX_ENV {

class Places;

/// `threads`: the scenario's; fibers beyond are helpers. Empty: it says nothing.
std::string end_text(const RunOutcome& outcome, unsigned threads, const Places& places);

}  // namespace pagebox::inline PAGEBOX_ENV
