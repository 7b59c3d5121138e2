// What an exploration is worth when it has found nothing: a sentence, and a number where
// there is one.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pagebox::inline PAGEBOX_ENV {

struct Worth {
  std::uint64_t schedules = 0, classes = 0;
  bool complete = false;
  double estimate = -1;                                    // of all classes; below 0: none
  std::optional<std::uint32_t> bound_done = std::nullopt;  // see Strategy::bound_done()
  bool bounded = false;
  std::map<std::string_view, std::uint64_t> runs_by;  // strategies that draw
  /// Of the programs that pilots have measured, the most: fibers and steps.
  unsigned fibers = 0;
  std::uint64_t steps = 0;
  std::uint64_t programs = 1;
  std::uint64_t depth = 0;  // pct: 0: 1, 2 and 3 in turn
};

/// Of all classes, where a share of them lies behind; below 0: nobody can say.
inline double estimate_of(std::uint64_t classes, double explored) {
  return explored > 0 ? static_cast<double>(classes) / explored : -1;
}
/// The chance that `runs` schedules of PCT miss a bug of this depth: at most so.
double pct_missed_at_most(unsigned fibers, std::uint64_t steps, unsigned depth, std::uint64_t runs);
/// That of the deepest bugs that pct has looked for; below 0: it has not.
double missed_at_most(const Worth& worth);
std::string guarantee_text(const Worth& worth);

}  // namespace pagebox::inline PAGEBOX_ENV
