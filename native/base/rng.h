// Random numbers that are the same on every machine: one seed, as many
// independent streams as threads or runs. Not for secrets.
#pragma once

#include <cstdint>

#include "base/env.h"

namespace pagebox::inline PAGEBOX_ENV {

/// splitmix64 (Steele, Lea, Flood, OOPSLA 2014): spreads a seed over 64 bits.
constexpr std::uint64_t splitmix64(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

/// `value` into a hash of what came before it; the order counts.
constexpr std::uint64_t add_to_hash(std::uint64_t hash, std::uint64_t value) {
  std::uint64_t state = hash ^ value;
  return splitmix64(state);
}

/// xoshiro256** (Blackman, Vigna, ACM TOMS 2021).
class Rng {
 public:
  constexpr explicit Rng(std::uint64_t seed) {
    for (auto& word : state_) word = splitmix64(seed);
  }

  /// The generator of one thread or run: a function of (seed, index) alone.
  static constexpr Rng stream(std::uint64_t seed, std::uint64_t index) {
    std::uint64_t mixed = index;
    return Rng(seed ^ splitmix64(mixed));
  }

  constexpr std::uint64_t next() {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  /// Uniform in [0, n); 0 for n == 0. The bias is below n / 2^64.
  constexpr std::uint64_t below(std::uint64_t n) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * n) >> 64);
  }

  /// Uniform in [0, 1), 53 bits.
  constexpr double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  static constexpr std::uint64_t rotate(std::uint64_t x, int by) {
    return (x << by) | (x >> (64 - by));
  }
  std::uint64_t state_[4];
};

}  // namespace pagebox::inline PAGEBOX_ENV
