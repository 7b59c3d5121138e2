// Several OS threads share a box: calls, exclusive runs and close() keep apart.
#include "engine/box/box_gate.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "engine/box/box_machine.h"
#include "tests/both/engine_box_machine_fixture.h"
#include "tests/both/engine_fixture.h"

namespace pagebox::inline PAGEBOX_ENV {
namespace {

TEST(BoxGate, AnExclusiveRunKeepsCallsOut) {
  BoxHandle handle(TestBox{}.make());
  EXPECT_TRUE(BoxCall(handle));
  {
    const ExclusiveRun run(handle.box().gate());
    ASSERT_TRUE(run);
    EXPECT_EQ(BoxCall(handle).error(), Errc::kBusy);
    EXPECT_EQ(ExclusiveRun(handle.box().gate()).error(), Errc::kBusy);
  }
  EXPECT_TRUE(BoxCall(handle));
}

TEST(BoxGate, AClosedBoxRefusesEverything) {
  BoxHandle handle(TestBox{}.make());
  handle.box().gate().close();
  handle.box().gate().close();
  EXPECT_EQ(BoxCall(handle).error(), Errc::kBadF);
  EXPECT_EQ(ExclusiveRun(handle.box().gate()).error(), Errc::kBadF);
}

TEST(BoxGate, HandlesHaveTheLowestFreeNumbers) {
  auto box = TestBox{}.make();
  BoxHandle first(box);
  EXPECT_EQ(first.index(), 0U);
  {
    const BoxHandle second(box);
    EXPECT_EQ(second.index(), 1U);
  }
  const BoxHandle third(box);
  EXPECT_EQ(third.index(), 1U);
}

void audit_among_calls(AsymmetricBarrier::Payer payer) {
  auto box = TestBox{.pages = 16, .gate_payer = payer}.make();
  std::atomic<bool> stop = false;
  std::atomic<unsigned> begun = 0;
  std::vector<std::thread> workers;
  for (unsigned i = 0; i < 3; ++i) {
    workers.emplace_back([&box, &stop, &begun, i] {
      BoxHandle handle(box);
      ++begun;
      for (std::uint64_t n = i; !stop; ++n) {
        const Pfn pfn{n % 16};
        const BoxCall call(handle);
        if (!call) {
          std::this_thread::yield();
          continue;
        }
        if (box->pin(pfn, 1, i) == Errc::kOk) {
          EXPECT_EQ(box->unpin(pfn, 1, i), Errc::kOk);
        }
      }
    });
  }
  while (begun != 3) std::this_thread::yield();
  AuditReport report;
  for (int i = 0; i < 50; ++i) {
    std::this_thread::yield();  // calls come in between
    const ExclusiveRun run(box->gate());
    ASSERT_TRUE(run);
    ASSERT_EQ(audit(*box, report), Errc::kOk);
    EXPECT_TRUE(report.clean()) << text_of(report);
  }
  stop = true;
  for (auto& worker : workers) worker.join();
}

TEST(BoxGate, AuditsAmongCallsOfOtherThreadsAreClean) {
  audit_among_calls(AsymmetricBarrier::Payer::kRare);
}

TEST(BoxGate, AuditsAmongCallsThatPayForThemselvesAreClean) {
  audit_among_calls(AsymmetricBarrier::Payer::kBoth);
}

/// Calls pay no barrier where the system has one for the rare side; the model, whose accesses have
/// one order, would not see that it is missing.
TEST(BoxGate, WhoWantsItAlonePaysForCallsThatDoNot) {
  auto box = TestBox{}.make();
  BoxHandle handle(box);
  const AsymmetricBarrier& barrier = box->gate().barrier();
  for (unsigned runs = 1; runs <= 3; ++runs) {
    EXPECT_TRUE(BoxCall(handle));
    EXPECT_TRUE(ExclusiveRun(box->gate()));
    EXPECT_EQ(barrier.paid(), barrier.rare_pays() ? runs : 0);
  }
  ASSERT_EQ(box->gate().reserve_exclusive(), Errc::kOk);
  EXPECT_TRUE(ExclusiveRun(box->gate(), true));
  box->gate().close();
  EXPECT_EQ(barrier.paid(), barrier.rare_pays() ? 5U : 0U);
}

TEST(BoxGate, TheLastHandleFreesTheBox) {
  std::weak_ptr<Box> watch;
  {
    auto box = TestBox{}.make();
    watch = box;
    const BoxHandle first(box);
    box.reset();
    const BoxHandle second(first.shared());
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

TEST(BoxGate, WhoLeavesDuringARunIsEndedByIt) {
  MachineBox f;
  auto staying = std::make_unique<BoxHandle>(f.box);
  auto leaving = std::make_unique<BoxHandle>(f.box);
  ASSERT_EQ(leaving->index(), 1U);
  const auto mm = f.machine->create_mm(leaving->index());
  ASSERT_TRUE(mm);
  {
    const ExclusiveRun run(f.box->gate());
    ASSERT_TRUE(run);
    // At once, and it says what was there.
    EXPECT_EQ(leaving->leave().mms, 1U);
    leaving.reset();
    EXPECT_NE(f.machine->mm(mm.value), nullptr);
    // Its number is still that of what it left.
    EXPECT_EQ(BoxHandle(f.box).index(), 2U);
  }
  EXPECT_EQ(f.machine->mm(mm.value), nullptr);
  EXPECT_EQ(BoxHandle(f.box).index(), 1U);
  EXPECT_EQ(staying->leave().mms, 1U);  // the fixture's
}

// Else those who come and go while a run is long are more and more, and each new one looks through
// all of their numbers.
TEST(BoxGate, WhoLeavesNothingDuringARunGivesItsNumberBack) {
  MachineBox f;
  const BoxHandle staying(f.box);
  const ExclusiveRun run(f.box->gate());
  ASSERT_TRUE(run);
  for (unsigned i = 0; i < 100; ++i) {
    BoxHandle handle(f.box);
    EXPECT_EQ(handle.index(), 1U);
    EXPECT_EQ(handle.leave().mms, 0U);
  }
}

TEST(BoxGate, HandlesComeAndGoDuringRuns) {
  auto box = TestBox{.pages = 16}.make();
  std::atomic<bool> stop = false;
  std::vector<std::thread> workers;
  for (unsigned i = 0; i < 3; ++i) {
    workers.emplace_back([&box, &stop] {
      while (!stop) {
        BoxHandle handle(box);
        if (BoxCall call(handle); call && box->machine() != nullptr)
          (void)box->machine()->create_mm(handle.index());
        (void)handle.leave();
      }
    });
  }
  {
    ExclusiveRun run(box->gate());
    std::string reason;
    if (run) (void)box->ensure_machine(&reason);
  }
  for (int i = 0; i < 40; ++i) {
    const ExclusiveRun run(box->gate());
    ASSERT_TRUE(run);
    std::this_thread::yield();
  }
  stop = true;
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(BoxHandle(box).index(), 0U);
  EXPECT_CLEAN(*box);
}

TEST(Box, OfManyPagesIsCreatedAtOnce) {
  BoxSettings settings;
  settings.layout = *find_layout("linux-6.12");
  settings.scheme = *find_scheme("refcount-bias");
  settings.pages = std::uint64_t{1} << 28;
  double best_ms = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    std::shared_ptr<Box> box;
    const Errc error = Box::create(settings, box);
    const auto end = std::chrono::steady_clock::now();
    // A sanitizer's address space may not hold 16 GiB of descriptors.
    if (error == Errc::kNoMem) GTEST_SKIP();
    ASSERT_EQ(error, Errc::kOk);
    EXPECT_EQ(box->pin(Pfn{settings.pages - 1}), Errc::kOk);
    best_ms = std::min(best_ms, std::chrono::duration<double, std::milli>(end - begin).count());
  }
  EXPECT_LT(best_ms, 10);
}

}  // namespace
}  // namespace pagebox::inline PAGEBOX_ENV
