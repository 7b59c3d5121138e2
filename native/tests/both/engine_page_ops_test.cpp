// Operations on pages by pfn: what a list comes to in batches, and that batches and single
// operations leave the same behind.
#include <gtest/gtest.h>

#include "engine/box/sandbox.h"
#include "engine/scenario/program.h"
#include "engine/scenario/scenario_ops.h"
#include "pins/registry.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

Op on_page(OpCode code, PagePick pick = PagePick::kGiven) {
  Op op;
  op.code = code;
  op.pick = pick;
  op.has_pfn = !is_chosen_late(pick);
  if (op.has_pfn && code != OpCode::kReleasePage) op.pages = 8;
  return op;
}

Op repeat(std::uint64_t n, std::uint64_t body) {
  Op op;
  op.code = OpCode::kRepeat;
  op.n = n;
  op.pages = body;
  return op;
}

struct PageOps : ::testing::Test {
  void make(unsigned threads = 1) {
    SandboxSettings settings;
    settings.layout = *find_layout("linux-6.12");
    settings.scheme = *find_scheme("side-table");
    settings.pages = 256;
    settings.device_pages = 32;
    settings.threads = threads;
    settings.placed_pages =
        count_placed_pages({.setup = {on_page(OpCode::kSetUpPage)}, .threads = {}});
    ASSERT_EQ(Sandbox::create(settings, sandbox), Errc::kOk);
    ASSERT_EQ(sandbox->interpreter().run(on_page(OpCode::kSetUpPage)).ret, Errc::kOk);
  }
  /// Steps that come in chunks, and operations that come one by one.
  std::pair<std::uint64_t, std::uint64_t> drain(const std::vector<Op>& ops) {
    Program program(ops, sandbox->interpreter(1), 1);
    PageChunk chunk;
    Op op;
    std::uint64_t steps = 0, single = 0;
    for (;;) {
      program.next_chunk(chunk, 100);
      EXPECT_LE(chunk.size, 100U);
      for (std::size_t i = 0; i < chunk.size; ++i) EXPECT_LT(chunk.pfns[i], 8U);
      steps += chunk.size;
      if (chunk.size != 0) continue;
      if (!program.next(op)) break;
      ++single;
    }
    return {steps, single};
  }
  std::unique_ptr<Sandbox> sandbox;
};

TEST_F(PageOps, ARepeatOfAPairOnOnePageComesInChunks) {
  make();
  const Op pin = on_page(OpCode::kPinPage, PagePick::kRandom);
  const Op unpin = on_page(OpCode::kUnpinPage, PagePick::kSame);
  Op yield;
  yield.code = OpCode::kYield;
  using Counts = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_EQ(drain({repeat(1000, 2), pin, unpin}), Counts(1000, 0));
  EXPECT_EQ(drain({repeat(3, 4), repeat(250, 2), pin, unpin, yield, yield}), Counts(750, 4));
  EXPECT_EQ(drain({repeat(3, 3), repeat(250, 2), pin, unpin}), Counts(750, 0));
  EXPECT_EQ(drain({repeat(0, 2), pin, unpin, yield}), Counts(0, 1));
  EXPECT_EQ(drain({repeat(5, 1), on_page(OpCode::kMaybePinned)}), Counts(5, 0));
  // Not on one page, or of more than one pin: as they are written.
  EXPECT_EQ(drain({repeat(5, 2), pin, on_page(OpCode::kUnpinPage)}), Counts(0, 10));
  EXPECT_EQ(drain({repeat(5, 3), pin, unpin, yield}), Counts(0, 15));
  Op many = pin;
  many.has_n = true;
  many.n = 2;
  EXPECT_EQ(drain({repeat(5, 2), many, unpin}), Counts(0, 10));
  // A pfn that nobody set up is refused one by one.
  Op outside = pin;
  outside.pfn = sandbox->box().settings().placed_pages - 4;
  EXPECT_EQ(drain({repeat(5, 2), outside, unpin}), Counts(0, 10));
}

TEST_F(PageOps, WhatAThreadHoldsIsInTheAuditAndGoesAtTheEnd) {
  for (const unsigned threads : {0U, 1U}) {
    make(threads);
    Interpreter& interpreter = sandbox->interpreter(threads);
    Op pin = on_page(OpCode::kPinPage);
    pin.has_n = true;
    pin.n = 3;
    EXPECT_EQ(interpreter.run(pin).ret, Errc::kOk);
    EXPECT_EQ(interpreter.run(on_page(OpCode::kGetPage)).ret, Errc::kOk);
    EXPECT_EQ(interpreter.run(on_page(OpCode::kIsolatePage)).ret, Errc::kOk);
    EXPECT_EQ(interpreter.run(on_page(OpCode::kIsolatePage)).ret, Errc::kBusy);
    EXPECT_TRUE(sandbox->audit().clean());
    const OpRecord pins = interpreter.run(on_page(OpCode::kPinsOf));
    EXPECT_EQ(pins.v, (std::vector<std::uint64_t>{3, 1}));
    // Lost behind the thread's back: the audit says so.
    sandbox->box().memmap().page(Pfn{0}).ref_sub(1);
    EXPECT_FALSE(sandbox->audit().clean());
    sandbox->box().memmap().page(Pfn{0}).ref_add(1);
    sandbox->finish();
    EXPECT_TRUE(sandbox->audit().clean());
    EXPECT_EQ(sandbox->leaks(), "");
    EXPECT_EQ(sandbox->box().memmap().page(Pfn{0}).refcount(), 1);
  }
}

TEST_F(PageOps, CountsAreFromOneToWhatAReferenceCountHolds) {
  make();
  PageThread& pages = sandbox->interpreter(1).pages();
  EXPECT_EQ(pages.get(Pfn{0}, 0), Errc::kInval);
  EXPECT_EQ(pages.get(Pfn{0}, static_cast<std::uint32_t>(kRefcountMax + 1)), Errc::kInval);
  EXPECT_NE(pages.get(Pfn{0}, static_cast<std::uint32_t>(kRefcountMax)), Errc::kInval);
}

TEST_F(PageOps, AnotherThreadCannotGiveBackWhatOneHolds) {
  make(2);
  EXPECT_EQ(sandbox->interpreter(1).run(on_page(OpCode::kPinPage)).ret, Errc::kOk);
  EXPECT_EQ(sandbox->interpreter(2).run(on_page(OpCode::kUnpinPage)).ret, Errc::kNotPinned);
  EXPECT_EQ(sandbox->interpreter(2).run(on_page(OpCode::kUnpinPage, PagePick::kHeld)).ret,
            Errc::kNoEnt);
  EXPECT_EQ(sandbox->interpreter(1).run(on_page(OpCode::kUnpinPage, PagePick::kHeld)).ret,
            Errc::kOk);
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
