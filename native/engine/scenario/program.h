// One list of a scenario, as it runs: `repeat` and the choice of pages are resolved here, so an
// interpreter sees only operations that it can execute.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/rng.h"
#include "engine/scenario/interpreter.h"
#include "engine/scenario/op_source.h"
#include "engine/scenario/pattern.h"

namespace pagebox::inline PAGEBOX_ENV {

/// The operations of one list, one after another.
class Program final : public OpSource {
 public:
  /// `ops` passes check_scenario() and outlives this. Pages are chosen by (seed,
  /// thread of the interpreter).
  Program(const std::vector<Op>& ops, Interpreter& interpreter, std::uint64_t seed);
  /// As when it was made. Of a list without repeats.
  void restart();
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
  const Rng first_rng_;
  Rng rng_;
  std::uint64_t sequential_ = 0;
  std::map<std::uint64_t, std::unique_ptr<ZipfTable>> zipf_;  // by pages
};

}  // namespace pagebox::inline PAGEBOX_ENV
