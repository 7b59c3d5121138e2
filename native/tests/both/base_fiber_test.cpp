// The stack switch, by itself.
#include "base/fiber.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace {

using pagebox::FiberContext;
using pagebox::FiberStack;
using pagebox::switch_fiber;

struct Partner {
  FiberStack stack;
  FiberContext main;
  std::vector<int> log;
  double sum = 0;

  // Keeps values of both kinds alive across each switch.
  static void run(void* arg) {
    auto* self = static_cast<Partner*>(arg);
    self->stack.context().arrived();
    std::uint64_t whole = 1;
    double broken = 0.5;
    for (int i = 0;; ++i) {
      self->log.push_back(i);
      self->sum = static_cast<double>(whole) + broken;
      switch_fiber(self->stack.context(), self->main);
      whole *= 3;
      broken /= 2;
    }
  }
  void go() { switch_fiber(main, stack.context()); }
};

TEST(BaseFiber, SwitchesThereAndBackAndKeepsRegisters) {
  Partner partner;
  ASSERT_EQ(partner.stack.create(0), pagebox::Errc::kOk);
  partner.main.adopt_thread();
  partner.stack.prepare(&Partner::run, &partner);
  std::uint64_t whole = 1;
  double broken = 0.5;
  for (int i = 0; i < 20; ++i) {
    partner.go();
    EXPECT_EQ(partner.sum, static_cast<double>(whole) + broken);
    whole *= 3;
    broken /= 2;
  }
  EXPECT_EQ(partner.log.size(), 20U);
}

TEST(BaseFiber, AnAbandonedStackBeginsAnew) {
  Partner partner;
  ASSERT_EQ(partner.stack.create(3), pagebox::Errc::kOk);
  partner.main.adopt_thread();
  for (int round = 0; round < 3; ++round) {
    partner.stack.prepare(&Partner::run, &partner);
    partner.go();
    partner.go();
  }
  EXPECT_EQ(partner.log, (std::vector<int>{0, 1, 0, 1, 0, 1}));
}

TEST(BaseFiber, StacksAreDeepEnoughForRecursion) {
  struct Deep {
    FiberStack stack;
    FiberContext main;
    static std::uint64_t down(unsigned levels) {
      volatile std::byte frame[512] = {};
      frame[levels % 512] = std::byte{1};
      return levels == 0 ? 0 : 1 + down(levels - 1) + static_cast<std::uint64_t>(frame[0]) * 0;
    }
    static void run(void* arg) {
      auto* self = static_cast<Deep*>(arg);
      self->stack.context().arrived();
      EXPECT_EQ(down(100), 100U);
      for (;;) switch_fiber(self->stack.context(), self->main);
    }
  } deep;
  ASSERT_EQ(deep.stack.create(1), pagebox::Errc::kOk);
  deep.main.adopt_thread();
  deep.stack.prepare(&Deep::run, &deep);
  switch_fiber(deep.main, deep.stack.context());
}

}  // namespace
