// A strategy whose runs are others': each run one's.
#pragma once

#include "base/env.h"

#include "base/model/strategy.h"

namespace pagebox::inline PAGEBOX_ENV {

/// All that a run tells and asks goes to whose run it is.
class DelegatingStrategy : public Strategy {
 public:
  std::string_view name() const override { return now_->name(); }
  Visit visits() const override { return now_->visits(); }
  FiberId next_fiber(const Choice& choice) final { return now_->next_fiber(choice); }
  bool wants_steps() const final { return now_->wants_steps(); }
  std::size_t quiet_choices() const final { return now_->quiet_choices(); }
  bool executed(const Step& step) final { return now_->executed(step); }
  bool wants_points() const final { return now_->wants_points(); }
  void passed(FiberId fiber, const PendingAccess& what) final { now_->passed(fiber, what); }
  void woke(FiberId by, const void* at, FiberSet sleepers) final { now_->woke(by, at, sleepers); }
  void begun(FiberId by, FiberId child) final { now_->begun(by, child); }
  void died(FiberId by, const void* at, std::size_t bytes) final { now_->died(by, at, bytes); }
  void end(const RunOutcome& outcome) override { now_->end(outcome); }

 protected:
  explicit DelegatingStrategy(Strategy& first) : now_(&first) {}
  void delegate_to(Strategy& strategy) { now_ = &strategy; }
  bool is_delegated_to(const Strategy& strategy) const { return now_ == &strategy; }
  Strategy& now() const { return *now_; }

 private:
  Strategy* now_;
};

}  // namespace pagebox::inline PAGEBOX_ENV
