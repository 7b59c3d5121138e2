// Makes the choices it is given, in turn: they are a schedule. Whoever watches hears of
// each step.
#pragma once

#include <bit>
#include <functional>
#include <span>

#include "base/env.h"
#include "base/model/strategy.h"

namespace pagebox::inline PAGEBOX_ENV {

class ReplayStrategy final : public Strategy {
 public:
  /// `told` may be empty.
  explicit ReplayStrategy(std::span<const FiberId> choices,
                          std::function<void(const Step&)> told = nullptr)
      : choices_(choices), told_(std::move(told)) {}

  bool begin(std::uint64_t) override {
    next_ = 0;
    differs_ = false;
    return true;
  }
  FiberId next_fiber(const Choice& choice) override {
    const FiberId next = next_ < choices_.size() ? choices_[next_++] : kNoFiber;
    if (next < kMaxFibers && (choice.runnable & fiber_bit(next)) != 0) return next;
    differs_ = true;
    return static_cast<FiberId>(std::countr_zero(choice.runnable));
  }
  bool wants_steps() const override { return told_ != nullptr; }
  bool executed(const Step& step) override {
    told_(step);
    return true;
  }
  /// The choices are not of this program: one named a fiber that could not go on, or there
  /// were too few.
  bool differs() const { return differs_ || next_ != choices_.size(); }

 private:
  std::span<const FiberId> choices_;
  std::function<void(const Step&)> told_;
  std::size_t next_ = 0;
  bool differs_ = false;
};

}  // namespace pagebox::inline PAGEBOX_ENV
