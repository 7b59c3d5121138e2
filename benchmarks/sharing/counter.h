// What threads share, counted: every access of a run of the model, by cache line.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/model/model_run.h"

namespace sharing {

/// Of one thread's operation, in the mean.
struct Shared {
  double accesses = 0;   ///< to lines that another thread writes in the same run
  double transfers = 0;  ///< accesses that find the line changed by another, or at others
};

/// Tells each access of a run; ask it when the run is over.
class Counter final : public pagebox::RunObserver {
 public:
  static constexpr std::uint64_t kLineBytes = 64;

  /// `is_apart` of a place: each thread has one of its own for it, though not in the model.
  explicit Counter(std::function<bool(const std::byte*)> is_apart)
      : is_apart_(std::move(is_apart)) {}

  void step(pagebox::FiberId fiber, const pagebox::PendingAccess& access) override {
    if (access.at == nullptr || fiber >= kThreads) return;
    if (is_apart_(static_cast<const std::byte*>(access.at))) return;
    const auto at = reinterpret_cast<std::uint64_t>(access.at);
    Line& line = lines_[at / kLineBytes];
    const std::uint64_t own = std::uint64_t{1} << fiber;
    const bool writes = access.writes();
    // As caches of cores that keep a line until another writes it.
    const bool has = writes ? line.holders == own : (line.holders & own) != 0;
    const bool moved = !has && line.holders != 0;
    line.holders = writes ? own : line.holders | own;
    if (writes) line.writers |= own;
    Word& word = words_[at / kWordBytes];
    ++word.accesses[fiber];
    if (moved) ++word.transfers;
  }

  /// By the names that `name` gives to places, for `operations` of each of `threads`.
  std::map<std::string, Shared> by_place(const std::function<std::string(const std::byte*)>& name,
                                         double operations, unsigned threads) const {
    std::map<std::string, Shared> places;
    for (const auto& [at, word] : words_) {
      const Line& line = lines_.at(at * kWordBytes / kLineBytes);
      std::uint64_t met = 0;
      for (unsigned i = 0; i < kThreads; ++i)
        if ((line.writers & ~(std::uint64_t{1} << i)) != 0) met += word.accesses[i];
      if (met == 0) continue;
      Shared& place = places[name(reinterpret_cast<const std::byte*>(at * kWordBytes))];
      place.accesses += static_cast<double>(met) / (operations * threads);
      place.transfers += word.transfers / (operations * threads);
    }
    return places;
  }

 private:
  static constexpr std::uint64_t kWordBytes = 8;
  static constexpr unsigned kThreads = pagebox::kMaxFibers;
  struct Line {
    std::uint64_t writers = 0, holders = 0;
  };
  struct Word {
    std::array<std::uint32_t, kThreads> accesses{};
    double transfers = 0;
  };
  std::function<bool(const std::byte*)> is_apart_;
  std::unordered_map<std::uint64_t, Line> lines_;
  std::unordered_map<std::uint64_t, Word> words_;
};

}  // namespace sharing
