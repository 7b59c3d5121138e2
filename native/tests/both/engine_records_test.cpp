// Results of operations, whose buffers a race gives back and gets again.
#include <gtest/gtest.h>

#include <utility>

#include "engine/box/sandbox.h"
#include "pins/registry.h"
#include "tests/tools/op_of.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

TEST(Records, WhatWasGivenBackIsNoPartOfTheNext) {
  SandboxSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme("refcount-bias");
  std::unique_ptr<Sandbox> sandbox;
  ASSERT_EQ(Sandbox::create(settings, sandbox), Errc::kOk);
  Interpreter& interpreter = sandbox->interpreter(0);
  Op map = op_of(OpCode::kMmap);
  map.pages = 2;
  map.prot = kProtRead | kProtWrite;
  ASSERT_EQ(interpreter.run(map).ret, Errc::kOk);
  Op load = op_of(OpCode::kLoad), outside = load;
  load.has_n = outside.has_n = true;
  load.n = outside.n = 2;
  outside.buf = 1;
  OpRecord failed = interpreter.run(outside);
  ASSERT_EQ(failed.signals, std::vector(2, FaultResult::kSigsegv));
  interpreter.take_back(std::move(failed));
  OpRecord loaded = interpreter.run(load);
  EXPECT_EQ(loaded.signals, std::vector(2, FaultResult::kOk));
  EXPECT_EQ(loaded.v, std::vector<std::uint64_t>(2, 0));
  interpreter.take_back(std::move(loaded));
  const OpRecord stored = interpreter.run(op_of(OpCode::kStore, 7));
  EXPECT_TRUE(stored.v.empty());
  EXPECT_EQ(stored.signals.size(), 2U);
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
