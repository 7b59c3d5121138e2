#include "engine/scenario/guarantee.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace pagebox::inline PAGEBOX_ENV {

namespace {

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g", value);
  return text.data();
}
std::string counted(std::uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string systematic_text(const Worth& worth) {
  const std::string schedules = counted(worth.schedules, "schedule", "schedules");
  if (worth.bounded) {
    if (worth.complete) return "complete: all " + schedules + " there are";
    if (!worth.bound_done)
      return "not complete: " + schedules + ", not all of those without preemptions";
    return "complete under bound " + std::to_string(*worth.bound_done) +
           ": all schedules of at most " + counted(*worth.bound_done, "preemption", "preemptions") +
           "; " + schedules + " in all, not all there are";
  }
  const std::string classes = counted(worth.classes, "class", "classes");
  if (worth.complete) return "complete: " + classes + " of schedules, each visited once";
  std::string text = "not complete: " + classes + " of schedules";
  if (worth.estimate > static_cast<double>(worth.classes))
    text += " of an estimated " + number(worth.estimate);
  return text;
}

unsigned deepest(const Worth& worth) {
  return worth.depth == 0 ? 3 : static_cast<unsigned>(worth.depth);
}

std::string pct_text(const Worth& worth, std::uint64_t runs) {
  const unsigned last = deepest(worth), first = worth.depth == 0 ? 1 : last;
  std::string text;
  for (unsigned depth = first; depth <= last; ++depth)
    text += (text.empty() ? "" : ", ") + std::string("of depth ") + std::to_string(depth) + " " +
            number(pct_missed_at_most(worth.fibers, worth.steps, depth, runs / (last - first + 1)));
  return "; the chance that pct has missed a bug is at most " + text;
}

std::string sampled_text(const Worth& worth) {
  std::string text = "sampled:", by;
  std::uint64_t runs = 0, fewest = ~std::uint64_t{0};
  for (const auto& [name, count] : worth.runs_by) {
    by += (by.empty() ? " by " : ", ") + std::string(name);
    if (worth.runs_by.size() > 1) by += " " + std::to_string(count);
    runs += count;
    fewest = count < fewest ? count : fewest;
  }
  text += " " + counted(runs, "schedule", "schedules") + by;
  if (worth.programs > 1) text += " of " + std::to_string(worth.programs) + " programs";
  if (worth.fibers != 0)
    text += ", " + counted(worth.fibers, "fiber", "fibers") + " and " +
            counted(worth.steps, "step", "steps") + " a schedule";
  const auto pct = worth.runs_by.find("pct");
  if (pct != worth.runs_by.end() && worth.fibers != 0) text += pct_text(worth, pct->second);
  // The rule of three: 1 - (1 - 3/R)^R is more than 95 %.
  if (fewest > 3 && fewest != ~std::uint64_t{0})
    text += "; what one in " + std::to_string(fewest / 3) +
            " schedules drawn so does has been seen, with 95 % confidence";
  return text;
}

}  // namespace

double pct_missed_at_most(unsigned fibers, std::uint64_t steps, unsigned depth,
                          std::uint64_t runs) {
  if (fibers == 0 || depth == 0) return 1;
  const double chance =
      1 / (fibers * std::pow(static_cast<double>(steps == 0 ? 1 : steps), depth - 1.0));
  if (chance >= 1) return runs == 0 ? 1 : 0;
  return std::exp(static_cast<double>(runs) * std::log1p(-chance));
}

double missed_at_most(const Worth& worth) {
  const auto pct = worth.runs_by.find("pct");
  if (pct == worth.runs_by.end() || worth.fibers == 0) return -1;
  return pct_missed_at_most(worth.fibers, worth.steps, deepest(worth),
                            worth.depth == 0 ? pct->second / 3 : pct->second);
}

std::string guarantee_text(const Worth& worth) {
  const bool systematic = worth.bounded || worth.classes != 0 || worth.complete;
  if (worth.complete || worth.runs_by.empty())
    return systematic ? systematic_text(worth) : "nothing was explored";
  return sampled_text(worth) + (systematic ? "; " + systematic_text(worth) : "");
}

}  // namespace pagebox::inline PAGEBOX_ENV
