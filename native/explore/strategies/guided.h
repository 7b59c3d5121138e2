// Makes the choices it is given as far as they can be made: one that cannot is passed over,
// and behind the last one nobody is left who can go on. So a part of a schedule, or one of
// another program, is a schedule too.
#pragma once

#include <bit>
#include <span>

#include "base/env.h"
#include "base/model/strategy.h"

namespace pagebox::inline PAGEBOX_ENV {

class GuidedStrategy final : public Strategy {
 public:
  explicit GuidedStrategy(std::span<const FiberId> choices) : choices_(choices) {}

  bool begin(std::uint64_t) override {
    next_ = 0;
    return true;
  }
  FiberId next_fiber(const Choice& choice) override {
    while (next_ < choices_.size()) {
      const FiberId next = choices_[next_++];
      if (can_go_on(choice, next)) return next;
    }
    if (can_go_on(choice, choice.current)) return choice.current;
    return static_cast<FiberId>(std::countr_zero(choice.runnable));
  }

 private:
  static bool can_go_on(const Choice& choice, FiberId fiber) {
    return fiber < kMaxFibers && (choice.runnable & fiber_bit(fiber)) != 0;
  }

  std::span<const FiberId> choices_;
  std::size_t next_ = 0;
};

}  // namespace pagebox::inline PAGEBOX_ENV
