// One thread of a race: draws operations and pages, does them, remembers what it
// holds and gives only that back. What a thread holds it keeps to itself and
// enters in the box's accounts for each audit, so the accounts cost a race nothing.
#pragma once

#include "base/env.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"
#include "engine/box/box.h"
#include "engine/race/race.h"
#include "engine/scenario/pattern.h"

namespace pagebox::inline PAGEBOX_ENV {

class RaceWorker {
 public:
  RaceWorker(Box& box, const RaceSettings& settings, unsigned thread, const ZipfTable* zipf);

  /// Operations drawn at once; latency is sampled once in each full chunk.
  static constexpr std::size_t kChunk = 256;

  /// Does `ops` operations, kChunk at most.
  void run_chunk(std::size_t ops);

  /// Around an audit. kNoMem: the ledger has no room.
  Errc enter_holdings();
  void withdraw_holdings();
  /// Gives everything back.
  void release_holdings();

  const OpResults& results() const { return results_; }

 private:
  /// What a thread keeps at most of each kind; beyond it something is given back first.
  static constexpr std::size_t kMaxHeld = 1024;

  PinOp draw_op();
  void do_timed(PinOp op, Pfn pfn);
  void do_one(PinOp op, Pfn pfn);
  void do_run(PinOp op, std::span<const std::uint32_t> pfns);
  void do_pairs(PinOp op, std::span<const std::uint32_t> pfns);
  Errc attempt(PinOp op, Pfn pfn);

  void free_last(Pfn pfn);
  Errc get(Pfn pfn);
  Errc put(Pfn pfn);
  Errc try_pin(Pfn pfn);
  Errc unpin(Pfn pfn);
  Errc hold_pin(Pfn pfn);
  Errc hold_ref(Pfn pfn);
  Errc release_pin();
  Errc release_ref();
  Errc pin_referenced_pair(Pfn pfn);
  Errc isolate_pair(Pfn pfn);

  Box& box_;
  const PinKernel& kernel_;
  const PinFrame& frame_;
  const unsigned shard_;
  Rng rng_;
  Rng release_rng_;  // its own: what is held depends on the race, what is drawn must not
  PatternStream stream_;
  std::array<std::uint32_t, kPinOps> reach_{};  // sums of weights
  PinOp only_op_ = PinOp::kPinUnpin;
  bool single_op_ = false;
  std::uint64_t clock_cost_ns_ = 0;
  std::vector<Pfn> held_pins_, held_refs_;
  std::array<std::uint32_t, kChunk> pfns_{}, freed_{};
  std::array<PinOp, kChunk> ops_{};
  OpResults results_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
