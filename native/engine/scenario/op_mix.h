// Which operations random threads do, and how often: weights by the name of an
// operation, of an advice (`pageout` is madvise with it), or of a group.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/rng.h"
#include "engine/scenario/ops.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Operations first, then madvise with each advice.
inline constexpr unsigned kMixSlots = kOpCodes + kAdviceNames.size();

struct OpMix {
  std::array<std::uint32_t, kMixSlots> weights{};

  std::uint64_t sum() const;
  /// False: no operation, advice or group of that name, or one that no generator
  /// draws (barrier, repeat). A group adds each of its parts `weight` times.
  bool add(std::string_view name, std::uint32_t weight);
};

/// A mix as it is drawn from: made once, and shared by all who draw.
class MixTable {
 public:
  /// Not all zero.
  explicit MixTable(const OpMix& mix);
  unsigned draw(Rng& rng) const;
  std::uint32_t weight(unsigned slot) const { return mix_.weights[slot]; }

 private:
  /// From where on a number drawn is looked for in the mix.
  struct Guide {
    std::uint32_t slot = 0;
    std::uint64_t before = 0;  // the weights before it
  };
  static constexpr unsigned kGuides = 32;
  OpMix mix_;
  std::uint64_t sum_;
  unsigned guide_shift_;  // of a number drawn: which guide
  std::array<Guide, kGuides> guide_{};
};

struct MixGroup {
  std::string_view name, summary;
};
inline constexpr std::array<MixGroup, 6> kMixGroups = {{
    {"mm", "mappings, faults, forks, pins, files"},
    {"device", "migration to devices and back, exclusive access, removal of their memory"},
    {"touch", "loads, stores, pins: what collides with devices"},
    {"chaos", "pageout, compaction, writeback, forks, exits"},
    {"pages", "pins, references and isolation of pages by pfn"},
    {"pins", "the same of pages that nobody sets up anew: what explorePins draws"},
}};

/// The name of a slot.
std::string_view mix_name(unsigned slot);

}  // namespace pagebox::inline PAGEBOX_ENV
