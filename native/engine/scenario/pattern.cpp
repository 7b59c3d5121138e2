#include "engine/scenario/pattern.h"

#include <algorithm>
#include <cmath>

namespace pagebox::inline PAGEBOX_ENV {

namespace {

constexpr double kExponent = 0.99;

// The integral of x^-0.99 for the sum over ranks, each rank being the unit interval
// around it: 10 % too much for the first rank, 1 % for the second, nothing beyond.
double mass_below(double rank) { return std::pow(rank, 1 - kExponent); }

// Scatters ranks over the pages: popular ones must not be neighbours, whose lines
// are fetched together. A multiplication by an odd number close to the golden
// ratio of 2^64, folded to the range.
std::uint64_t scatter(std::uint64_t rank, std::uint64_t pages) {
  __extension__ using Wide = unsigned __int128;
  const std::uint64_t mixed = rank * 0x9e3779b97f4a7c15U;
  return static_cast<std::uint64_t>((static_cast<Wide>(mixed) * pages) >> 64);
}

}  // namespace

ZipfTable::ZipfTable(std::uint64_t pages) : pages_(pages) {
  constexpr unsigned kSteps = 1U << kBits;
  first_rank_.resize(kSteps + 1);
  const double low = mass_below(0.5), high = mass_below(static_cast<double>(pages) + 0.5);
  for (unsigned i = 0; i <= kSteps; ++i) {
    const double mass = low + (high - low) * i / kSteps;
    const double rank = std::pow(mass, 1 / (1 - kExponent)) - 0.5;
    first_rank_[i] =
        static_cast<std::uint32_t>(std::clamp(rank, 0.0, static_cast<double>(pages - 1)));
  }
}

std::uint64_t ZipfTable::draw(Rng& rng) const {
  const std::uint64_t bits = rng.next();
  const auto step = static_cast<std::uint32_t>(bits >> (64 - kBits));
  const std::uint64_t first = first_rank_[step];
  const std::uint64_t width = first_rank_[step + 1] - first;
  std::uint64_t rank = first;
  // Many ranks share a step in the tail: the low bits choose among them.
  if (width > 1) rank += ((bits & 0xffffffffU) * width) >> 32;
  return scatter(rank, pages_);
}

PatternStream::PatternStream(Pattern pattern, Pfn first, std::uint64_t pages, std::uint64_t seed,
                             unsigned thread, unsigned threads, const ZipfTable* zipf)
    : pattern_(pattern),
      first_(first.value),
      pages_(pages),
      next_(pages / threads * thread),
      rng_(Rng::stream(seed, thread)),
      zipf_(zipf) {}

PfnRange PatternStream::take(std::size_t size) {
  if (pattern_ == Pattern::kHot) return {first_, first_ + 1, first_};
  const PfnRange range{first_, first_ + pages_, first_ + next_};
  next_ = (next_ + size) % pages_;
  return range;
}

void PatternStream::fill(std::span<std::uint32_t> pfns) {
  switch (pattern_) {
    case Pattern::kSequential:
      for (auto& pfn : pfns) {
        pfn = static_cast<std::uint32_t>(first_ + next_);
        if (++next_ == pages_) next_ = 0;
      }
      break;
    // Of a copy, which a store of a pfn cannot be about.
    case Pattern::kRandom: {
      Rng rng = rng_;
      for (auto& pfn : pfns) pfn = static_cast<std::uint32_t>(first_ + rng.below(pages_));
      rng_ = rng;
      break;
    }
    case Pattern::kZipf: {
      Rng rng = rng_;
      for (auto& pfn : pfns) pfn = static_cast<std::uint32_t>(first_ + zipf_->draw(rng));
      rng_ = rng;
      break;
    }
    case Pattern::kHot:
      std::fill(pfns.begin(), pfns.end(), static_cast<std::uint32_t>(first_));
      break;
  }
}

}  // namespace pagebox::inline PAGEBOX_ENV
