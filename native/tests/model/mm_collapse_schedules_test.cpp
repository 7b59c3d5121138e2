// Small pages become a huge one while others store, pin, fork and split: under random
// schedules no store is lost, no pin is left behind, and the audit is clean after each.
#include <gtest/gtest.h>

#include "base_run_helpers.h"
#include "mm/fault/user_access.h"
#include "mm/gup/gup.h"
#include "mm/huge/huge.h"
#include "tests/both/mm_fixture.h"

namespace pagebox::testing {
namespace {

constexpr std::uint64_t kCollapseRuns = 30;

struct CollapseMeeting {
  MmBox box{4, "refcount-bias", 1 << 12, 0, with_huge_pages()};
  std::unique_ptr<Mm> mm, child;
  std::uint64_t findings = 0, lost = 0, strays = 0, collapses = 0, pins = 0;

  void renew() {
    Cpu& cpu = box.cpu();
    if (mm != nullptr) {
      findings += child ? box.audit({mm.get(), child.get()}).size() : box.audit({mm.get()}).size();
      for (const auto& [page, value] : {std::pair{3U, 30U}, std::pair{5U, 50U}}) {
        std::uint64_t word = 0;
        if (load_word(cpu, *mm, kTestBase + page * kPageBytes, word) != FaultResult::kOk ||
            word != value)
          ++lost;
      }
      if (child) child->exit(cpu);
      mm->exit(cpu);
      lru_add_drain_all(cpu);
      findings += box.audit({}).size();
    }
    child = nullptr;
    mm = box.create_mm();
    ASSERT_EQ(map_anon(cpu, *mm, kTestBase, kPagesPerPmd), Errc::kOk);
    ASSERT_EQ(store_word(cpu, *mm, kTestBase + 3 * kPageBytes, 30), FaultResult::kOk);
  }
  void store(unsigned cpu) { (void)store_word(box.cpu(cpu), *mm, kTestBase + 5 * kPageBytes, 50); }
  /// Again and again, as khugepaged does: what others have just brought is in their batches.
  void collapse(unsigned cpu) {
    for (int i = 0; i < 6; ++i)
      if (do_madvise(box.cpu(cpu), *mm, kTestBase, kPagesPerPmd, Advice::kCollapse) == Errc::kOk) {
        ++collapses;
        return;
      }
  }
  void pin(unsigned cpu) {
    Pfn pfn;
    if (pin_user_pages_fast(box.cpu(cpu), *mm, kTestBase + 3 * kPageBytes, kFollWrite,
                            std::span(&pfn, 1))
            .pages != 1)
      return;
    ++pins;
    box.machine->frames.set_word(pfn, 0, 31);
    std::uint64_t word = 0;
    (void)load_word(box.cpu(cpu), *mm, kTestBase + 3 * kPageBytes, word);
    if (word != 31) ++strays;
    box.machine->frames.set_word(pfn, 0, 30);
    unpin_user_page(box.cpu(cpu), pfn);
  }
  void fork(unsigned cpu) {
    auto fresh = box.create_mm();
    (void)dup_mmap(box.cpu(cpu), *fresh, *mm);
    child = std::move(fresh);
  }
  void pageout(unsigned cpu) {
    (void)do_madvise(box.cpu(cpu), *mm, kTestBase + 3 * kPageBytes, 1, Advice::kPageout);
  }
  void expect_clean(const Ends& ends) {
    renew();
    EXPECT_EQ(ends[Outcome::kClean], kCollapseRuns);
    EXPECT_EQ(findings, 0U);
    EXPECT_EQ(lost, 0U);
    EXPECT_EQ(strays, 0U);
    EXPECT_GT(collapses, 0U);
    mm->exit(box.cpu());
  }
};

TEST(MmCollapseSchedules, AgainstPinAndStore) {
  CollapseMeeting meeting;
  auto collapses = [&] { meeting.collapse(1); };
  auto pins = [&] { meeting.pin(2); };
  auto stores = [&] { meeting.store(3); };
  const FiberBody bodies[] = {body(collapses), body(pins), body(stores)};
  meeting.expect_clean(random_runs(bodies, kCollapseRuns, [&] { meeting.renew(); }));
  EXPECT_GT(meeting.pins, 0U);
}

TEST(MmCollapseSchedules, AgainstForkAndReclaim) {
  CollapseMeeting meeting;
  auto collapses = [&] { meeting.collapse(1); };
  auto forks = [&] { meeting.fork(0); };
  auto pageouts = [&] { meeting.pageout(2); };
  auto stores = [&] { meeting.store(3); };
  const FiberBody bodies[] = {body(collapses), body(forks), body(pageouts), body(stores)};
  meeting.expect_clean(random_runs(bodies, kCollapseRuns, [&] { meeting.renew(); }));
}

}  // namespace
}  // namespace pagebox::testing
