// One of several machines that explore the same program: which subtrees of the search are
// its own is a function of the program and of their number alone, so none needs to hear of
// another, and together they visit each class once.
//
// First the tree is looked at from above, the same on every machine: a node whose subtree
// has the most races in its first schedule is opened, until there are several subtrees for
// each machine. At an open node every fiber that is awake is gone on with, since what the
// reduction would ask for is known only at the end; the earlier ones of them sleep for the
// later ones, with the steps that were seen. So a subtree is what it is whoever explores
// it. What was only looked at counts as nothing. Then the own subtrees are explored.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "explore/strategies/delegating.h"
#include "explore/strategies/dpor.h"
#include "explore/strategies/subtree.h"

namespace pagebox::inline PAGEBOX_ENV {

class SharedStrategy final : public DelegatingStrategy {
 public:
  /// Machine `index` (from 0) of so many; `below` explores the own subtrees.
  SharedStrategy(std::uint64_t index, std::uint64_t of, std::unique_ptr<SubtreeStrategy> below)
      : DelegatingStrategy(look_), index_(index), of_(of), below_(std::move(below)) {}

  std::string_view name() const override { return below_->name(); }
  Visit visits() const override { return is_delegated_to(look_) ? Visit::kNone : below_->visits(); }
  void places_move() override;
  bool begin(std::uint64_t run) override;
  void end(const RunOutcome& outcome) override;
  std::uint64_t held_bytes() const override { return below_->held_bytes() + held_bytes_; }
  bool is_complete() const override { return is_done_ && is_whole_; }
  double explored() const override;

 private:
  /// Subtrees that there should be for each machine.
  static constexpr std::uint64_t kSubtreesEach = 8;
  /// Runs that only look, at most.
  static constexpr std::uint64_t kMostLooks = std::uint64_t{1} << 15;
  static constexpr std::uint32_t kRoot = ~std::uint32_t{0};

  /// A choice whose alternatives are subtrees.
  struct Open {
    std::uint32_t above = kRoot;  // the open one over it
    unsigned rank = 0;            // which of its alternatives led here
    FiberSet runnable = 0;
    std::vector<FiberId> order;       // of alternatives
    std::vector<ExploredStep> steps;  // theirs; without a fiber: nobody knows it
  };
  /// A subtree that is not opened.
  struct Leaf {
    std::uint32_t above = kRoot;
    unsigned rank = 0;
    DporStrategy::Below below;
  };

  Prefix prefix_of(std::uint32_t above, unsigned rank) const;
  void look_at(std::uint32_t above, unsigned rank);
  bool open_next();
  void deal();

  const std::uint64_t index_, of_;
  std::unique_ptr<SubtreeStrategy> below_;
  DporStrategy look_;
  std::vector<Open> open_;
  std::vector<Leaf> leaves_;
  // Those that are worth it, the largest first, the first of them first.
  std::set<std::pair<std::uint64_t, std::size_t>> to_open_;
  std::size_t closed_ = 0;  // leaves that were opened
  std::uint64_t looks_ = 0, held_bytes_ = 0;
  std::uint32_t looking_above_ = kRoot;
  unsigned looking_rank_ = 0;
  bool is_dealt_ = false, is_done_ = false, is_whole_ = true, remembers_ = true;
  std::vector<std::size_t> own_;
  std::size_t next_own_ = 0;
};

}  // namespace pagebox::inline PAGEBOX_ENV
