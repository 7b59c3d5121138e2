// Random operations of a thread over a few processes and a few pages of each kind
// of memory, so that threads meet. A function of (seed, thread) and of what came of
// the operations before.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/rng.h"
#include "engine/scenario/op_mix.h"
#include "engine/scenario/op_source.h"
#include "engine/scenario/program.h"

namespace pagebox::inline PAGEBOX_ENV {

struct RandomOpsSettings {
  unsigned processes = 2;  // that all threads share; to kMaxSharedProcesses
  unsigned buffers = 7;    // letters, of kinds in turn; to kMaxRandomBuffers
  unsigned pages = 2;      // of each letter
  unsigned placed = 0;     // pages set up by pfn; none unless a mix draws operations on them
  /// Not 0: operations on the pages of so many folios by pfn, of 2^order pages each, and
  /// on nothing else. Half of what is taken is given back by the next operation, which
  /// belongs to the one that took it and is not counted.
  unsigned folios = 0, order = 0;
};
inline constexpr unsigned kRandomPlaced = 16;
/// With the pages that the mixes need beside.
RandomOpsSettings complete(RandomOpsSettings settings, const std::vector<OpMix>& mixes);
inline constexpr unsigned kMaxSharedProcesses = 16, kMaxRandomBuffers = 12, kMaxRandomPages = 4096;
inline constexpr unsigned kMaxRandomFolios = 8;

constexpr bool is_valid(const RandomOpsSettings& settings) {
  return settings.processes >= 1 && settings.processes <= kMaxSharedProcesses &&
         settings.buffers >= 1 && settings.buffers <= kMaxRandomBuffers && settings.pages >= 1 &&
         settings.pages <= kMaxRandomPages && settings.folios <= kMaxRandomFolios &&
         settings.order <= kMaxOrder;
}

/// Makes the disk files, the letters with contents and the shared processes.
std::vector<Op> random_setup(const RandomOpsSettings& settings);

class RandomOps final : public OpSource {
 public:
  /// `mix` outlives this and is not all zero. `ops` operations; 0: no end.
  RandomOps(const OpMix& mix, const RandomOpsSettings& settings, std::uint64_t seed,
            unsigned thread, std::uint64_t ops);
  bool next(Op& op) override;
  void done(const Op& op, const OpRecord& record) override;

 private:
  struct Pin {
    std::uint32_t proc = 0;
    std::int64_t id = 0;
  };
  unsigned draw_slot();
  void draw_process(Op& op);
  void draw_range(Op& op);
  void draw_mmap(Op& op);
  void draw_fork(Op& op);
  void draw_exit(Op& op);
  void draw_pin(Op& op);
  void draw_held_pin(Op& op);
  void draw_page(Op& op);
  void draw_on_folio(Op& op);
  bool next_of_pair(Op& op);

  const OpMix& mix_;
  const RandomOpsSettings settings_;
  const std::uint64_t sum_;
  Rng rng_;
  std::uint64_t left_ = 0;
  bool endless_ = false;
  std::vector<std::uint32_t> children_;  // alive, this thread's own
  std::vector<Pin> pins_;
  std::int64_t next_id_ = 0;
  std::array<unsigned, 3> held_{};  // pages pinned, referenced, isolated by pfn
  std::optional<OpCode> partner_;   // follows if what was drawn comes about
  bool follows_ = false;
};

}  // namespace pagebox::inline PAGEBOX_ENV
