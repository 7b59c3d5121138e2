#include "engine/race/histogram.h"

#include <algorithm>
#include <cmath>

namespace pagebox::inline PAGEBOX_ENV {

std::uint64_t Histogram::percentile_ns(double share) const {
  if (samples_ == 0) return 0;
  const auto wanted = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(samples_))));
  std::uint64_t seen = 0;
  for (unsigned i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    // The last value of the bucket, but never one that was not reached.
    if (seen >= wanted) return std::clamp(floor_ns(i + 1) - 1, min_ns(), max_ns_);
  }
  return max_ns_;
}

}  // namespace pagebox::inline PAGEBOX_ENV
