// A scenario that was written down: what sets it up, and the list of each thread.
// `repeat` and the choice of pages are resolved here, so an interpreter sees only
// operations that it can execute.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "engine/scenario/interpreter.h"
#include "engine/scenario/livelock.h"
#include "engine/scenario/op_source.h"
#include "engine/scenario/pattern.h"

namespace pagebox::inline PAGEBOX_ENV {

/// Lists are flat: a `repeat` is followed by its body.
struct ScenarioOps {
  std::vector<Op> setup;
  std::vector<std::vector<Op>> threads;
  /// When all threads are done, alone.
  std::vector<Op> after;
};

inline constexpr unsigned kMaxRepeatDepth = 8;
/// Operations of a setup. It runs anew for each round and each schedule.
inline constexpr std::uint64_t kMaxSetupOps = 1'000'000;

/// Operations of a list with every `repeat` resolved, barriers among them; 2^64 - 1: that
/// many or more. The list passes check_scenario().
std::uint64_t count_ops(const std::vector<Op>& ops);
/// Of all lists together.
std::uint64_t count_ops(const ScenarioOps& scenario);

/// RAM that its set_up_page name: that much of it is placed by pfn.
std::uint64_t count_placed_pages(const ScenarioOps& scenario);

/// Of those, how many are ever named: where pages lie behind makes no difference.
std::uint64_t count_named_pages(const ScenarioOps& scenario);
/// False: its operations are all on pages by pfn, and descriptors alone will do.
bool needs_machine(const ScenarioOps& scenario);

/// Operations stop at points, and others resume them: the sandbox needs a gate.
bool has_stops(const ScenarioOps& scenario);

/// kInval: a body that leaves its list, a barrier or a stop in the setup or after the threads, one
/// of those longer than kMaxSetupOps, threads that meet different numbers of barriers (some would
/// wait forever); `reason` says which.
Errc check_scenario(const ScenarioOps& scenario, std::string& reason);

/// The operations of one list, one after another.
class Program final : public OpSource {
 public:
  /// `ops` passes check_scenario() and outlives this. Pages are chosen by (seed,
  /// thread of the interpreter).
  Program(const std::vector<Op>& ops, Interpreter& interpreter, std::uint64_t seed);
  bool next(Op& op) override;
  /// Of a repeat whose body is a pair on one page (pin and unpin, get and put) or a query.
  void next_chunk(PageChunk& chunk, std::size_t limit) override;
  /// Where in the list the last operation stands.
  std::size_t last() const { return at_ - 1; }

 private:
  struct Loop {
    std::size_t begin = 0, end = 0;
    std::uint64_t left = 0;
  };
  void settle();
  void choose_page(Op& op);
  PfnRange range_of(const Op& op, std::uint64_t places, std::uint64_t size);
  std::uint64_t draw_page(PagePick pick, std::uint64_t places);
  std::optional<PinOp> step_of(std::size_t body, std::size_t size) const;

  const std::vector<Op>& ops_;
  Interpreter& interpreter_;
  std::size_t at_ = 0;
  std::vector<Loop> loops_;
  std::vector<std::uint8_t> idle_;           // by place: a repeat that comes to no operation
  std::vector<std::optional<PinOp>> steps_;  // by place: what a repeat comes to for each page
  Rng rng_;
  std::uint64_t sequential_ = 0;
  std::map<std::uint64_t, std::unique_ptr<ZipfTable>> zipf_;  // by pages
};

class Sandbox;

/// What came of each operation that ran, in the order in which they ran.
struct RanOp {
  unsigned thread = 0;    // 0: the setup; beyond the threads: after them
  std::size_t index = 0;  // in the thread's list
  OpRecord record;
};

/// Words that results of one run keep in memory: of loads, and of pages looked at.
inline constexpr std::uint64_t kMaxRanWords = std::uint64_t{1} << 24;

/// Before the threads of a scenario that looks after them: as where it was recorded, no
/// batch of the setup holds a reference any more.
void settle_setup(Sandbox& sandbox, const ScenarioOps& scenario);
/// What comes when all threads are done: their names are everybody's then (of two, the one of
/// the lower thread), and the LRU's batches are empty. `done` has each operation's result.
void run_after(Sandbox& sandbox, const ScenarioOps& scenario, std::uint64_t seed,
               LivelockWatch& watch,
               const std::function<void(const Op&, std::size_t, OpRecord&&)>& done);

/// In order: the setup, then each thread up to its next barrier, in turn, and what comes
/// after them. The caller has
/// counted the operations. Where operations stop, the threads take turns: one that stands at a
/// point, or has to wait for it, lets the next go on. False: more words than kMaxRanWords, `out`
/// ends there.
bool run_in_order(Sandbox& sandbox, const ScenarioOps& scenario, std::uint64_t seed,
                  LivelockWatch& watch, std::vector<RanOp>& out);

}  // namespace pagebox::inline PAGEBOX_ENV
