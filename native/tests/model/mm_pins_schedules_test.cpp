// Pins of the schemes that take pages off their LRU, against everything of mm
// that works on lists, under random schedules; and speculative pins whose undoing
// drops the last reference.
#include "base_run_helpers.h"
#include "mm/fault/user_access.h"
#include "mm/gup/gup.h"
#include "mm/migrate.h"
#include "tests/both/mm_fixture.h"
#include "tests/both/test_name.h"

namespace pagebox::testing {
namespace {

/// A packed count of one bit: the second pin finds it full, and is undone.
SchemeSpec one_pin_scheme() {
  SchemeSpec scheme = *find_scheme("packed-64");
  scheme.name = "one-pin";
  scheme.count_bits = 1;
  complete_scheme(scheme);
  return scheme;
}

/// The first body runs `steps` steps, then the second all of its own: each run cuts
/// one step later.
class CutOnce final : public Strategy {
 public:
  bool begin(std::uint64_t run) override {
    left_ = run;
    return true;
  }
  FiberId next_fiber(const Choice& choice) override {
    const bool first = (choice.runnable & 1U) != 0, second = (choice.runnable & 2U) != 0;
    if (first && (left_ > 0 || !second)) {
      left_ -= left_ > 0 ? 1 : 0;
      return 0;
    }
    return 1;
  }

 private:
  std::uint64_t left_ = 0;
};

TEST(MmPinsSchedules, AnUndonePinFreesThePageWhenItWasTheLast) {
  constexpr std::uint64_t kRuns = 40;  // more than the pin has steps
  MmBox box(2, one_pin_scheme());
  std::unique_ptr<Mm> mm;
  Pfn held;
  const std::uint64_t idle = box.allocator->free_pages();
  std::uint64_t full = 0, findings = 0, lost = 0;
  const auto check = [&] {
    if (mm == nullptr) return;
    mm->exit(box.cpu());
    lru_add_drain_all(box.cpu());
    box.machine->rcu.barrier();
    findings += box.audit({}).size();
    lost += box.allocator->free_pages() == idle ? 0 : 1;
  };
  const auto renew = [&] {
    check();
    mm = box.create_mm();
    EXPECT_EQ(map_anon(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
    EXPECT_EQ(store_word(box.cpu(), *mm, kTestBase, 1), FaultResult::kOk);
    lru_add_drain(box.cpu());
    EXPECT_EQ(pin_user_pages_fast(box.cpu(), *mm, kTestBase, kFollWrite, std::span(&held, 1)).pages,
              1U);
    // Nobody maps it any more: the pin alone keeps the page.
    EXPECT_EQ(do_munmap(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
    lru_add_drain_all(box.cpu());
  };
  auto pins = [&] {
    const Errc error = box.pins->try_pin_speculative(held, 1, 1);
    if (error == Errc::kPinLimit) ++full;
    if (error == Errc::kOk) {
      box.cpu(1).pin_statistics.acquired.fetch_add(1);
      unpin_user_page(box.cpu(1), held);
    }
  };
  auto goes = [&] { unpin_user_page(box.cpu(0), held); };
  const FiberBody bodies[] = {body(pins), body(goes)};
  ModelRunner runner;
  CutOnce strategy;
  std::uint64_t clean = 0;
  explore_runs(runner, bodies, strategy, {}, kRuns, renew, [&](const RunOutcome& outcome) {
    clean += outcome.end == Outcome::kClean ? 1 : 0;
    return true;
  });
  check();
  mm.reset();
  EXPECT_EQ(clean, kRuns);
  EXPECT_GT(full, 0U);
  EXPECT_EQ(findings, 0U);
  EXPECT_EQ(lost, 0U);
}

class MmListSchedules : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Scheme, MmListSchedules,
                         ::testing::Values("lru-overlay", "packed-64", "packed-32", "flag-and-word",
                                           "mapcount-overlay", "refcount"),
                         parameter_name);

TEST_P(MmListSchedules, PinsMeetDrainsReclaimMigrationAndMlock) {
  constexpr std::uint64_t kRuns = 150;
  MmBox box(3, GetParam());
  std::unique_ptr<Mm> mm;
  std::uint64_t findings = 0, lost = 0;
  const auto check = [&] {
    if (mm == nullptr) return;
    findings += box.audit({mm.get()}).size();
    std::uint64_t word = 0;
    if (load_word(box.cpu(), *mm, kTestBase, word) != FaultResult::kOk || word != 7) ++lost;
    mm->exit(box.cpu());
    lru_add_drain_all(box.cpu());
    box.machine->rcu.barrier();
    findings += box.audit({}).size();
  };
  const auto renew = [&] {
    check();
    mm = box.create_mm();
    EXPECT_EQ(map_anon(box.cpu(), *mm, kTestBase, 1), Errc::kOk);
    EXPECT_EQ(store_word(box.cpu(), *mm, kTestBase, 7), FaultResult::kOk);
  };
  const auto pin = [&](unsigned cpu) {
    Pfn pfn;
    if (pin_user_pages_fast(box.cpu(cpu), *mm, kTestBase, kFollWrite, std::span(&pfn, 1)).pages ==
        1)
      unpin_user_page(box.cpu(cpu), pfn);
  };
  auto pins = [&] {
    pin(0);
    pin(0);
  };
  auto others = [&] {
    lru_add_drain_all(box.cpu(1));
    pin(1);
    (void)compact_range(box.cpu(1), {0}, {box.memmap->pages()});
  };
  auto advice = [&] {
    (void)do_mlock(box.cpu(2), *mm, kTestBase, 1);
    (void)do_munlock(box.cpu(2), *mm, kTestBase, 1);
    (void)do_madvise(box.cpu(2), *mm, kTestBase, 1, Advice::kPageout);
  };
  const FiberBody bodies[] = {body(pins), body(others), body(advice)};
  const Ends ends = random_runs(bodies, kRuns, renew);
  check();
  mm.reset();
  EXPECT_EQ(ends[Outcome::kClean], kRuns);
  EXPECT_EQ(findings, 0U);
  EXPECT_EQ(lost, 0U);
}

}  // namespace
}  // namespace pagebox::testing
