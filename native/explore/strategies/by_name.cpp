#include "explore/strategies/by_name.h"

#include "explore/strategies/depth_first.h"
#include "explore/strategies/random.h"

namespace pagebox::inline PAGEBOX_ENV {

std::unique_ptr<Strategy> make_strategy(std::string_view name, std::uint64_t seed) {
  if (name == kStrategyNames[0]) return std::make_unique<RandomStrategy>(seed);
  if (name == kStrategyNames[1]) return std::make_unique<DepthFirstStrategy>();
  return nullptr;
}

}  // namespace pagebox::inline PAGEBOX_ENV
