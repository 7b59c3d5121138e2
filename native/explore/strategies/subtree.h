// Strategies that can be told where to begin: below a row of choices that somebody else has
// made, so that a search is shared as the subtrees of its tree of choices.
#pragma once

#include "base/env.h"

#include <vector>

#include "base/model/strategy.h"
#include "explore/strategies/sleep_set.h"

namespace pagebox::inline PAGEBOX_ENV {

/// A choice, and what need not be done after it: steps that are explored from there elsewhere.
struct PrefixChoice {
  FiberSet runnable = 0;
  FiberId chosen = kNoFiber;
  std::vector<ExploredStep> explored;
};
using Prefix = std::vector<PrefixChoice>;

class SubtreeStrategy : public Strategy {
 public:
  /// Forgets its runs: from now on it visits what begins so, and nothing else.
  virtual void start_at(Prefix prefix) = 0;
  virtual bool is_done() const = 0;
};

}  // namespace pagebox::inline PAGEBOX_ENV
