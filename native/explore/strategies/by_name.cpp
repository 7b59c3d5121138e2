#include "explore/strategies/by_name.h"

#include <algorithm>

#include "explore/strategies/depth_first.h"
#include "explore/strategies/portfolio.h"
#include "explore/strategies/shared.h"

namespace pagebox::inline PAGEBOX_ENV {

namespace {

namespace limits = explore_limits;

bool samples(std::string_view name) {
  return name != "depth-first" && name != "dpor" && name != "portfolio";
}

}  // namespace

std::string check_strategy(const StrategySettings& settings) {
  if (std::find(kStrategyNames.begin(), kStrategyNames.end(), settings.name) ==
      kStrategyNames.end()) {
    std::string names;
    for (const std::string_view name : kStrategyNames)
      names += (names.empty() ? "" : ", ") + std::string(name);
    return "strategy: " + names;
  }
  if (!samples(settings.name) && !settings.one_program)
    return "samplesEach: 0, as " + settings.name + " explores one program";
  if (settings.bound) {
    if (settings.name != "depth-first")
      return "bound: none, as " + settings.name + " has none; depth-first has";
    if (!limits::kBound.holds(*settings.bound)) return limits::kBound.text();
  }
  if (settings.depth != 0) {
    if (settings.name != "pct") return "depth: none, as " + settings.name + " has none; pct has";
    if (!limits::kDepth.holds(settings.depth)) return limits::kDepth.text();
  }
  if (settings.shards != 0) {
    if (settings.name != "dpor" && settings.name != "depth-first")
      return "shard: none, as runs of " + settings.name + " are shared by their numbers";
    if (!limits::kShards.holds(settings.shards)) return limits::kShards.text();
    if (settings.shard < 1 || settings.shard > settings.shards)
      return "shard: 1 to " + std::to_string(settings.shards);
  }
  return "";
}

std::unique_ptr<Strategy> make_strategy(const StrategySettings& settings) {
  const std::uint64_t seed = settings.seed;
  const bool is_shared = settings.shards > 1;
  if (settings.name == "depth-first") {
    DepthFirstStrategy::Settings of;
    if (settings.bound) of.preemptions = static_cast<std::uint32_t>(*settings.bound);
    if (!is_shared) return std::make_unique<DepthFirstStrategy>(of);
    if (!settings.bound)
      return std::make_unique<SharedStrategy>(settings.shard - 1, settings.shards,
                                              std::make_unique<DepthFirstStrategy>(of));
    of.index = settings.shard - 1;
    of.of = settings.shards;
    return std::make_unique<DepthFirstStrategy>(of);
  }
  if (settings.name == "dpor" && is_shared)
    return std::make_unique<SharedStrategy>(settings.shard - 1, settings.shards,
                                            std::make_unique<DporStrategy>());
  if (settings.name == "dpor") return std::make_unique<DporStrategy>();
  if (settings.name == "portfolio") {
    // Half of what there is; who starts in the middle wants those that were drawn.
    const std::uint64_t systematic = settings.first_run == 0 ? (settings.schedules + 1) / 2 : 0;
    return std::make_unique<PortfolioStrategy>(seed, systematic);
  }
  if (settings.name == "pct")
    return std::make_unique<PctStrategy>(seed, static_cast<unsigned>(settings.depth));
  if (settings.name == "pos") return std::make_unique<PosStrategy>(seed);
  if (settings.name == "urw") return std::make_unique<UrwStrategy>(seed);
  if (settings.name == "surw") return std::make_unique<SurwStrategy>(seed);
  return std::make_unique<RandomStrategy>(seed);
}

}  // namespace pagebox::inline PAGEBOX_ENV
