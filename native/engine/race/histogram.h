// Latencies in log-linear buckets, as HdrHistogram does it: values are exact
// below 32 ns and within 1/32 above, so percentiles of any run take 9 KiB.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

class Histogram {
 public:
  static constexpr unsigned kSubBits = 5, kMaxBits = 40;  // up to 2^40 ns, 18 minutes
  static constexpr unsigned kBuckets = (kMaxBits - kSubBits + 1) << kSubBits;

  void record(std::uint64_t ns) {
    ++counts_[bucket_of(ns)];
    ++samples_;
    sum_ns_ += ns;
    if (ns > max_ns_) max_ns_ = ns;
    if (ns < min_ns_) min_ns_ = ns;
  }
  void merge(const Histogram& other) {
    for (unsigned i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
    samples_ += other.samples_;
    sum_ns_ += other.sum_ns_;
    if (other.max_ns_ > max_ns_) max_ns_ = other.max_ns_;
    if (other.min_ns_ < min_ns_) min_ns_ = other.min_ns_;
  }

  std::uint64_t samples() const { return samples_; }
  std::uint64_t min_ns() const { return samples_ == 0 ? 0 : min_ns_; }
  std::uint64_t max_ns() const { return max_ns_; }
  double mean_ns() const {
    return samples_ == 0 ? 0 : static_cast<double>(sum_ns_) / static_cast<double>(samples_);
  }
  /// The least value that at least `share` (0..1) of the samples do not exceed, to a
  /// bucket's width; 0 without samples.
  std::uint64_t percentile_ns(double share) const;

  std::uint64_t count(unsigned bucket) const { return counts_[bucket]; }
  /// Values of a bucket lie in [floor_ns(i), floor_ns(i + 1)).
  static constexpr std::uint64_t floor_ns(unsigned bucket) {
    const unsigned octave = bucket >> kSubBits, sub = bucket & ((1U << kSubBits) - 1);
    if (octave == 0) return sub;
    return (std::uint64_t{sub} + (1U << kSubBits)) << (octave - 1);
  }
  static constexpr unsigned bucket_of(std::uint64_t ns) {
    constexpr std::uint64_t kLast = (std::uint64_t{1} << kMaxBits) - 1;
    if (ns > kLast) ns = kLast;
    if (ns < (1U << kSubBits)) return static_cast<unsigned>(ns);
    const unsigned octave = static_cast<unsigned>(std::bit_width(ns)) - kSubBits;
    return (octave << kSubBits) + static_cast<unsigned>((ns >> (octave - 1)) - (1U << kSubBits));
  }

 private:
  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t samples_ = 0, sum_ns_ = 0, max_ns_ = 0, min_ns_ = ~std::uint64_t{0};
};

}  // namespace pagebox::inline PAGEBOX_ENV
